import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { check } from '../check/check.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

/** What the migration has made, undone. */
const asBefore = `
  drop table number_counts, holder_counts;
  drop function keep_number_counts, keep_holder_counts cascade;
  alter function fold(text) strict`;

test('numbers that were there before the upgrade are counted, and so is what changes after it', async () => {
  const organization = await newOrganization(server);
  const user = await newUser(server, organization);
  const released = uniqueNumber();
  await newNumbers(server, organization, [
    { phone_number: '+14155550123', user_id: user },
    { phone_number: '+442079460958' },
    { phone_number: released },
  ]);
  await server.call('DELETE', `/v1/sms/phone-numbers/${released}`);
  const { pool } = server.database;
  await pool.query(asBefore);
  await pool.query(await readFile(new URL('./migrations/0011_counts.sql', import.meta.url), 'utf8'));
  const summary = async () => {
    const { body } = await server.call(
      'GET',
      `/v1/sms/phone-numbers/summary?organization_id=${organization}`,
    );
    return [
      body.total,
      body.by_status,
      body.by_area_code,
      body.by_user.map((one: object) => Object.values(one)[3]),
    ];
  };
  const london = { area_code: null, count: 1, available: 1 };
  assert.deepEqual(await summary(), [
    2,
    [
      { status: 'assigned', count: 1 },
      { status: 'available', count: 1 },
    ],
    [{ area_code: '415', count: 1, available: 0 }, london],
    [1],
  ]);
  await server.call('DELETE', '/v1/sms/phone-numbers/+14155550123/assign');
  assert.deepEqual(await summary(), [
    2,
    [{ status: 'available', count: 2 }],
    [{ area_code: '415', count: 1, available: 1 }, london],
    [],
  ]);
  assert.deepEqual((await check(server.database)).findings, []);
});

test('each kind of statement keeps the counts, also one that writes many organizations at once', async () => {
  const [first, second] = [await newOrganization(server), await newOrganization(server)];
  const user = await newUser(server, first);
  for (const organization of [first, second])
    await newNumbers(
      server,
      organization,
      Array.from({ length: 5 }, () => ({ phone_number: uniqueNumber() })),
    );
  const { pool } = server.database;
  const ids = `(select id from organizations where unique_id in ('${first}', '${second}'))`;
  const counts = async () => {
    const { findings } = await check(server.database);
    return findings.filter(({ problem }) => problem.startsWith('the summary'));
  };
  await pool.query(`insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
    select n.tenant_id, n.organization_id, gen_random_uuid(), n.id, u.id, now(), 3
    from phone_numbers n join users u on u.organization_id = n.organization_id where u.unique_id = '${user}'`);
  for (const statement of [
    `update phone_numbers set status = 'cooling_down', available_since = null where organization_id in ${ids}`,
    `update phone_numbers set nickname = 'Same' where organization_id in ${ids}`,
    `update assignments set ended_at = now(), to_revision = 4 where organization_id in ${ids}`,
    `delete from assignments where organization_id in ${ids}`,
    `update phone_numbers set organization_id = (select id from organizations where unique_id = '${second}')
     where organization_id in ${ids}`,
    `update phone_numbers set status = 'released', released_at = now()
     where organization_id in ${ids} and phone_number like '%1'`,
    `delete from phone_numbers where organization_id in ${ids}`,
  ]) {
    await pool.query(statement);
    assert.deepEqual(await counts(), [], statement);
  }
});
