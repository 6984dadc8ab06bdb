import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { after, test } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { check } from './check/check.ts';
import { goThrough, newAccount, own } from './runs/testing.ts';
import { fuzzing, type Known } from './testing/arbitrary.ts';
import { type Attempt, attempts, type Secrets } from './testing/attempts.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from './testing/factories.ts';
import { asUser } from './testing/names.ts';
import { type Operation, operationsOf } from './testing/routes.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);

type Answer = { status: number; headers: IncomingHttpHeaders; text: string };

const server: TestServer = await startTestServer();
after(() => server.stop());
const operations = operationsOf((await server.call('GET', '/openapi.json')).body);
const secrets = await mintSecrets();

for (const operation of operations) {
  test(`${operation.operationId} answers whatever it is asked as declared`, async () => {
    const answered = new Set<number>();
    const { known, states } = await populate(operation);
    // Most numbers are in other states than the one that the operation is for.
    const fitting = states[starting[operation.operationId] ?? ''] ?? [];
    known.phone_number!.push(...fitting, ...fitting, ...fitting);
    const verify = verifier(operation);
    const property = fc.asyncProperty(
      attempts(withoutLongWaits(operation), known, secrets),
      async attempt => {
        const answer = await send(operation.method, attempt);
        verify(answer);
        answered.add(answer.status);
      },
    );
    await fc.assert(property, fuzzing(120));
    // Otherwise all of this has only shown that everything is refused.
    assert(
      [...answered].some(status => status < 300),
      `only ${[...answered]} came back`,
    );
  });
}

test('after all that nothing contradicts anything', async () => {
  const { findings, events } = await check(server.database);
  assert.deepEqual(findings, []);
  assert(events > 0);
});

/** The state that a number must be in for these to do anything. */
const starting: Record<string, string> = {
  assignNumber: 'available',
  unassignNumber: 'assigned',
  reserveNumber: 'available',
  endCoolDown: 'cooling_down',
  transferNumber: 'available',
  restoreNumber: 'releasing',
  resolveDrift: 'drift',
};

function withoutLongWaits(operation: Operation): Operation {
  const copy = structuredClone(operation);
  for (const { name, schema } of copy.parameters ?? []) if (name === 'wait') schema.maximum = 1;
  return copy;
}

/** What is declared is what may come back, and nothing else. */
function verifier({ responses }: Operation): (answer: Answer) => void {
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

async function mintSecrets(): Promise<Secrets> {
  const organization = await newOrganization(server);
  const bearer = async (permission: 'admin' | 'user') =>
    (await asUser(server, organization, permission)).authorization!.replace('Bearer ', '');
  return {
    key: server.key,
    readKey: await server.newKey({ permission: 'read' }),
    adminToken: await bearer('admin'),
    userToken: await bearer('user'),
  };
}

/** Everything in one organization and nothing in another, so that requests get past what does not exist. */
async function populate(operation: Operation): Promise<{ known: Known; states: Record<string, string[]> }> {
  const call = async (method: string, path: string, body?: unknown) => {
    const reply = await server.call(method, path, { body });
    assert(reply.status < 300, reply.text);
    return reply.body;
  };
  const settings = (seconds: number) =>
    call('PATCH', '/v1/tenant', {
      cool_down_seconds: seconds,
      release_undo_seconds: seconds,
      transfer_cool_down_seconds: 0,
    });
  const organization = await newOrganization(server);
  const [user, ...others] = await Promise.all(Array.from({ length: 4 }, () => newUser(server, organization)));
  const numbers = Array.from({ length: 84 }, uniqueNumber);
  const [available, assigned, cooling_down, releasing, reserved, released] = [
    numbers.slice(0, 24),
    numbers.slice(24, 44),
    numbers.slice(44, 58),
    numbers.slice(58, 72),
    numbers.slice(72, 80),
    numbers.slice(80),
  ] as [string[], string[], string[], string[], string[], string[]];
  await newNumbers(
    server,
    organization,
    numbers.map(phone_number => ({
      phone_number,
      ...([...assigned, ...cooling_down].includes(phone_number) && { user_id: user! }),
    })),
  );
  const tags = ['west', 'front desk'];
  const bulk = (of: string[], item: object) =>
    call('POST', '/v1/sms/phone-numbers/bulk', {
      items: of.map(phone_number => ({ phone_number, ...item })),
      atomic: true,
    });
  await bulk(numbers, { action: 'tag', add: tags });
  await settings(3600);
  await bulk(cooling_down, { action: 'unassign' });
  await bulk(releasing, { action: 'release' });
  await settings(0);
  await bulk(released, { action: 'release' });
  const reservations: string[] = [];
  for (const number of reserved) {
    const held = await call('POST', `/v1/sms/phone-numbers/${number}/reserve`, { expires_in: 86_400 });
    reservations.push(held.reservation_id);
  }
  const path = `/v1/organizations/${organization}/users/${user}/tokens`;
  const { token } = await call('POST', path, { expires_in: 60 });
  const { key } = await call('POST', '/v1/keys', { name: 'to be revoked', permission: 'read' });
  const { events } = await call('GET', `/v1/events?organization_id=${organization}`);
  const elsewhere = await newOrganization(server);
  const account = await newAccount(server);
  const drift = Array.from({ length: 60 }, uniqueNumber);
  const runs: string[] = [];
  if (operation.path.startsWith('/v1/carrier-runs/')) {
    await own(
      server.database.db,
      account,
      drift.map(phone_number => ({ phone_number, tags })),
    );
    runs.push((await goThrough(server, account, 'compare')).id);
  }
  const known = {
    organization_id: [organization, organization, elsewhere],
    to_organization_id: [organization, elsewhere, elsewhere],
    user_id: [...Array(6).fill(user), ...others],
    assigned_to: [user!],
    phone_number: [...numbers],
    free_number: Array.from({ length: 300 }, uniqueNumber),
    reservation_id: reservations,
    batch_id: events.flatMap((event: { data: { batch_id?: string } }) => event.data.batch_id ?? []),
    token_id: [token.id],
    key_id: [key.id],
    account_id: [account],
    ...(runs.length > 0 && { run_id: runs }),
    tag: tags,
    tags,
    add: [...tags, 'new'],
    remove: tags,
    area_code: ['201', '415'],
    starts_with: ['+1', '1201', '+120155'],
    as_of: ['0', '1', '3', '2024-01-01T00:00:00Z', '2999-01-01T00:00:00.5+05:30'],
  };
  return { known, states: { available, assigned, cooling_down, releasing, drift } };
}
