import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { check } from '../check/check.ts';
import { createTestDatabase } from '../testing/database.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../testing/factories.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { newShop } from '../testing/shop.ts';
import { copyRows, migrations, otherVersion } from '../testing/versions.ts';
import { migrate } from './migrate.ts';
import { describeSchema, schemaFile } from './schema.ts';

/** A shop with an order, and an organization with users and 300 numbers, of which some are assigned and some have moved. */
async function fill(server: TestServer) {
  const { key, organization } = await newShop(server);
  const other = await newOrganization(server, key);
  const user = await newUser(server, organization, key);
  const phone_numbers = Array.from({ length: 300 }, (_, i) => ({
    phone_number: uniqueNumber(),
    nickname: `Line ${i}`,
    ...(i % 3 === 0 && { user_id: user }),
  }));
  await newNumbers(server, organization, phone_numbers, key);
  for (const { phone_number } of phone_numbers.slice(-3)) {
    const body = { to_organization_id: other };
    await server.call('POST', `/v1/sms/phone-numbers/${phone_number}/transfer`, { key, body });
  }
  const wish = { organization_id: organization, area_code: '415' };
  const bought = await server.call('POST', '/v1/sms/phone-numbers/purchase', { key, body: wish });
  assert.equal(bought.status, 200, bought.text);
  return { key, organization, other };
}

/** Does it again and again until stopped. @returns how often */
async function again(until: AbortSignal, work: () => Promise<unknown>): Promise<number> {
  for (let count = 0; ; count++) {
    if (until.aborted) return count;
    await work();
    await turn();
  }
}

test('a filled database of the version before is migrated while it is read and written', async t => {
  const server = await startTestServer();
  t.after(() => server.stop());
  const { key, organization, other } = await fill(server);
  const older = await createTestDatabase('template1');
  t.after(() => older.drop());
  await migrate(older, { folder: await otherVersion(t, { without: 1 }) });
  await copyRows(server.database, older);

  const long = await older.openSession('long list');
  await long.client.query('begin');
  await long.client.query('select count(*) from phone_numbers, orders, organizations, tenants');
  const stop = new AbortController();
  const load = [
    again(stop.signal, () =>
      older.pool.query('select nickname from phone_numbers where released_at is null'),
    ),
    again(stop.signal, () => older.pool.query('update organizations set name = name')),
    again(stop.signal, () => older.pool.query('update phone_numbers set nickname = nickname')),
  ];
  const waits = Promise.withResolvers<void>();
  const migrating = migrate(older, { lockMsMax: 200, pauseMs: 50, log: () => waits.resolve() });
  await Promise.race([waits.promise, migrating]);
  await older.pool.query('select from phone_numbers');
  await long.client.query('commit');
  await long.end();
  assert.deepEqual(await migrating, migrations.slice(-1));
  stop.abort();
  const counts = await Promise.all(load);
  t.diagnostic(`${counts.join(', ')} statements beside the migration`);

  assert.equal(await describeSchema(older.pool), await readFile(schemaFile, 'utf8'));
  const upgraded = await startTestServer(older);
  t.after(() => upgraded.app.close());
  for (const id of [organization, other]) {
    const path = `/v1/sms/phone-numbers?organization_id=${id}`;
    const [before, after] = [
      await server.call('GET', path, { key }),
      await upgraded.call('GET', path, { key }),
    ];
    assert.deepEqual([after.status, after.text], [200, before.text]);
  }
  assert.deepEqual((await check(older)).findings, []);
  await newNumbers(upgraded, organization, undefined, key);
});

test('a server serves on while a newer version expands its tables and builds indexes', async t => {
  const server = await startTestServer();
  t.after(() => server.stop());
  const { key, organization } = await fill(server);
  const folder = await otherVersion(t, {
    files: {
      '9001_column.sql':
        '-- breaking: no\nalter table phone_numbers add column colour text;\nalter table number_versions add column colour text;\n',
      '9002_index.sql':
        '-- breaking: no\n-- transaction: none\ncreate index concurrently if not exists colour_idx on phone_numbers (tenant_id, colour);\n',
    },
  });
  const list = `/v1/sms/phone-numbers?organization_id=${organization}&include_assigned=false`;
  const replies: number[] = [];
  const call = async (method: string, path: string, body?: object) =>
    replies.push((await server.call(method, path, { key, ...(body && { body }) })).status);
  const stop = new AbortController();
  const load = [
    again(stop.signal, () => call('GET', list)),
    again(stop.signal, () =>
      call('POST', '/v1/sms/phone-numbers', {
        organization_id: organization,
        phone_numbers: [{ phone_number: uniqueNumber() }],
      }),
    ),
  ];
  const applied = await migrate(server.database, { folder, lockMsMax: 200, pauseMs: 50 });
  assert.deepEqual(applied, ['9001_column.sql', '9002_index.sql']);
  await call('GET', list);
  await newNumbers(server, organization, undefined, key);
  stop.abort();
  await Promise.all(load);
  assert.deepEqual(
    replies.filter(status => status !== 200 && status !== 201),
    [],
  );
  assert.deepEqual((await check(server.database)).findings, []);
});
