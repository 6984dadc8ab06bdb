import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newOrganization, uniqueNumber } from '../testing/factories.ts';
import { ownPostgres } from '../testing/postgres.ts';
import { startTestServer } from '../testing/server.ts';
import { openDatabase } from './database.ts';
import { migrate } from './migrate.ts';

test('a standby is refused by name, and served once it is promoted', async t => {
  const postgres = await ownPostgres(t);
  await postgres.start();
  await postgres.stop();
  await postgres.becomeStandby();
  await postgres.start();
  const database = openDatabase(postgres.connection);
  try {
    await assert.rejects(migrate(database), /is a standby, which is read-only: DATABASE_URL must name/);
    await postgres.query('select pg_promote()');
    assert.ok((await migrate(database)).length > 0);
  } finally {
    await database.close();
  }
});

test('of several servers the primary is used; after a failover the promoted one, and nothing is lost', async t => {
  const primary = await ownPostgres(t);
  await primary.start();
  await primary.stop();
  const standby = await ownPostgres(t, async home => {
    await rm(join(home, 'data'), { recursive: true });
    execFileSync('cp', ['-pPR', join(primary.home, 'data'), home]);
  });
  await standby.becomeStandby();
  await primary.start();
  await standby.start({ primary_conninfo: `host=${primary.connection.host} user=linekeeper` });
  while ((await primary.query('select from pg_stat_replication')).rowCount === 0) await sleep(20);
  // So that what is acknowledged is on the standby, too.
  await primary.query(`alter system set synchronous_standby_names = '*'`);
  await primary.query('select pg_reload_conf()');

  const servers = [standby.connection, primary.connection];
  await assert.rejects(openDatabase([standby.connection, standby.connection]).findPrimary(), {
    message: /^No server in DATABASE_URL is a primary that answers: .* is a standby; .* is a standby$/,
  });
  const database = openDatabase(servers);
  await database.findPrimary();
  await migrate(database);
  const shared = { ...database, connection: primary.connection, drop: async () => {} };
  const server = await startTestServer(shared, {}, { silentMsMax: 5000 });
  t.after(async () => {
    await server.app.close();
    await database.close();
  });
  const organization = await newOrganization(server);
  const acknowledged: string[] = [];
  const add = async () => {
    const phone_number = uniqueNumber();
    const reply = await server.call('POST', '/v1/sms/phone-numbers', {
      body: { organization_id: organization, phone_numbers: [{ phone_number }] },
    });
    if (reply.status === 201) acknowledged.push(phone_number);
    else assert.equal(reply.body.code, 'unavailable', reply.text);
    return reply.status;
  };
  for (let i = 0; i < 5; i++) assert.equal(await add(), 201);
  const writing = Promise.all([add(), add(), add()]);
  await primary.stop('SIGQUIT');
  await writing;
  await standby.query('select pg_promote()');
  const promoted = performance.now();
  while ((await add()) !== 201) await sleep(20);
  t.diagnostic(`writes again ${Math.round(performance.now() - promoted)} ms after the promotion`);
  const { body } = await server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`);
  const kept = new Set(body.phone_numbers.map(({ phone_number }: { phone_number: string }) => phone_number));
  for (const number of acknowledged) assert.ok(kept.has(number), number);
  assert.equal((await server.call('GET', '/readyz')).status, 200);
});
