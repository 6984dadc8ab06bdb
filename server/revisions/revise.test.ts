import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import { check } from '../check/check.ts';
import { Problem } from '../errors.ts';
import { createTenant } from '../tenants/tenants.ts';
import { newNumbers, newOrganization, newUser, uniqueNumber } from '../testing/factories.ts';
import { fuzzing } from '../testing/runs.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { revise, reviseIfFree } from './revise.ts';

let server: TestServer;
let caller: Caller;
before(async () => {
  server = await startTestServer();
  ({ caller } = await createTenant(server.database.db, 'Direct', 'test'));
});
after(() => server.stop());

type Step = { kind: 'records'; events: number } | { kind: 'nothing' } | { kind: 'fails'; after: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('records' as const), events: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('nothing' as const) }),
  fc.record({ kind: fc.constant('fails' as const), after: fc.integer({ min: 0, max: 2 }) }),
);

test('with many concurrent writers, revisions are 1, 2, 3 … and ordinals 0, 1, 2 …', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { maxLength: 6 }), { minLength: 2, maxLength: 6 }),
      async writers => {
        const organization = await insertOrganization();
        const numbers: number[] = [];
        await Promise.all(
          writers.map(async (steps, writer) => {
            for (const [index, one] of steps.entries()) {
              const number = await take(organization, one, `${writer}.${index}`);
              if (number !== undefined) numbers.push(number);
            }
          }),
        );
        const recorded = writers.flat().filter(({ kind }) => kind === 'records').length;
        const expected = Array.from({ length: recorded }, (_, index) => index + 1);
        assert.deepEqual(
          numbers.toSorted((a, b) => a - b),
          expected,
          'two changes had one revision',
        );
        const log = await readLog(organization);
        assert.deepEqual([...new Set(log.map(event => event.revision))], expected);
        for (const revision of expected) {
          const ordinals = log.filter(event => event.revision === revision).map(event => event.ordinal);
          assert.deepEqual(
            ordinals,
            ordinals.map((_, index) => index),
          );
        }
        assert(
          log.every(event => event.type === 'test.recorded'),
          'a failed change left events',
        );
        assert.equal((await organizationOf(organization)).revision, recorded);
      },
    ),
    fuzzing(25),
  );
});

test('a change sees the organization as the previous change left it', async () => {
  const organization = await insertOrganization();
  await Promise.all(
    Array.from({ length: 30 }, () =>
      revise(
        server.database.db,
        caller,
        { id: organization },
        async ({ tx, organization, number, record }) => {
          assert.equal(organization.name, `${number - 1}`);
          await tx
            .updateTable('organizations')
            .set({ name: `${number}` })
            .where('id', '=', organization.id)
            .execute();
          record('test.recorded', {});
        },
      ),
    ),
  );
  assert.equal((await organizationOf(organization)).name, '30');
});

test('a change that can wait does nothing while somebody else is changing the organization', async () => {
  const { db } = server.database;
  const organization = await insertOrganization();
  const changed = () =>
    reviseIfFree(db, caller, { id: organization }, async ({ number, record }) => {
      record('test.recorded', {});
      return number;
    });
  await revise(db, caller, { id: organization }, async ({ record }) => {
    record('test.recorded', {});
    assert.equal(await changed(), undefined);
  });
  assert.equal(await changed(), 2);
  assert.equal((await readLog(organization)).length, 2);
});

test('an edit that changes nothing makes no revision', async () => {
  const organization = await newOrganization(server);
  const user = await newUser(server, organization);
  const [number] = await newNumbers(server, organization, [
    { phone_number: uniqueNumber(), nickname: 'Desk' },
  ]);
  const path = `/v1/organizations/${organization}`;
  const { revision, name, modified_at } = (await server.call('GET', path)).body.organization;
  const { email } = (await server.call('GET', `${path}/users/${user}`)).body.user;
  const edits: [string, object][] = [
    [path, { name, contact_email: null, status: 'active' }],
    [`${path}/users/${user}`, { email, status: 'active', phone: null }],
    [`/v1/sms/phone-numbers/${number!.phone_number}`, { nickname: 'Desk' }],
  ];
  for (const [target, body] of edits) {
    const reply = await server.call('PATCH', target, { body });
    assert.equal(reply.status, 200, reply.text);
  }
  const now = (await server.call('GET', path)).body.organization;
  assert.equal(now.revision, revision);
  assert.equal(now.modified_at, modified_at);
});

