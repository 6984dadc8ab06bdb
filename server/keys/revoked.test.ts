import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../testing/factories.ts';
import { request } from '../testing/request.ts';
import { amountOf } from '../testing/runs.ts';
import { startBeside, startTestServer, type TestServer } from '../testing/server.ts';

let servers: TestServer[];
let organization: string;
const numbers = Array.from({ length: 5 }, uniqueNumber);
before(async () => {
  const server = await startTestServer();
  servers = [server, await startBeside(server)];
  organization = await newOrganization(server);
  await newNumbers(
    server,
    organization,
    numbers.map(phone_number => ({ phone_number })),
  );
});
after(async () => {
  for (const server of servers.toReversed()) await server.stop();
});

const rounds = amountOf('endings');

/** The headers of a caller, and how to end its access. */
type Access = {
  headers: Record<string, string>;
  code: string;
  end(server: TestServer): Promise<{ status: number }>;
};

/**
 * Readers whose lists and numbers are cached on both servers lose their access through one of them. Both refuse every
 * request that is sent after the loss was acknowledged.
 */
async function raced({ headers, code, end }: Access, paths: string[], through: number): Promise<void> {
  let ended = false;
  let refused = 0;
  let served = 0;
  async function read(place: number): Promise<void> {
    for (let turn = place; refused < 40; turn++) {
      const sentAfter = ended;
      const path = paths[turn % paths.length]!;
      const reply = await request(servers[(turn >> 1) % 2]!.url, path, { headers });
      if (sentAfter || reply.status === 401) {
        assert.equal(reply.status, 401, `${path} was served after access had ended: ${reply.text}`);
        assert.equal(JSON.parse(reply.text).code, code);
        refused++;
      } else {
        assert([200, 304].includes(reply.status), reply.text);
        served++;
      }
    }
  }
  const reading = Array.from({ length: 8 }, (_, place) => read(place));
  const ending = (async () => {
    while (served < 20) {
      assert.equal(refused, 0, 'refused before its access had ended');
      await new Promise(resolve => setImmediate(resolve));
    }
    assert.equal((await end(servers[through]!)).status, 200);
    ended = true;
  })();
  await Promise.all([ending, ...reading]);
}

const list = () => `/v1/sms/phone-numbers?organization_id=${organization}`;
const one = (number: string) => `/v1/sms/phone-numbers/${encodeURIComponent(number)}`;

async function newToken(permission: 'admin' | 'user') {
  const [server] = servers as [TestServer];
  const user = await newUser(server, organization);
  const path = `/v1/organizations/${organization}/users/${user}`;
  await server.call('PATCH', path, { body: { permission } });
  const { body } = await server.call('POST', `${path}/tokens`, { body: { expires_in: 3600 } });
  return { path, id: body.token.id as string, headers: { authorization: `Bearer ${body.access_token}` } };
}
const asAdmin = () => ({ key: servers[0]!.key });

test('a revoked key is refused from the next request on, by every server', async () => {
  for (let round = 0; round < rounds; round++) {
    const { body } = await servers[0]!.call('POST', '/v1/keys', {
      body: { name: 'short', permission: 'read' },
    });
    const end = (server: TestServer) => server.call('DELETE', `/v1/keys/${body.key.id}`, asAdmin());
    const access = { headers: { 'x-api-key': body.api_key }, code: 'api_key_invalid', end };
    await raced(access, [list(), one(numbers[0]!)], round % 2);
  }
});

test('a revoked token is refused from the next request on, by every server', async () => {
  for (let round = 0; round < rounds; round++) {
    const { path, id, headers } = await newToken('admin');
    const end = (server: TestServer) => server.call('DELETE', `${path}/tokens/${id}`, asAdmin());
    await raced({ headers, code: 'token_invalid', end }, [list(), one(numbers[1]!)], round % 2);
  }
});

test('a suspended user is refused from the next request on, by every server', async () => {
  for (let round = 0; round < rounds; round++) {
    const { path, headers } = await newToken(round % 2 ? 'user' : 'admin');
    const end = (server: TestServer) =>
      server.call('PATCH', path, { ...asAdmin(), body: { status: 'suspended' } });
    // A user who is not an admin sees only their own list.
    await raced({ headers, code: 'token_invalid', end }, [list()], round % 2);
  }
});

test('a key is refused from the moment that it expires, and not before', async () => {
  const [server] = servers as [TestServer];
  const { body } = await server.call('POST', '/v1/keys', { body: { name: 'short', permission: 'read' } });
  const { db } = server.database;
  const expire = () =>
    sql`update api_keys set expires_at = clock_timestamp() + interval '100 ms' where id = ${body.key.id}`.execute(
      db,
    );
  const hasExpired = async () => {
    const { rows } = await sql<{ expired: boolean }>`
      select clock_timestamp() > expires_at as expired from api_keys where id = ${body.key.id}`.execute(db);
    return rows[0]!.expired;
  };
  const headers = { 'x-api-key': body.api_key };
  const counts = { served: 0, refused: 0 };
  let expiring: Promise<unknown> | undefined;
  async function read(place: number): Promise<void> {
    for (let turn = place; counts.refused < 20; turn++) {
      const before = await hasExpired();
      const reply = await request(servers[turn % 2]!.url, list(), { headers });
      if (before) assert.equal(reply.status, 401, 'served after it had expired');
      if (reply.status === 401) assert(await hasExpired(), 'refused before it had expired');
      else assert.equal(reply.status, 200, reply.text);
      counts[reply.status === 200 ? 'served' : 'refused']++;
      if (counts.served === 20) expiring ??= expire();
    }
  }
  await Promise.all([0, 1, 2, 3].map(read));
  await expiring;
});
