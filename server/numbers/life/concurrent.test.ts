import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { check } from '../../check/check.ts';
import {
  type Command,
  command,
  numbers,
  type Reservations,
  renamed,
  requestOf,
  users,
} from '../../testing/commands.ts';
import { newNumbers, newOrganization, newUser } from '../../testing/factories.ts';
import { fuzzing, seed } from '../../testing/runs.ts';
import { startTestServer, type TestServer } from '../../testing/server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

/** Without the commands whose replies do not show which number was assigned. */
const telling = command.map(
  (one): Command =>
    one.do === 'bulk'
      ? {
          ...one,
          items: one.items.map(item => (item.action === 'assign' ? { ...item, action: 'unassign' } : item)),
        }
      : one,
);

test('four clients at once on one pool', async () => {
  const clients = fc.array(fc.array(telling, { minLength: 6, maxLength: 12, size: 'max' }), {
    minLength: 4,
    maxLength: 4,
  });
  await fc.assert(fc.asyncProperty(clients, play), { ...fuzzing('crowds'), endOnFailure: true });
  const { findings } = await check(server.database);
  assert.deepEqual(findings, [], `FUZZ_SEED=${seed}`);
});

test('a change that waits while its number moves to another organization finds it there', async () => {
  const [from, to] = [await newOrganization(server), await newOrganization(server)];
  const [number] = await newNumbers(server, from);
  const path = `/v1/sms/phone-numbers/${number!.phone_number}`;
  const { pool } = server.database;
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select 1 from organizations where unique_id = $1 for update', [from]);
  /** Sessions that wait for a row get its lock in the order in which they asked. */
  const waiting = async (count: number) => {
    const text = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    while ((await pool.query(text)).rowCount !== count);
  };
  const move = server.call('POST', `${path}/transfer`, { body: { to_organization_id: to } });
  await waiting(1);
  const edit = server.call('PATCH', path, { body: { nickname: 'Moved' } });
  await waiting(2);
  await holder.query('commit');
  holder.release();
  assert.deepEqual([(await move).status, (await edit).status], [200, 200]);
  const { body } = await server.call('GET', `/v1/sms/phone-numbers?organization_id=${to}`);
  assert.equal(body.phone_numbers[0].nickname, 'Moved');
});

async function play(clients: Command[][]): Promise<void> {
  const key = await server.newTenant();
  const names = new Map<string, string>();
  const homes = new Map<string, string>();
  for (const [organization, theirs] of Object.entries(users)) {
    names.set(organization, await newOrganization(server, key));
    for (const user of theirs) {
      names.set(user, await newUser(server, names.get(organization)!, key));
      homes.set(user, names.get(organization)!);
    }
  }
  await server.call('PATCH', '/v1/tenant', { key, body: { transfer_cool_down_seconds: 0 } });
  const named = (one: Command) => renamed(one, name => names.get(name)!);
  const homeOf = new Map([...homes].map(([name, home]) => [names.get(name)!, home]));
  const reservations: Reservations = new Map();
  const given: string[] = [];

  await send({ do: 'add', organization: names.get('north')!, numbers, user: null });
  await Promise.all(
    clients.map(async commands => {
      for (const one of commands) await send(named(one));
    }),
  );

  async function send(one: Command) {
    const { method, path, body } = requestOf(reservations, one);
    const full = one.do === 'setUser' ? `/v1/organizations/${homeOf.get(one.user)}${path}` : path;
    const reply = await server.call(method, full, { key, body });
    assert.ok(reply.status < 500, `${JSON.stringify(one)}: ${reply.text}`);
    if (reply.status >= 300) return;
    if (one.do === 'reserve') reservations.set(one.number, reply.body.reservation_id);
    if (one.do === 'assign' || one.do === 'claim' || one.do === 'assignReservation')
      given.push(`${reply.body.phone_number} ${reply.body.user_id}`);
    if (one.do === 'add' && one.user !== null)
      given.push(...one.numbers.map(number => `${number} ${one.user}`));
  }

  const { rows } = await server.database.pool.query(
    `select n.phone_number || ' ' || u.unique_id as given from assignments a
     join phone_numbers n on n.tenant_id = a.tenant_id and n.id = a.phone_number_id
     join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
     where u.unique_id = any($1)`,
    [[...homeOf.keys()]],
  );
  assert.deepEqual(rows.map(row => row.given).sort(), given.sort());

  for (const organization of Object.keys(users).map(name => names.get(name)!)) {
    const path = `/v1/events?organization_id=${organization}&limit=1000`;
    const { body } = await server.call('GET', path, { key });
    const revisions = new Set(body.events.map((event: { revision: number }) => event.revision));
    assert.deepEqual(
      [...revisions],
      Array.from({ length: body.revision }, (_, i) => i + 1),
    );
  }
}
