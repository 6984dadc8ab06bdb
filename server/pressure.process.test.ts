import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Child, startChild } from './testing/load/child.ts';
import { type Answers, kinds, order, startClients } from './testing/pressure/honest.ts';
import type { Order } from './testing/pressure/neighbour.ts';
import type { Tally } from './testing/pressure/rude.ts';
import { type Neighbour, type Scenario, scenarios } from './testing/pressure/scenarios.ts';
import { type Line, tableOf } from './testing/pressure/table.ts';
import { assertWhole, openUnread, openWorld, useAfterwards } from './testing/pressure/world.ts';
import { amountOf, isSoak } from './testing/runs.ts';

// Tenant A is heavy or slow in all the ways of scenarios.ts, one after the other. Tenant B uses the product meanwhile,
// with 16 clients that call as soon as they are answered. B must be served as if A were not there, A must be refused by
// name, and what A took must be given back. Times are printed and never compared: by `npm run soak`, and by
// `PRESSURE_TABLE=1 npm test -- pressure.process`.

const measures = isSoak || process.env.PRESSURE_TABLE === '1';
const calls = amountOf('honestCalls');
/** PRESSURE_ONLY=uploads,zeros chooses scenarios by words of their titles. */
const words = process.env.PRESSURE_ONLY?.split(',') ?? [''];
const chosen = scenarios.filter(({ title }) => words.some(word => title.includes(word)));

type Heavy = Child<{ order: Order; a: Neighbour }, Tally>;
const startNeighbour = (): Heavy => startChild(`${import.meta.dirname}/testing/pressure/neighbour.ts`);

const unmeasured: Answers = {
  times: Object.fromEntries(kinds.map(kind => [kind, { p50: NaN, p99: NaN }])) as Answers['times'],
  errors: [],
};

/** What is A's own fault has a name, and nothing is the server's. */
function assertRefusedByName(tally: Tally, { refusals, isRefused }: Scenario): void {
  const isRight = (answer: string) =>
    /^(2\d\d|304|closed|hung up)$/.test(answer) || /^429 \w+$/.test(answer) || refusals?.test(answer);
  const answers = Object.keys(tally);
  const said = `A was answered ${JSON.stringify(tally)}`;
  assert.deepEqual(
    answers.filter(answer => !isRight(answer) || answer.includes('without')),
    [],
    said,
  );
  if (isSoak && isRefused)
    assert.ok(
      answers.some(answer => answer.startsWith('4')),
      said,
    );
}

test('a tenant that is heavy or slow leaves the others alone', async t => {
  const world = await openWorld(t);
  const { home, a, b } = world;
  const neighbours = [startNeighbour(), startNeighbour()] as const;
  const clients = startClients(b);
  t.after(() => Promise.all([...neighbours, clients].map(child => child.end())));
  const [neighbour] = neighbours;
  const lines: Line[] = [];
  let place = a.numbersFrom + 50_000_000;
  await clients.call(calls);

  for (const scenario of chosen)
    await t.test(scenario.title, async t => {
      await world.revive();
      const quiet = measures ? await clients.call(calls) : unmeasured;
      const orders = scenario.withOrder ? [await order(b)] : [];
      await world.gauge.reset();
      const begun = performance.now();
      await neighbour.ask({ order: { begin: scenario.title }, a });
      const during = await clients.call(calls);
      if (scenario.withOrder) orders.push(await order(b).catch(error => during.errors.push(error.message)));
      const tally = await neighbour.ask({ order: 'end', a });
      const ms = performance.now() - begun;
      lines.push({ title: scenario.title, quiet, during, cost: await world.gauge.read(), tally, ms });
      if (orders.length > 0) t.diagnostic(`an order of B: ${orders.map(Math.round).join(' → ')} ms`);
      assert.deepEqual(during.errors, []);
      assertRefusedByName(tally, scenario);
      await useAfterwards(a, place++);
    });

  await t.test(
    'all in turn, each before the last one has ended',
    { skip: !isSoak && 'in soak' },
    async () => {
      const quiet = await clients.call(calls);
      await world.gauge.reset();
      const begun = performance.now();
      const rounds: Answers[] = [];
      const tallies: Tally[] = [];
      const tell = async (turn: number, what: Order) => neighbours[turn % 2]!.ask({ order: what, a });
      for (const [turn, { title }] of chosen.entries()) {
        const round = clients.call(calls);
        await tell(turn, { begin: title });
        if (turn > 0) tallies.push(await tell(turn - 1, 'end'));
        rounds.push(await round);
      }
      tallies.push(await tell(chosen.length - 1, 'end'));
      const during = worst(rounds);
      const ms = performance.now() - begun;
      lines.push({ title: 'all in turn', quiet, during, cost: await world.gauge.read(), tally: {}, ms });
      assert.deepEqual(during.errors, []);
      for (const [turn, tally] of tallies.entries()) {
        const { isRefused: _, ...scenario } = chosen[turn]!;
        assertRefusedByName(tally, scenario);
      }
      await useAfterwards(a, place++);
    },
  );

  await t.test('nothing is lost, and nothing contradicts itself', async () => {
    await assertWhole(home);
    assert.equal(await world.server.stop(), 0);
  });
  if (measures) for (const line of tableOf(lines)) t.diagnostic(line);
});

/** The longest times of several rounds, and all errors. */
function worst(rounds: Answers[]): Answers {
  const most = (kind: (typeof kinds)[number], which: 'p50' | 'p99') =>
    Math.max(...rounds.map(({ times }) => times[kind][which]));
  const times = kinds.map(kind => [kind, { p50: most(kind, 'p50'), p99: most(kind, 'p99') }]);
  return { times: Object.fromEntries(times), errors: rounds.flatMap(({ errors }) => errors) };
}

test('a reader of stderr that stands still does not stop the server', async t => {
  const { server, b } = await openUnread(t);
  const clients = startClients(b);
  t.after(() => clients.end());
  for (let round = 0; round < 3; round++) assert.deepEqual((await clients.call(100)).errors, []);
  assert.equal(await server.stop(), 0);
});
