import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, isDeepStrictEqual } from 'node:util';
import { asAdmin, assertNoneLost } from './testing/database.ts';
import { newNumbers } from './testing/factories.ts';
import { type History, readHistory, type Shown } from './testing/history.ts';
import {
  associatedData,
  createReaders,
  type Listed,
  type Marked,
  type Sight,
  type Watch,
  watch,
} from './testing/readers.ts';
import { amountOf } from './testing/runs.ts';
import { startBeside, startTestServer, type TestServer } from './testing/server.ts';
import { users, write } from './testing/writers.ts';

/**
 * Many readers and writers, of two tenants whose organizations, users and numbers have the same names, on two servers,
 * of which one throws most bodies away before they are asked for again. Everything that was read is held against the
 * log.
 */
const rounds = amountOf('writes');
const readersOfEach = 4;
const writersOfEach = 2;
const places = ['north', 'south'];
const numbers = Array.from({ length: 14 }, (_, index) => `+1415555${1000 + index}`);
/** More than are read at once, so that its list is streamed. */
const largeNumbers = Array.from({ length: 1010 }, (_, index) => `+1212555${1000 + index}`);

let servers: TestServer[];
let watched: Watch;
let tenants: Marked[];

async function newMarked(marker: string, other: string, organizations: string[]): Promise<Marked> {
  const server = servers[0]!;
  const key = await server.newTenant();
  // What is transferred may be assigned at once.
  await server.call('PATCH', '/v1/tenant', { key, body: { transfer_cool_down_seconds: 0 } });
  let tenantId = '';
  for (const organization of organizations) {
    const body = { name: `${marker} ${organization}`, unique_id: organization };
    const made = await server.call('POST', '/v1/organizations', { key, body });
    assert.equal(made.status, 201, made.text);
    tenantId = made.body.organization.tenant_id;
    for (const user of users)
      await server.call('POST', `/v1/organizations/${organization}/users`, {
        key,
        body: { name: `${marker} ${user}`, email: `${user}@${marker}.example`, unique_id: user },
      });
  }
  const named = (phone_number: string) => ({ phone_number, nickname: marker });
  await newNumbers(server, 'north', numbers.slice(0, 12).map(named), key);
  if (organizations.includes('large'))
    for (let from = 0; from < largeNumbers.length; from += 1000)
      await newNumbers(server, 'large', largeNumbers.slice(from, from + 1000).map(named), key);
  return { marker, other, key, tenantId, organizations };
}

beforeEach(async () => {
  const first = await startTestServer();
  // No body takes more than an eighth of it: so few are kept that they drive each other out all the time.
  servers = [first, await startBeside(first, { cacheBytes: 80_000 })];
  watched = watch(first.database.connection);
  tenants = [
    await newMarked('alpha', 'beta', [...places, 'large']),
    await newMarked('beta', 'alpha', places),
  ];
});
afterEach(async () => {
  await watched.close();
  for (const server of servers.toReversed()) await server.stop();
});

type Readers = ReturnType<typeof createReaders>;
type Counts = Map<string, number>;

/**
 * Lets all of them read and write, for so many changes of each writer, and until all of this has happened.
 * @returns what was read, and how often what was done
 */
async function run(
  mayFail: boolean,
  isEnough: (readers: Readers, made: Counts) => boolean,
  disturb: (until: AbortSignal, readers: Readers) => Promise<void> = async () => {},
) {
  const readers = createReaders(servers, watched, numbers);
  const made: Counts = new Map();
  const finished = new AbortController();
  const endAll = (error: unknown) => {
    finished.abort();
    throw error;
  };
  const until = finished.signal;
  const changes = (tenant: Marked, places: string[], numbers: string[], roundsMin: number) =>
    write({
      ...{ servers, tenant, places, numbers, mayFail },
      goesOn: rounds => !until.aborted && (rounds < roundsMin || !isEnough(readers, made)),
      // A long list may break off, which is for its readers to tell from what is wrong.
      look: async organization => {
        if (organization !== 'large') await readers.look(tenant, organization, mayFail);
      },
      made: kind => made.set(kind, (made.get(kind) ?? 0) + 1),
    });
  const writing = tenants.flatMap(tenant =>
    Array.from({ length: writersOfEach }, () => changes(tenant, places, numbers, rounds)),
  );
  // The large list changes now and then, too.
  writing.push(changes(tenants[0]!, ['large'], largeNumbers, Math.ceil(rounds / 5)));
  const reading = tenants.flatMap(tenant =>
    Array.from({ length: readersOfEach }, () => readers.read(tenant, until, mayFail)),
  );
  const ended = await Promise.allSettled([
    Promise.all(writing).finally(() => finished.abort()),
    ...[...reading, disturb(until, readers)].map(each => each.catch(endAll)),
  ]);
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  return { ...readers, made };
}

async function readHistories(): Promise<Map<string, History>> {
  const histories = new Map<string, History>();
  for (const tenant of tenants)
    for (const organization of tenant.organizations)
      histories.set(
        associatedData(tenant, organization),
        await readHistory(servers[0]!.database.db, tenant.tenantId, organization),
      );
  return histories;
}

type Item = Shown & Record<string, unknown>;

