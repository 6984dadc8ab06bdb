import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { newNumbers, newOrganization, uniqueNumber } from './testing/factories.ts';
import { type Reply, startTestServer, type TestServer } from './testing/server.ts';

// What one tenant does must not take the service from the others. Here A is heavy or slow, and B only uses the product.

let server: TestServer;
let b: string;
let organization: string;
before(async () => {
  server = await startTestServer();
  b = await server.newTenant();
  const { body } = await server.call('POST', '/v1/organizations', { key: b, body: { name: 'B' } });
  organization = body.organization.unique_id;
});
after(() => server.stop());

/** B adds a number, and reads it in a list that is not in memory. */
async function assertServed(): Promise<void> {
  const phone_number = uniqueNumber();
  const added = await server.call('POST', '/v1/sms/phone-numbers', {
    key: b,
    body: { organization_id: organization, phone_numbers: [{ phone_number }] },
  });
  assert.equal(added.status, 201, added.text);
  const query = `organization_id=${organization}&contains=${phone_number.slice(1)}`;
  const list = await server.call('GET', `/v1/sms/phone-numbers?${query}`, { key: b });
  assert.equal(list.body.count, 1, list.text);
}

/** The head of an answer whose body is never read. */
async function unread(path: string): Promise<IncomingMessage> {
  const request = httpRequest(server.url + path, { headers: { 'x-api-key': server.key } });
  request.on('error', () => {});
  request.end();
  const [response] = await once(request, 'response');
  response.on('error', () => {});
  return response;
}

/** @returns gives the lock on the organization back */
async function lock(organization: string): Promise<() => Promise<void>> {
  const free = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holder = server.database.db.transaction().execute(async tx => {
    await sql`select from organizations where unique_id = ${organization} for update`.execute(tx);
    locked.resolve();
    await free.promise;
  });
  await locked.promise;
  return async () => {
    free.resolve();
    await holder;
  };
}

