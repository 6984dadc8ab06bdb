import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
  await server.call('PATCH', '/v1/tenant', { body: { release_undo_seconds: 3600, cool_down_seconds: 3600 } });
});
after(() => server.stop());

const numbers = '/v1/sms/phone-numbers';

/** Makes an organization with a number in each state, then suspends or deactivates it. */
async function stopped(status: string) {
  const organization = await newOrganization(server);
  const user = await newUser(server, organization);
  const [free, assigned, releasing, resting, reserved] = (
    await newNumbers(
      server,
      organization,
      Array.from({ length: 5 }, () => ({ phone_number: uniqueNumber() })),
    )
  ).map(number => number.phone_number) as [string, string, string, string, string];
  const [outside] = await newNumbers(server, await newOrganization(server));
  for (const number of [assigned, resting])
    await server.call('POST', `${numbers}/${number}/assign`, { body: { user_id: user } });
  await server.call('DELETE', `${numbers}/${resting}/assign`);
  await server.call('DELETE', `${numbers}/${releasing}`);
  const { body } = await server.call('POST', `${numbers}/${reserved}/reserve`, {
    body: { expires_in: 3600 },
  });
  const reply = await server.call('PATCH', `/v1/organizations/${organization}`, { body: { status } });
  assert.equal(reply.status, 200);
  const reservation = `/v1/sms/reservations/${body.reservation_id}`;
  return {
    organization,
    user,
    free,
    assigned,
    releasing,
    resting,
    reserved,
    reservation,
    outside: outside!.phone_number,
  };
}

for (const status of ['suspended', 'inactive']) {
  test(`an organization that is ${status} hands out no number and takes none in`, async () => {
    const {
      organization: organization_id,
      user: user_id,
      free,
      releasing,
      reservation,
      outside,
    } = await stopped(status);
    const before = (await server.call('GET', `/v1/events?organization_id=${organization_id}`)).body.revision;
    for (const [path, body] of [
      [`${numbers}/${free}/assign`, { user_id }],
      [`${numbers}/claim`, { organization_id, user_id }],
      [`${numbers}/${free}/reserve`, { expires_in: 3600 }],
      [`${reservation}/renew`, { expires_in: 3600 }],
      [`${reservation}/assign`, { user_id }],
      [numbers, { organization_id, phone_numbers: [{ phone_number: uniqueNumber() }] }],
      [`${numbers}/${outside}/transfer`, { to_organization_id: organization_id }],
      [`${numbers}/${releasing}/restore`, undefined],
    ] as const) {
      const { status: answer, body: said } = await server.call('POST', path, { ...(body && { body }) });
      assert.deepEqual(
        [answer, said.code, said.error],
        [403, 'organization_not_active', `Organization is ${status}`],
        path,
      );
    }
    const file = await server.call('POST', `${numbers}/import?organization_id=${organization_id}`, {
      body: `phone_number\n${uniqueNumber()}\n`,
      headers: { 'content-type': 'text/csv' },
    });
    assert.deepEqual([file.status, file.body.code], [403, 'organization_not_active']);
    const items = [
      { action: 'assign', phone_number: free, user_id },
      { action: 'transfer', phone_number: outside, to_organization_id: organization_id },
    ];
    const { body } = await server.call('POST', `${numbers}/bulk`, { body: { items } });
    assert.deepEqual(
      body.results.map((result: { code: string }) => result.code),
      Array(2).fill('organization_not_active'),
    );
    assert.equal(
      (await server.call('GET', `/v1/events?organization_id=${organization_id}`)).body.revision,
      before,
    );
  });

  test(`an organization that is ${status} can be read, and gives numbers back`, async () => {
    const { organization, user, free, assigned, resting, reserved, reservation } = await stopped(status);
    const other = await newOrganization(server);
    for (const path of [
      `${numbers}?organization_id=${organization}`,
      `${numbers}/available?organization_id=${organization}`,
      `${numbers}/${free}`,
      `${numbers}/${free}/history`,
      `${numbers}/summary?organization_id=${organization}`,
      `/v1/events?organization_id=${organization}`,
      `/v1/organizations/${organization}`,
      `/v1/organizations/${organization}/users`,
    ]) {
      assert.equal((await server.call('GET', path)).status, 200, path);
    }
    for (const [method, path, body] of [
      ['DELETE', `${numbers}/${assigned}/assign`],
      ['PATCH', `${numbers}/${free}`, { nickname: 'Kept' }],
      ['POST', `${numbers}/${resting}/end-cool-down`],
      ['DELETE', reservation],
      ['POST', `${numbers}/${reserved}/transfer`, { to_organization_id: other }],
      ['DELETE', `${numbers}/${free}`],
      ['PATCH', `/v1/organizations/${organization}/users/${user}`, { name: 'Ben' }],
      ['PATCH', `/v1/organizations/${organization}`, { status: 'active' }],
      ['POST', `${numbers}/${free}/restore`],
    ] as const) {
      const reply = await server.call(method, path, { ...(body && { body }) });
      assert.equal(reply.status, 200, `${method} ${path}: ${reply.text}`);
    }
  });
}