/** A list against the log, and against what the database says today of that revision. */
async function assertRight(listed: Listed, histories: Map<string, History>): Promise<void> {
  const { tenant, organization, url, revision } = listed;
  const body = JSON.parse(listed.text);
  const query = new URL(url, 'http://server').searchParams;
  const limit = Number(query.get('limit') ?? Number.POSITIVE_INFINITY);
  const all = histories
    .get(associatedData(tenant, organization))!
    .states[revision]!.filter(number => query.get('include_assigned') !== 'false' || number.is_available);
  if (query.get('sort') === '-phone_number') all.reverse();
  const name = `${tenant.marker} ${url} at ${revision}`;
  const full = query.get('view') === 'full';
  assert.deepEqual(
    body.phone_numbers.map((item: Item) => shownOf(item, full)),
    all.slice(0, limit).map(number => shownOf(number, full)),
    name,
  );
  assert.equal(body.count, Math.min(all.length, limit), name);
  assert.equal(body.total, query.has('total') ? all.length : undefined, name);
  assert.equal(body.has_more, query.has('limit') ? all.length > limit : undefined, name);
  const then = await servers[0]!.call('GET', `${url}&as_of=${revision}`, { key: tenant.key });
  assert.equal(then.status, 200, then.text);
  assert.deepEqual(
    body.phone_numbers.map(withoutName),
    then.body.phone_numbers.map(withoutName),
    `as_of, ${name}`,
  );
}

const shownOf = (
  { id, phone_number, nickname, is_available, assigned_to, organization_id }: Item | Shown,
  full: boolean,
) => ({
  id,
  phone_number,
  nickname,
  is_available,
  assigned_to,
  ...(full && { organization_id }),
});

/** `as_of` shows users with today's names. */
const withoutName = ({ assigned_to, ...item }: Item) => ({
  ...item,
  assigned_to: assigned_to && { ...assigned_to, name: undefined },
});

/** Numbers as one call has shown them against every state that the tenant was in during that call. */
function assertSeen({ tenant, from, to, numbers }: Sight, histories: Map<string, History>): void {
  const [north, south] = places.map(organization => {
    const place = associatedData(tenant, organization);
    return { ...histories.get(place)!, from: from.get(place)!, to: to.get(place)! };
  }) as [Span, Span];
  // A transfer is one change to both.
  const links = [...north.requests].flatMap(([request, revision]) => {
    const other = south.requests.get(request);
    return other === undefined ? [] : [[revision, other] as const];
  });
  for (let one = north.from; one <= north.to; one++)
    for (let other = south.from; other <= south.to; other++) {
      if (!links.every(([revision, twin]) => one >= revision === other >= twin)) continue;
      const state = [...north.states[one]!, ...south.states[other]!];
      const fits = [...numbers].every(([phone_number, item]) => {
        const number = state.find(candidate => candidate.phone_number === phone_number);
        if (!item || !number) return !item && !number;
        return isDeepStrictEqual(shownOf(item as Item, true), shownOf(number, true));
      });
      if (fits) return;
    }
  assert.fail(
    `${tenant.marker}, between ${north.from}, ${south.from} and ${north.to}, ${south.to}: ${inspect(numbers)}`,
  );
}

type Span = History & { from: number; to: number };

const counted = (counts: Counts) => [...counts].map(([what, count]) => `${what} ${count}`).join(', ');

const kinds = ['assign', 'unassign', 'edit', 'rename', 'add', 'transfer', 'release'];
const replies = ['304', 'identity', 'encoded', 'found', 'not found', 'looked up'];

test('whatever two servers answer is of the newest revision there is, of one revision, and of one tenant', async t => {
  const hasChanged = ({ lists }: Readers, organization: string) =>
    [...lists.values()].some(listed => listed.organization === organization && listed.revision > 4);
  const { lists, sights, counts, made } = await run(
    false,
    (readers, made) =>
      kinds.every(kind => made.has(kind)) &&
      replies.every(reply => readers.counts.has(reply)) &&
      tenants[0]!.organizations.every(organization => hasChanged(readers, organization)),
  );
  t.diagnostic(`made: ${counted(made)}; read: ${counted(counts)}; ${lists.size} different lists`);
  const histories = await readHistories();
  for (const sight of sights) assertSeen(sight, histories);
  for (const listed of lists.values()) await assertRight(listed, histories);
});

/** Between two cuts, so that there is always some progress. */
const repliesBetweenCuts = 60;

test('the same while every connection to the database is cut again and again, and all is well afterwards', async t => {
  const [{ database }] = servers as [TestServer];
  const name = database.connection.database!;
  let cuts = 0;
  const { lists, sights, counts, made } = await run(
    true,
    readers => readers.counts.has('away'),
    async (until, readers) => {
      for (; !until.aborted; cuts++) {
        const enough = readers.replies() + repliesBetweenCuts;
        while (!until.aborted && readers.replies() < enough) await sleep(5);
        await asAdmin(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
      }
    },
  );
  t.diagnostic(`${cuts} cuts; made: ${counted(made)}; read: ${counted(counts)}`);
  const { key } = tenants[0]!;
  const list = (organization: string) => `/v1/sms/phone-numbers?organization_id=${organization}`;
  for (const server of servers) {
    // By itself: what is done here is only to ask again. A connection that was cut is noticed by the next that uses it.
    for (const path of [
      list('north'),
      `/v1/sms/phone-numbers/${encodeURIComponent(numbers[0]!)}`,
      list('large'),
    ])
      while ((await server.call('GET', path, { key }).catch(() => ({ status: 503 }))).status === 503)
        await sleep(20);
    const { body } = await server.call('GET', list('large'), { key });
    assert.equal(body.phone_numbers.length, body.count);
  }
  for (const { database } of servers) await assertNoneLost(database);
  const histories = await readHistories();
  for (const sight of sights) assertSeen(sight, histories);
  for (const listed of lists.values()) await assertRight(listed, histories);
});