/** How many statements wait for a lock, or run and are about `text`. */
async function statements(where: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and ${sql.raw(where)}`.execute(
    server.database.db,
  );
  return rows[0]!.count;
}

/** How many connections clients have. */
const connections = () => promisify(server.app.server.getConnections.bind(server.app.server))();

const waitForLocks = () => statements(`wait_event_type = 'Lock'`);

test('changes of an organization that is locked take three connections, however the organization is named', async () => {
  const own = await newOrganization(server);
  const other = await newOrganization(server);
  const [number] = await newNumbers(server, own, [{ phone_number: uniqueNumber() }]);
  const [moving] = await newNumbers(server, await newOrganization(server), [
    { phone_number: uniqueNumber() },
  ]);
  const [reserved] = await newNumbers(server, own, [{ phone_number: uniqueNumber() }]);
  const one = (phone_number: string) => `/v1/sms/phone-numbers/${encodeURIComponent(phone_number)}`;
  const reservation = await server.call('POST', `${one(reserved!.phone_number)}/reserve`, {
    body: { expires_in: 3600 },
  });
  const free = await lock(own);
  const named: ((i: number) => Promise<Reply>)[] = [
    i => server.call('PATCH', `/v1/organizations/${own}`, { body: { name: `Name ${i}` } }),
    i => server.call('PATCH', one(number!.phone_number), { body: { nickname: `Name ${i}` } }),
    i =>
      server.call('PATCH', one(number!.phone_number), {
        body: { nickname: `Name ${i}` },
        headers: { 'idempotency-key': `gate-${i}` },
      }),
    i =>
      server.call('POST', `/v1/sms/reservations/${reservation.body.reservation_id}/renew`, {
        body: { expires_in: 3600 + i },
      }),
    i =>
      server.call('POST', '/v1/sms/phone-numbers/bulk', {
        body: { items: [{ action: 'edit', phone_number: number!.phone_number, nickname: `Bulk ${i}` }] },
      }),
    () =>
      server.call('POST', `${one(moving!.phone_number)}/transfer`, {
        body: { to_organization_id: own },
      }),
  ];
  const changes = Array.from({ length: 60 }, (_, i) => named[i % named.length]!(i));
  while ((await waitForLocks()) < 3) await sleep(5);
  // The tenant's other organizations are served meanwhile, and so are other tenants.
  for (let i = 0; i < 20; i++) {
    const edit = await server.call('PATCH', `/v1/organizations/${other}`, { body: { name: `Name ${i}` } });
    assert.equal(edit.status, 200, edit.text);
  }
  await assertServed();
  assert.equal(await waitForLocks(), 3);
  await free();
  const replies = await Promise.all(changes);
  const moved = replies.filter((_, i) => i % named.length === 5).map(({ status }) => status);
  assert.deepEqual(moved.sort(), [200, ...Array(9).fill(400)]);
  for (const reply of replies) assert.ok([200, 400].includes(reply.status), reply.text);
  assert.equal(replies.filter(({ status }) => status === 200).length, 51);
});

test('changes whose client has gone are made, those that still waited are not, and no place is lost', async () => {
  const own = await newOrganization(server);
  const free = await lock(own);
  const gone = new AbortController();
  const edit = (name: string, signal: AbortSignal) =>
    fetch(`${server.url}/v1/organizations/${own}`, {
      method: 'PATCH',
      headers: { 'x-api-key': server.key, 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
      signal,
    }).catch(() => undefined);
  const before = await connections();
  const abandoned = Array.from({ length: 30 }, (_, i) => edit(`Abandoned ${i}`, gone.signal));
  while ((await waitForLocks()) < 3) await sleep(5);
  gone.abort();
  await Promise.all(abandoned);
  // The server learns of it a moment later.
  while ((await connections()) > before) await sleep(5);
  await free();
  const patient = new AbortController().signal;
  const edits = await Promise.all(Array.from({ length: 30 }, (_, i) => edit(`Edited ${i}`, patient)));
  for (const reply of edits) assert.equal(reply?.status, 200);
  const { body } = await server.call('GET', `/v1/events?organization_id=${own}&limit=100`);
  const names: string[] = body.events.flatMap(
    (event: { data: { changes?: { name?: { to: string } } } }) => event.data.changes?.name?.to ?? [],
  );
  assert.equal(names.filter(name => name.startsWith('Abandoned')).length, 3, names.join());
});

test('reads that are sent and abandoned leave no statement behind', async () => {
  const own = await newOrganization(server);
  const [number] = await newNumbers(server, own, [{ phone_number: uniqueNumber() }]);
  const held = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  // Every read that is about users waits for this.
  const holder = server.database.db.transaction().execute(async tx => {
    await sql`lock table users in access exclusive mode`.execute(tx);
    held.resolve();
    await free.promise;
  });
  await held.promise;
  const gone = new AbortController();
  const headers = { 'x-api-key': server.key };
  const paths = [
    (i: number) => `/v1/sms/phone-numbers?organization_id=${own}&contains=${1000 + i}`,
    () => `/v1/sms/phone-numbers/summary?organization_id=${own}`,
    () => `/v1/sms/phone-numbers/${encodeURIComponent(number!.phone_number)}/history`,
    () => `/v1/organizations/${own}/users`,
    // Several wait for the same list.
    () => `/v1/sms/phone-numbers?organization_id=${own}`,
  ];
  const reads = Array.from({ length: 200 }, (_, i) =>
    fetch(server.url + paths[i % paths.length]!(i), { headers, signal: gone.signal }).catch(() => undefined),
  );
  while ((await waitForLocks()) < 10) await sleep(5);
  gone.abort();
  await Promise.all(reads);
  while ((await waitForLocks()) > 0) await sleep(5);
  // The connections are free again, although the table is still locked.
  await Promise.all(
    Array.from({ length: 16 }, async (_, i) => {
      const edit = await server.call('PATCH', `/v1/organizations/${own}`, { body: { name: `Name ${i}` } });
      assert.equal(edit.status, 200, edit.text);
    }),
  );
  free.resolve();
  await holder;
  await assertServed();
});

test('heavy reads are in a share of their own, and leave the other requests of their tenant alone too', async () => {
  const { db } = server.database;
  const own = await newOrganization(server);
  await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, available_since, since_revision)
    select tenant_id, id, gen_random_uuid(), '+1' || (4150000000 + n), '', now(), 1
    from organizations, generate_series(1, 20000) n where unique_id = ${own}`.execute(db);
  const free = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holder = db.transaction().execute(async tx => {
    await sql`lock table number_versions in access exclusive mode`.execute(tx);
    locked.resolve();
    await free.promise;
  });
  await locked.promise;
  const path = `/v1/sms/phone-numbers?organization_id=${own}&limit=10`;
  const reads = Array.from({ length: 24 }, (_, i) =>
    server.call('GET', `${path}&as_of=1&total=true&contains=${100 + i}`),
  );
  const reading = async () => {
    const { rows } = await sql<{ waiting: number }>`
      select count(*)::int as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
    return rows[0]!.waiting;
  };
  try {
    while ((await reading()) < 2);
    await assertServed();
    // All the light ones that a tenant may have at once, which therefore wait for no heavy one.
    const light = Array.from({ length: 10 }, (_, i) => server.call('GET', `${path}&starts_with=1415000${i}`));
    for (const list of await Promise.all(light)) assert.equal(list.body.count, 10);
    const summary = await server.call('GET', `/v1/sms/phone-numbers/summary?organization_id=${own}`);
    assert.equal(summary.body.total, 20_000);
    assert.equal(await reading(), 2);
  } finally {
    free.resolve();
    await holder;
  }
  for (const [i, list] of (await Promise.all(reads)).entries()) {
    const digits = String(100 + i);
    const count = Array.from({ length: 20_000 }, (_, n) => String(14_150_000_001 + n)).filter(number =>
      number.includes(digits),
    ).length;
    assert.equal(list.body.total, count, digits);
  }
});

test('usage files and long lists that nobody reads are in a share of their own', async () => {
  const own = await newOrganization(server);
  await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, available_since, since_revision)
    select tenant_id, id, gen_random_uuid(), '+1' || (5000000000 + n), repeat('x', 100), now(), 1
    from organizations, generate_series(1, 40000) n where unique_id = ${own}`.execute(server.database.db);
  await sql`
    insert into charges (tenant_id, organization_id, id, type, amount, phone_number_id, phone_number, period_start, at)
    select n.tenant_id, n.organization_id, gen_random_uuid(), 'number.purchase_fee', 1, n.id, n.phone_number, now(), now()
    from phone_numbers n join organizations o on o.id = n.organization_id where o.unique_id = ${own}`.execute(
    server.database.db,
  );
  const paths = [`/v1/sms/phone-numbers?organization_id=${own}`, '/v1/usage?format=csv'];
  const open = await Promise.all([0, 1, 0, 1].map(which => unread(paths[which]!)));
  // These wait for one of the four.
  const more = Array.from({ length: 30 }, (_, i) => unread(paths[i % 2]!));
  await assertServed();
  const { body } = await server.call('POST', '/v1/organizations', { key: b, body: { name: 'Long' } });
  await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, available_since, since_revision)
    select tenant_id, id, gen_random_uuid(), '+1' || (6000000000 + n), '', now(), 1
    from organizations, generate_series(1, 3000) n
    where unique_id = ${body.organization.unique_id}`.execute(server.database.db);
  const long = `/v1/sms/phone-numbers?organization_id=${body.organization.unique_id}`;
  assert.equal((await server.call('GET', long, { key: b })).body.count, 3000);
  for (const response of open) response.destroy();
  for (const response of await Promise.all(more.map(one => one.then(response => response.destroy()))))
    assert.ok(response);
});

test('files that never arrive are in a share of their own', async () => {
  const own = await newOrganization(server);
  const headers = { 'x-api-key': server.key, 'content-type': 'text/csv', 'transfer-encoding': 'chunked' };
  const path = `/v1/sms/phone-numbers/import?organization_id=${own}`;
  const uploads = Array.from({ length: 10 }, () => {
    const upload = httpRequest(server.url + path, { method: 'POST', headers });
    upload.on('error', () => {});
    upload.write('phone_number\n');
    return upload;
  });
  await assertServed();
  const phone_number = uniqueNumber();
  const imported = await server.call('POST', `/v1/sms/phone-numbers/import?organization_id=${organization}`, {
    key: b,
    headers: { 'content-type': 'text/csv' },
    body: `phone_number\n${phone_number}\n`,
  });
  assert.equal(imported.body.imported, 1, imported.text);
  for (const upload of uploads) upload.destroy();
});

test('followers beyond the share of their tenant are refused by name', async () => {
  const own = await newOrganization(server);
  await newNumbers(server, own, [{ phone_number: uniqueNumber() }]);
  const wait = `/v1/events?organization_id=${own}&after_revision=2&wait=60`;
  const gone = new AbortController();
  const followers = Array.from({ length: 1001 }, () =>
    fetch(server.url + wait, { headers: { 'x-api-key': server.key }, signal: gone.signal }).then(
      reply => reply.json() as Promise<{ code: string; detail: string }>,
      () => ({ code: 'gone', detail: '' }),
    ),
  );
  const refused = await Promise.race(followers);
  assert.equal(refused.code, 'too_many_requests');
  assert.match(refused.detail, /^All 1000 waiting readers of the log/);
  await assertServed();
  gone.abort();
  await Promise.all(followers);
});
