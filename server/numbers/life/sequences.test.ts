import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { check } from '../../check/check.ts';
import { createOrganization } from '../../organizations/organizations.ts';
import { createTenant } from '../../tenants/tenants.ts';
import {
  type Command,
  command,
  numbers,
  policy,
  type Reservations,
  renamed,
  requestOf,
  users,
} from '../../testing/commands.ts';
import { areaCode, commit, createModel, listOf, type Model, passTime } from '../../testing/model.ts';
import { homeOf, predict } from '../../testing/prediction.ts';
import { fuzzing } from '../../testing/runs.ts';
import { type Reply, startTestServer, type TestServer } from '../../testing/server.ts';
import { createUser } from '../../users/users.ts';
import { endAllDue } from './clock.ts';

/* Sequences of changes against the reference model. */
const atATime = 8;

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

type Step =
  | { step: 'change'; command: Command; key: boolean; again: boolean; ifMatch: 'none' | 'right' | 'stale' }
  | { step: 'replay'; which: number }
  | { step: 'pass'; numbers: string[] }
  | { step: 'look' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      step: fc.constant('change' as const),
      command,
      key: fc.constantFrom(true, false, false, false),
      again: fc.constantFrom(true, false, false),
      ifMatch: fc.constantFrom('none', 'none', 'none', 'none', 'right', 'stale'),
    }) as fc.Arbitrary<Step>,
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('replay' as const), which: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('pass' as const),
      numbers: fc.subarray(numbers, { minLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ step: 'look' as const }) },
);

const filling: Step = {
  step: 'change',
  ...{ key: false, again: false, ifMatch: 'none' },
  command: {
    do: 'add',
    organization: 'north',
    numbers: ['+14155550002', '+14155550001', '+16285550001'],
    user: null,
  },
};

let sequences = 0;

test('sequences of changes do what the reference model does', async () => {
  const property = fc.asyncProperty(
    policy,
    fc.array(step, { maxLength: 24, size: 'max' }),
    async (rules, steps) => {
      const name = `s${sequences++}`;
      // Each sequence has its own ids of organizations and users, so that a finding of the check shows its sequence.
      const own = renamed([filling, ...steps], given => `${given}.${name}`);
      await play(rules, own, name);
    },
  );
  const { numRuns, seed } = fuzzing('sequences');
  const each = Math.ceil(numRuns / atATime);
  await Promise.all(
    Array.from({ length: atATime }, (_, i) => fc.assert(property, { numRuns: each, seed: seed + i })),
  );
});

