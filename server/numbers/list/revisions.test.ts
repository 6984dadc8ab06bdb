import assert from 'node:assert/strict';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { refreshStatistics } from '../../db/database.ts';
import { assertNoneLost } from '../../testing/database.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../../testing/factories.ts';
import { type Reply, startBeside, startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

const list = (organization: string) => `/v1/sms/phone-numbers?organization_id=${organization}`;

test('If-None-Match answers 304 until something in the organization changes', async () => {
  const organization = await newOrganization(server);
  const user = await newUser(server, organization);
  const [number] = await newNumbers(server, organization);
  const path = `/v1/sms/phone-numbers/${number!.phone_number}`;
  const changes = [
    () => server.call('PATCH', path, { body: { nickname: 'Front desk' } }),
    () => server.call('POST', `${path}/assign`, { body: { user_id: user } }),
    () => server.call('PATCH', `/v1/organizations/${organization}/users/${user}`, { body: { name: 'Bea' } }),
    () => server.call('DELETE', `${path}/assign`),
    () => newNumbers(server, organization),
  ];
  for (const change of changes) {
    const before = await server.call('GET', list(organization));
    const tag = before.headers.get('etag')!;
    assert.match(tag, /^"\d+-[\w-]+"$/);
    for (const header of [tag, `W/${tag}`, '*', `"other", ${tag}`, `W/"other",W/${tag} , "more"`]) {
      const headers = { 'if-none-match': header };
      const reply = await server.call('GET', list(organization), { headers });
      assert.equal(reply.status, 304, header);
      assert.equal(reply.text, '');
      assert.equal(reply.headers.get('etag'), tag);
    }
    for (const header of ['"other"', tag.slice(1, -1), `${tag.slice(0, -1)}x"`, '']) {
      const headers = { 'if-none-match': header };
      assert.equal((await server.call('GET', list(organization), { headers })).status, 200, header);
    }
    await change();
    const now = await server.call('GET', list(organization), { headers: { 'if-none-match': tag } });
    assert.equal(now.status, 200);
    assert.notEqual(now.headers.get('etag'), tag);
    assert.notEqual(now.text, before.text);
  }
});

test('under concurrent writes each body is the list that the log gives for the revision in its ETag', async () => {
  const organization = await newOrganization(server);
  const users = [await newUser(server, organization), await newUser(server, organization)];
  const numbers = (await newNumbers(server, organization, fresh(4))).map(({ phone_number }) => phone_number);
  const bodies = new Map<string, string>();
  /** How many times each number's nickname was certainly changed. */
  const acknowledged = numbers.map(() => 0);
  let writing = true;

  async function write(index: number): Promise<void> {
    const path = `/v1/sms/phone-numbers/${numbers[index]}`;
    for (let round = 1; writing && (round <= 16 || bodies.size <= 5); round++) {
      const user = users[(index + round) % 2]!;
      const edited = await server.call('PATCH', path, { body: { nickname: `${round}` } });
      assert.equal(edited.status, 200, edited.text);
      acknowledged[index] = round;
      if (round % 2) await server.call('POST', `${path}/assign`, { body: { user_id: user } });
      else await server.call('DELETE', `${path}/assign`);
      const body = { name: `Name ${index} ${round}` };
      await server.call('PATCH', `/v1/organizations/${organization}/users/${user}`, { body });
      if (round % 8 === 0) await newNumbers(server, organization, fresh(2));
    }
  }

  async function read(conditional: boolean): Promise<void> {
    let last = 0;
    let tag = '';
    while (writing) {
      const certain = [...acknowledged];
      const headers: Record<string, string> = conditional && tag ? { 'if-none-match': tag } : {};
      const reply = await server.call('GET', list(organization), { headers });
      const seen = reply.headers.get('etag')!;
      const revision = revisionOf(seen);
      assert(revision >= last, `revision ${revision} was seen after ${last}`);
      last = revision;
      if (reply.status === 304) {
        assert.equal(seen, tag);
        continue;
      }
      tag = seen;
      assert.equal(bodies.get(tag) ?? reply.text, reply.text, 'two bodies with one ETag');
      bodies.set(tag, reply.text);
      for (const [index, number] of numbers.entries()) {
        const { nickname } = reply.body.phone_numbers.find(
          (item: { phone_number: string }) => item.phone_number === number,
        );
        assert(
          Number(nickname) >= certain[index]!,
          'a write that was acknowledged before is not in the list',
        );
      }
    }
  }

  const end = () => {
    writing = false;
  };
  const writers = Promise.all(numbers.map((_, index) => write(index)));
  const readers = Promise.all([read(false), read(false), read(true)]);
  await Promise.all([writers.finally(end), readers.finally(end)]);
  for (const [tag, text] of bodies)
    assert.deepEqual(summary(JSON.parse(text)), await replay(organization, revisionOf(tag)), tag);
});

test('clients that go away in the middle of a long list leak no connection', async () => {
  const organization = await longOrganization();
  const leavings: ((request: ClientRequest) => Promise<unknown>)[] = [
    request => new Promise(resolve => request.on('response', response => response.once('data', resolve))),
    () => sleep(5),
    () => sleep(0),
  ];
  for (const leaving of leavings)
    for (let round = 0; round < 3; round++)
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const request = httpRequest(server.url + list(organization), {
            headers: { 'x-api-key': server.key },
          });
          request.on('error', () => {});
          request.end();
          await leaving(request);
          request.destroy();
        }),
      );
  await assertAllBack();
});

