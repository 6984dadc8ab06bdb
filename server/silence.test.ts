import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from './db/database.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';
import { newOrganization, uniqueNumber } from './testing/factories.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

/** A way to PostgreSQL on which connections can go silent: they stay open, and carry nothing. */
type Line = {
  host: string;
  silence(which: 'all' | 'at hand'): void;
  restore(): void;
};

async function openLine(t: TestContext, upstream: string): Promise<Line> {
  const host = await mkdtemp(join(tmpdir(), 'lk-line-'));
  const pairs = new Set<[Socket, Socket]>();
  let allSilent = false;
  const proxy = createServer(client => {
    const server = connect(upstream);
    const pair: [Socket, Socket] = [client, server];
    pairs.add(pair);
    for (const [one, other] of [pair, pair.toReversed() as [Socket, Socket]]) {
      one.on('error', () => {}).on('close', () => other.destroy());
      one.on('data', bytes => other.write(bytes));
      if (allSilent) one.pause();
    }
    client.once('close', () => pairs.delete(pair));
  });
  await new Promise<void>(resolve => proxy.listen(join(host, '.s.PGSQL.5432'), resolve));
  t.after(async () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    proxy.close();
    await rm(host, { recursive: true });
  });
  return {
    host,
    silence(which) {
      allSilent = which === 'all';
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    restore() {
      allSilent = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
  };
}

async function startOnLine(t: TestContext): Promise<{ server: TestServer; line: Line; own: TestDatabase }> {
  const own = await createTestDatabase();
  const line = await openLine(t, join(own.connection.host!, '.s.PGSQL.5432'));
  const connection = { ...own.connection, host: line.host };
  const database = { ...openDatabase(connection), connection, drop: async () => {} };
  const server = await startTestServer(database, {}, { silentMsMax: 1000 });
  t.after(async () => {
    line.restore();
    await server.stop();
    await database.close();
    await own.drop();
  });
  return { server, line, own };
}

/** Calls until the answer has this status. The answers before may only say that the database is away. */
async function until(status: number, call: () => ReturnType<TestServer['call']>): Promise<void> {
  for (;;) {
    const reply = await call();
    if (reply.status === status) return;
    assert.equal(reply.status, 503, reply.text);
    assert.equal(reply.body.code, 'unavailable');
    await sleep(20);
  }
}

test('a database that goes silent is 503, for everything and /readyz, until it answers again', async t => {
  const { server, line } = await startOnLine(t);
  const organization = await newOrganization(server);
  const list = () => server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`);
  const add = () =>
    server.call('POST', '/v1/sms/phone-numbers', {
      body: { organization_id: organization, phone_numbers: [{ phone_number: uniqueNumber() }] },
    });
  await until(200, list);
  line.silence('all');
  const silent = performance.now();
  // What is under way is answered, too.
  for (const reply of await Promise.all([list(), list(), add(), add()])) {
    assert.equal(reply.status, 503, reply.text);
    assert.equal(reply.body.code, 'unavailable');
  }
  assert.equal((await server.call('GET', '/readyz')).status, 503);
  const refused = performance.now();
  assert.equal((await server.call('GET', '/livez')).status, 200);
  line.restore();
  const restored = performance.now();
  await until(200, () => server.call('GET', '/readyz'));
  await until(200, list);
  await until(201, add);
  const ms = [refused - silent, performance.now() - restored].map(Math.round);
  t.diagnostic(`503 for all that was under way after ${ms[0]} ms; healthy ${ms[1]} ms after the database`);
});

test('connections that a firewall has forgotten are replaced', async t => {
  const { server, line } = await startOnLine(t);
  const organization = await newOrganization(server);
  const list = () => server.call('GET', `/v1/sms/phone-numbers?organization_id=${organization}`);
  await until(200, list);
  line.silence('at hand');
  await until(200, list);
  await until(200, () => server.call('GET', '/readyz'));
});

test('a database that only answers late keeps its connections, and what is under way on them', async t => {
  const { server, line, own } = await startOnLine(t);
  const session = await server.database.openSession();
  await session.client.query('begin');
  const other = await server.database.openSession();
  const { rows } = await other.client.query('select pg_advisory_lock(1), pg_backend_pid() as pid');
  // A long statement, which says nothing while it runs.
  const long = session.client.query('select pg_advisory_xact_lock(1)');
  const pulses = async () => {
    const { rows } = await own.pool.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and application_name = 'linekeeper pulse'`,
    );
    return rows.map(({ pid }) => pid);
  };
  await until(200, () => server.call('GET', '/readyz'));
  const before = await pulses();
  line.silence('at hand');
  // It asks on a new connection.
  while ((await pulses()).every(pid => before.includes(pid))) await sleep(20);
  line.restore();
  await until(200, () => server.call('GET', '/readyz'));
  await other.client.query('select pg_advisory_unlock(1)');
  await long;
  assert.equal((await other.client.query('select pg_backend_pid() as pid')).rows[0].pid, rows[0].pid);
  await Promise.all([session.end(), other.end()]);
});