test('writers over HTTP leave a log without gaps, even if some are refused', async () => {
  const organization = await newOrganization(server);
  const user = await newUser(server, organization);
  const [number] = await newNumbers(server, organization);
  const path = `/v1/sms/phone-numbers/${number!.phone_number}`;
  const { id } = await server.database.db
    .selectFrom('organizations')
    .select('id')
    .where('unique_id', '=', organization)
    .executeTakeFirstOrThrow();
  const before = (await organizationOf(id)).revision;
  let changes = 0;
  const attempts = [
    () => server.call('POST', `${path}/assign`, { body: { user_id: user } }),
    () => server.call('DELETE', `${path}/assign`),
    () =>
      server.call('POST', '/v1/sms/phone-numbers', {
        body: {
          organization_id: organization,
          phone_numbers: [number && { phone_number: number.phone_number }],
        },
      }),
    () =>
      server.call('POST', '/v1/sms/phone-numbers', {
        body: { organization_id: organization, phone_numbers: [{ phone_number: uniqueNumber() }] },
      }),
    () =>
      server.call('POST', `/v1/organizations/${organization}/users`, {
        body: { name: 'Same', email: 'same@example.com' },
      }),
  ];
  await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      const { status, text } = await attempts[index % attempts.length]!();
      assert([200, 201, 400, 409].includes(status), text);
      if (status < 300) changes++;
    }),
  );
  const log = await readLog(id);
  assert.deepEqual(
    log.map(event => event.revision),
    Array.from({ length: before + changes }, (_, index) => index + 1),
  );
  assert.equal((await organizationOf(id)).revision, before + changes);
});

test('an organization that does not exist for the caller cannot be changed', async () => {
  const { caller: other } = await createTenant(server.database.db, 'Other', 'test');
  const organization = await insertOrganization();
  const elsewhere: Caller = { ...caller, organizationId: await insertOrganization() };
  for (const stranger of [other, elsewhere])
    await assert.rejects(
      revise(server.database.db, stranger, { id: organization }, async ({ record }) =>
        record('test.recorded', {}),
      ),
      (error: Problem) => error.code === 'organization_not_found',
    );
  assert.deepEqual(await readLog(organization), []);
});

/** @returns the revision that the step made */
async function take(organization: string, step: Step, name: string): Promise<number | undefined> {
  let made: number | undefined;
  const attempt = revise(server.database.db, caller, { id: organization }, async ({ number, record }) => {
    if (step.kind === 'nothing') return;
    const events = step.kind === 'records' ? step.events : step.after;
    for (let i = 0; i < events; i++)
      record(step.kind === 'records' ? 'test.recorded' : 'test.failed', { name, i });
    if (step.kind === 'fails') throw new Problem('invalid_request');
    made = number;
  });
  if (step.kind === 'fails') await assert.rejects(attempt, Problem);
  else await attempt;
  return made;
}

async function insertOrganization(): Promise<string> {
  const id = crypto.randomUUID();
  const row = { tenant_id: caller.tenantId, id, unique_id: id, name: '0' };
  await server.database.db.insertInto('organizations').values(row).execute();
  return id;
}

const organizationOf = (id: string) =>
  server.database.db.selectFrom('organizations').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

const readLog = (organization: string) =>
  server.database.db
    .selectFrom('events')
    .select(['revision', 'ordinal', 'type'])
    .where('organization_id', '=', organization)
    .orderBy('revision')
    .orderBy('ordinal')
    .execute();

test('a change that waited for one that changed nothing is dated with the moment at which it had the lock', async () => {
  const organization = await insertOrganization();
  const { db } = server.database;
  const held = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  const holder = revise(db, caller, { id: organization }, async () => {
    held.resolve();
    await free.promise;
  });
  await held.promise;
  const waiting = revise(db, caller, { id: organization }, async revision => revision);
  // It waits for the lock once PostgreSQL says so.
  for (let waits = 0; waits === 0; ) {
    const { rows } = await sql<{ waits: number }>`
      select count(*)::int as waits from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
    waits = rows[0]!.waits;
  }
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
  free.resolve();
  await holder;
  const { at, now } = await waiting;
  assert.ok(now >= rows[0]!.now, `${now.toISOString()} is before the lock was free`);
  assert.ok(at >= rows[0]!.now);
});

test('a clock that was ahead for a while does not date what comes after it, and check names what it has dated', async () => {
  const organization = await insertOrganization();
  const { db } = server.database;
  const future = new Date(Date.now() + 10 * 365 * 86_400_000);
  const edit = (at?: Date) =>
    revise(db, at ? { ...caller, at } : caller, { id: organization }, async ({ at, record }) => {
      record('organization.edited', { changes: {} });
      return at;
    });
  await edit(future);
  const before = new Date();
  const dated = await edit();
  assert.ok(dated >= new Date(before.getTime() - 60_000) && dated < future, dated.toISOString());
  const { findings } = await check(server.database);
  assert.ok(
    findings.some(({ problem }) => /^revision 1 is of .* in the future: a clock was wrong$/.test(problem)),
  );
});
