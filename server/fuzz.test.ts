import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { after, test } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { sql } from 'kysely';
import { fuzzing, type Known } from './testing/arbitrary.ts';
import { type Attempt, attempts } from './testing/attempts.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from './testing/factories.ts';
import { type Operation, operationsOf } from './testing/routes.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);

type Answer = { status: number; headers: IncomingHttpHeaders; text: string };

const server: TestServer = await startTestServer();
after(() => server.stop());
const operations = operationsOf((await server.call('GET', '/openapi.json')).body);
const readKey = await server.newKey({ permission: 'read' });
const known = await populate();
const keys = { good: server.key, others: [readKey, 'lk_live_x', 'ÿ'] };

for (const operation of operations) {
  test(`${operation.operationId} answers whatever it is asked as declared`, async () => {
    const answered = new Set<number>();
    // Users whom another operation has suspended would be refused everything.
    await server.database.db.updateTable('users').set({ status: 'active' }).execute();
    const check = checker(operation);
    const property = fc.asyncProperty(attempts(operation, known, keys), async attempt => {
      const answer = await send(operation.method, attempt);
      check(answer);
      answered.add(answer.status);
    });
    await fc.assert(property, fuzzing(120));
    // Otherwise all of this has only shown that everything is refused.
    assert(
      [...answered].some(status => status < 300),
      `only ${[...answered]} came back`,
    );
  });
}

test('after all that the log of every organization is whole', async () => {
  const { rows } = await sql`
    select o.unique_id, o.revision, count(distinct e.revision) as revisions, max(e.revision) as last
    from organizations o left join events e on e.tenant_id = o.tenant_id and e.organization_id = o.id
    group by o.tenant_id, o.id
    having o.revision <> count(distinct e.revision) or o.revision <> max(e.revision)`.execute(
    server.database.db,
  );
  assert.deepEqual(rows, []);
});

test('after all that no assignment contradicts its number', async () => {
  const { rows } = await sql`
    select n.phone_number, n.status, a.id from phone_numbers n
    left join assignments a on a.tenant_id = n.tenant_id and a.phone_number_id = n.id and a.ended_at is null
    where (n.status = 'assigned') <> (a.id is not null)`.execute(server.database.db);
  assert.deepEqual(rows, []);
});

/** What is declared is what may come back, and nothing else. */
function checker({ responses }: Operation): (answer: Answer) => void {
  const validators = new Map<string, ValidateFunction | undefined>();
  for (const [status, { content }] of Object.entries(responses)) {
    const schema = content?.['application/json']?.schema;
    validators.set(status, schema && ajv.compile(schema));
  }
  return ({ status, headers, text }) => {
    assert(status < 500, `${status} ${text}`);
    assert(validators.has(String(status)), `${status} is not declared: ${text}`);
    assert(headers['x-request-id']);
    const validate = validators.get(String(status));
    if (!validate) return assert.equal(text, '');
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    assert(validate(JSON.parse(text)), `${ajv.errorsText(validate.errors)}: ${text}`);
  };
}

/** Not with fetch: it would mend what is broken on purpose. */
function send(method: string, { path, headers, body = '' }: Attempt): Promise<Answer> {
  const length = method === 'GET' ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      `${server.url}`,
      { method, path, headers: { ...headers, ...length } },
      response => {
        const pieces: Buffer[] = [];
        response.on('data', piece => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text: Buffer.concat(pieces).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** Users, numbers and keys in one organization and none in another, so that requests get past what does not exist. */
async function populate(): Promise<Known> {
  const organization = await newOrganization(server);
  const users = await Promise.all(Array.from({ length: 4 }, () => newUser(server, organization)));
  const numbers = Array.from({ length: 120 }, (_, index) => ({
    phone_number: uniqueNumber(),
    ...(index % 2 === 0 && { user_id: users[0]! }),
  }));
  await newNumbers(server, organization, numbers);
  const body = { name: 'to be revoked', permission: 'read' };
  const { key } = (await server.call('POST', '/v1/keys', { body })).body;
  return {
    organization_id: [organization, organization, await newOrganization(server)],
    user_id: users,
    phone_number: numbers.map(({ phone_number }) => phone_number),
    free_number: Array.from({ length: 300 }, uniqueNumber),
    key_id: [key.id],
  };
}
