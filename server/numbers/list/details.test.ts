import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, newUser } from '../../testing/factories.ts';
import {
  type CallOptions,
  type Reply,
  startBeside,
  startTestServer,
  type TestServer,
} from '../../testing/server.ts';

let server: TestServer;
let beside: TestServer;
before(async () => {
  server = await startTestServer();
  beside = await startBeside(server);
});
after(async () => {
  await beside.stop();
  await server.stop();
});

/**
 * A GET whose number changes between the server's two look-ups. There are two because the cached body is of the version
 * before the last change.
 */
async function changedMeanwhile(
  path: string,
  options: CallOptions,
  change: () => Promise<Reply>,
): Promise<Reply> {
  const { lookups } = server.database;
  assert.equal((await server.call('GET', path)).status, 200);
  assert.equal((await server.call('PATCH', path, { body: { nickname: 'Not read yet' } })).status, 200);
  const query = lookups.query as (statement: never) => unknown;
  let looks = 0;
  lookups.query = (async (statement: never) => {
    if (++looks === 2) {
      const changed = await change();
      assert.equal(changed.status, 200, changed.text);
    }
    return query.call(lookups, statement);
  }) as never;
  try {
    return await server.call('GET', path, options);
  } finally {
    lookups.query = query as typeof lookups.query;
    assert.equal(looks, 2);
  }
}

test('a number that leaves the organization of a key while it is read is not shown to it', async () => {
  const [organization, elsewhere] = [await newOrganization(server), await newOrganization(server)];
  const [number] = await newNumbers(server, organization);
  const path = `/v1/sms/phone-numbers/${number!.phone_number}`;
  const key = await server.newKey({ organization_id: organization });
  const transfer = () =>
    beside.call('POST', `${path}/transfer`, { key: server.key, body: { to_organization_id: elsewhere } });
  const reply = await changedMeanwhile(path, { key }, transfer);
  assert.equal(reply.status, 404, reply.text);
  assert(!reply.text.includes(elsewhere));
  assert.equal((await server.call('GET', path)).body.phone_number.organization_id, elsewhere);
});

test('a number that is unassigned from a user while they read it is not shown to them', async () => {
  const organization = await newOrganization(server);
  const user = await newUser(server, organization);
  const [number] = await newNumbers(server, organization);
  const path = `/v1/sms/phone-numbers/${number!.phone_number}`;
  await server.call('POST', `${path}/assign`, { body: { user_id: user } });
  const minted = await server.call('POST', `/v1/organizations/${organization}/users/${user}/tokens`, {
    body: { expires_in: 3600 },
  });
  const headers = { authorization: `Bearer ${minted.body.access_token}` };
  const asUser = { key: '', headers };
  assert.equal((await server.call('GET', path, asUser)).status, 200);
  const unassign = () => beside.call('DELETE', `${path}/assign`, { key: server.key });
  assert.equal((await changedMeanwhile(path, asUser, unassign)).status, 404);
});

test('a number that is changed while it is read is shown with the change', async () => {
  const organization = await newOrganization(server);
  const [number] = await newNumbers(server, organization);
  const path = `/v1/sms/phone-numbers/${number!.phone_number}`;
  const edit = () => beside.call('PATCH', path, { key: server.key, body: { nickname: 'New' } });
  const key = await server.newKey({ organization_id: organization });
  const reply = await changedMeanwhile(path, { key }, edit);
  assert.equal(reply.body.phone_number.nickname, 'New');
});

test('a number that is released while it is read is not found', async () => {
  const [number] = await newNumbers(server, await newOrganization(server));
  const path = `/v1/sms/phone-numbers/${number!.phone_number}`;
  const release = () => beside.call('DELETE', path, { key: server.key });
  assert.equal((await changedMeanwhile(path, {}, release)).status, 404);
});