async function play(rules: Model['policy'], steps: Step[], name: string): Promise<void> {
  const { db } = server.database;
  const { id: tenantId, caller, secret: key } = await createTenant(db, name, 'test');
  await db.updateTable('tenants').set(rules).where('id', '=', tenantId).execute();
  const model = createModel(rules);
  for (const [short, theirs] of Object.entries(users)) {
    const organization = `${short}.${name}`;
    await createOrganization(db, caller, { name: 'Acme', unique_id: organization });
    for (const user of theirs) {
      const unique_id = `${user}.${name}`;
      await createUser(db, caller, organization, {
        name: 'Ann',
        email: `${unique_id}@example.com`,
        unique_id,
      });
      model.users.set(unique_id, { organization, status: 'active' });
    }
    model.organizations.set(organization, { status: 'active', revision: 3 });
  }
  const reservations: Reservations = new Map();
  const history = new Map<string, unknown>();
  const answered: { request: Parameters<typeof server.call>; text: string }[] = [];
  for (const one of steps) {
    switch (one.step) {
      case 'change':
        await change(one);
        break;
      case 'replay':
        if (answered.length > 0) await replay(answered[one.which % answered.length]!);
        break;
      case 'pass':
        await pass(one.numbers);
        break;
      case 'look':
        for (const organization of model.organizations.keys()) await compare(organization);
    }
    for (const [organization, { revision }] of model.organizations)
      if (!history.has(`${organization} ${revision}`))
        history.set(`${organization} ${revision}`, listOf(model, organization));
  }
  for (const [organization, { revision }] of model.organizations) {
    await compare(organization);
    for (let past = 3; past <= revision; past++) await compareAsOf(organization, past);
  }
  const { findings, organizations } = await check(server.database, tenantId);
  assert.deepEqual({ findings, organizations }, { findings: [], organizations: 2 });

  async function change({ command, key: keyed, again, ifMatch }: Extract<Step, { step: 'change' }>) {
    const { method, path, body } = requestOf(reservations, command);
    const home = homeOf(model, reservations, command);
    const stale = home !== undefined && ifMatch === 'stale';
    const revision = home === undefined ? 0 : model.organizations.get(home)!.revision;
    const headers = {
      ...(keyed && { 'idempotency-key': `${name}-${answered.length}` }),
      ...(home !== undefined && ifMatch !== 'none' && { 'if-match': `"${stale ? revision + 1 : revision}"` }),
    };
    const fullPath = command.do === 'setUser' ? `/v1/organizations/${home}${path}` : path;
    const request: Parameters<typeof server.call> = [method, fullPath, { key, body, headers }];
    const expected = predict(model, reservations, command, stale);
    const reply = await server.call(...request);
    assertAnswer(reply, expected, JSON.stringify(command));
    expected.adopt?.(reply.body as never);
    if (keyed && reply.status < 300) {
      const answer = { request, text: reply.text };
      answered.push(answer);
      if (again) await replay(answer);
    }
  }

  async function replay({ request, text }: (typeof answered)[number]) {
    const reply = await server.call(...request);
    assert.equal(reply.text, text);
    assert.equal(reply.headers.get('idempotency-replayed'), 'true');
  }

  /** Ends the time of these numbers' status by setting it back, instead of waiting for it. */
  async function pass(numbers: string[]) {
    await sql`update phone_numbers set until = clock_timestamp() - interval '1 second'
      where tenant_id = ${tenantId} and until is not null and phone_number = any(${numbers}::text[])`.execute(
      db,
    );
    await endAllDue(db);
    model.clock++;
    passTime(model, numbers);
    commit(model);
  }

  async function listed(organization: string, query = '') {
    const list = await server.call(
      'GET',
      `/v1/sms/phone-numbers?organization_id=${organization}&view=full${query}`,
      { key },
    );
    assert.equal(list.status, 200, list.text);
    return list;
  }

  async function compare(organization: string) {
    const expected = listOf(model, organization);
    const list = await listed(organization);
    assert.deepEqual(list.body.phone_numbers.map(shown), expected);
    const revision = Number(/^"(\d+)-/.exec(list.headers.get('etag')!)![1]);
    assert.equal(revision, model.organizations.get(organization)!.revision);
    const pool = await server.call('GET', `/v1/sms/phone-numbers/available?organization_id=${organization}`, {
      key,
    });
    assert.deepEqual(
      pool.body.phone_numbers.map((row: Shown) => row.phone_number),
      expected.filter(({ status }) => status === 'available').map(({ phone_number }) => phone_number),
    );
    const summary = await server.call(
      'GET',
      `/v1/sms/phone-numbers/summary?organization_id=${organization}`,
      {
        key,
      },
    );
    assert.deepEqual(countsIn(summary.body), countsOf(expected));
  }

  async function compareAsOf(organization: string, revision: number) {
    const then = await listed(organization, `&as_of=${revision}`);
    // A revision that changes nothing in the list looks like the one before it.
    assert.deepEqual(
      then.body.phone_numbers.map(shown),
      history.get(`${organization} ${revision}`) ?? [],
      `as of ${revision}`,
    );
  }
}

/** What a summary must count. */
function countsOf(rows: ReturnType<typeof listOf>) {
  const tally = (names: (string | null)[]) => {
    const counts = new Map<string, number>();
    for (const name of names) counts.set(String(name), (counts.get(String(name)) ?? 0) + 1);
    return Object.fromEntries([...counts].sort());
  };
  const available = rows.filter(({ status }) => status === 'available');
  return {
    total: rows.length,
    statuses: tally(rows.map(({ status }) => status)),
    areaCodes: tally(rows.map(({ phone_number }) => areaCode(phone_number))),
    available: tally(available.map(({ phone_number }) => areaCode(phone_number))),
    users: tally(rows.flatMap(({ user }) => user ?? [])),
  };
}

function countsIn({ total, by_status, by_area_code, by_user }: Shown): ReturnType<typeof countsOf> {
  const counts = (entries: [name: string | null, count: number][]) =>
    Object.fromEntries(entries.map(([name, count]) => [String(name), count] as const).sort());
  return {
    total,
    statuses: counts(by_status.map((one: Shown) => [one.status, one.count])),
    areaCodes: counts(by_area_code.map((one: Shown) => [one.area_code, one.count])),
    available: counts(
      by_area_code.flatMap((one: Shown) => (one.available > 0 ? [[one.area_code, one.available]] : [])),
    ),
    users: counts(by_user.map((one: Shown) => [one.user_id, one.count])),
  };
}

function assertAnswer(reply: Reply, expected: ReturnType<typeof predict>, asked: string): void {
  const said = { status: reply.status, ...(reply.body.code && { code: reply.body.code }) };
  const { status, code, body = {} } = expected;
  assert.deepEqual(said, { status, ...(code && { code }) }, `${asked}: ${reply.text}`);
  for (const [field, value] of Object.entries(body)) {
    const given = field === 'results' ? reply.body.results.map(withoutText) : reply.body[field];
    if (field !== 'organization') assert.deepEqual(given, value, `${asked}: ${field}`);
  }
}

const withoutText = ({ error: _, ...result }: { error?: string }) => result;

// biome-ignore lint/suspicious/noExplicitAny: a row of a reply
type Shown = any;

const shown = (row: Shown) => ({
  phone_number: row.phone_number,
  status: row.status,
  user: row.assigned_to?.user_id ?? null,
  nickname: row.nickname,
  tags: row.tags,
  locked: row.locked,
  metadata: Object.fromEntries(Object.entries(row.metadata).sort()),
  ends: row.until !== null,
  reservation: row.reservation_id,
  note: row.reservation_note,
});