test('a slow client of a long list gets one snapshot, and holds none', async () => {
  const organization = await longOrganization();
  const whole = await server.call('GET', list(organization));
  assert.equal(whole.body.phone_numbers.length, longCount);
  const slow = await Promise.all(Array.from({ length: 3 }, () => begin(organization)));
  // They have had a piece, and the database has done with them.
  await assertAllBack();
  // Later commits are not in these snapshots.
  await sql`
    update phone_numbers set nickname = 'Written meanwhile'
    where phone_number = ${`+1${5_000_000_000 + longCount}`}`.execute(server.database.db);
  const [first, ...others] = slow;
  for (const response of others) response.destroy();
  const bytes = Buffer.concat(await first!.toArray());
  assert.equal(bytes.compare(Buffer.from(whole.text)), 0);
  await assertAllBack();
});

test('a long list whose database connection breaks is cut off, and never looks complete', async t => {
  const organization = await longOrganization();
  // This server's answers wait for their client for as long as it takes.
  const patient = await startBeside(server, { room: { patienceMs: 3_600_000 } });
  t.after(() => patient.stop());
  const response = await begin(organization, patient);
  const breakIt = sql`
    select pg_terminate_backend(pid) from ${heldOpen} and query like '%string_agg(item%'`;
  while ((await breakIt.execute(server.database.db)).rows.length === 0) await sleep(5);
  await assert.rejects(response.toArray(), { code: 'ECONNRESET' });
  await assertAllBack();
  assert.equal((await server.call('GET', list(organization))).body.phone_numbers.length, longCount);
});

/** The long list, after its first piece has arrived. */
function begin(organization: string, { url } = server): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-api-key': server.key };
    const request = httpRequest(url + list(organization), { headers }, response => {
      response.on('error', () => {});
      response.once('readable', () => resolve(response));
    });
    request.on('error', reject);
    request.end();
  });
}

/** Far more than the buffers of a connection hold. */
const longCount = 40_000;

let long: string | undefined;
async function longOrganization(): Promise<string> {
  if (long !== undefined) return long;
  const organization = await newOrganization(server);
  await sql`
    insert into phone_numbers (tenant_id, organization_id, id, phone_number, pretty_phone_number, available_since, since_revision)
    select tenant_id, id, gen_random_uuid(), '+1' || (5000000000 + n), '', now(), 1
    from organizations, generate_series(1, ${longCount}) n
    where unique_id = ${organization}`.execute(server.database.db);
  await refreshStatistics(server.database.db, longCount);
  long = organization;
  return organization;
}

const heldOpen = sql`pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`;

/** How many snapshots are open without being read. */
async function snapshots(): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) from ${heldOpen}`.execute(server.database.db);
  return rows[0]!.count;
}

async function assertAllBack(): Promise<void> {
  while ((await snapshots()) > 0) await sleep(5);
  await assertNoneLost(server.database);
}

const fresh = (count: number) => Array.from({ length: count }, () => ({ phone_number: uniqueNumber() }));
const revisionOf = (tag: string) => Number(/^"(\d+)-/.exec(tag)![1]);

const summary = ({ phone_numbers }: Reply['body']) =>
  phone_numbers.map((item: Reply['body']) => [
    item.phone_number,
    item.nickname,
    item.assigned_to && [item.assigned_to.user_id, item.assigned_to.name],
  ]);

/** The list at `revision`, replayed from the log. */
async function replay(organization: string, revision: number) {
  const { rows } = await sql<{ type: string; data: Reply['body'] }>`
    select type, data from events e
    join organizations o on o.tenant_id = e.tenant_id and o.id = e.organization_id
    where o.unique_id = ${organization} and e.revision <= ${revision}
    order by e.revision, e.ordinal`.execute(server.database.db);
  const names = new Map<string, string>();
  const numbers = new Map<string, { nickname: string | null; user: string | null }>();
  for (const { type, data } of rows) {
    const number = numbers.get(data.phone_number);
    if (type === 'user.created') names.set(data.unique_id, data.name);
    else if (type === 'user.edited') names.set(data.user_id, data.changes.name.to);
    else if (type === 'number.edited') number!.nickname = data.changes.nickname.to;
    else if (type === 'number.assigned') number!.user = data.changes.user_id.to;
    else if (type === 'number.unassigned') number!.user = null;
    else if (type === 'numbers.added')
      for (const { phone_number, nickname, user_id } of data.numbers)
        numbers.set(phone_number, { nickname, user: user_id });
  }
  return [...numbers]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([phone_number, { nickname, user }]) => [phone_number, nickname, user && [user, names.get(user)]]);
}
