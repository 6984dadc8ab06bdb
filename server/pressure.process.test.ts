import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Child, startChild } from './testing/load/child.ts';
import { type Answers, type Clients, kinds, order, startClients } from './testing/pressure/honest.ts';
import type { Order } from './testing/pressure/neighbour.ts';
import type { Tally } from './testing/pressure/rude.ts';
import { type Neighbour, scenarios } from './testing/pressure/scenarios.ts';
import { type Line, tableOf } from './testing/pressure/table.ts';
import { assertWhole, openWorld, useAfterwards, type World } from './testing/pressure/world.ts';
import { amountOf, isSoak } from './testing/runs.ts';

// Tenant A is heavy or slow in all the ways of scenarios.ts, one after the other. Tenant B uses the product meanwhile,
// with 16 clients that call as soon as they are answered. B must be served as if A were not there, A must be refused by
// name, and what A took must be given back. Times are printed, never compared: `npm run soak -- pressure.process`, or
// PRESSURE_TABLE=1 npm test -- pressure.process.

const measures = isSoak || process.env.PRESSURE_TABLE === '1';
const calls = amountOf('honestCalls');

type Heavy = Child<{ order: Order; a: Neighbour }, Tally>;
const startNeighbour = (): Heavy => startChild(`${import.meta.dirname}/testing/pressure/neighbour.ts`);

const none: Answers = {
  times: Object.fromEntries(
    kinds.map(kind => [kind, { p50: Number.NaN, p99: Number.NaN }]),
  ) as Answers['times'],
  errors: [],
};

/** Everything that is A's own fault has a name, and nothing is the server's. */
function assertRefusedByName(tally: Tally, refusals: RegExp | undefined): void {
  const answers = Object.keys(tally);
  const wrong = answers.filter(
    answer =>
      !(/^(2\d\d|304|closed)$/.test(answer) || /^429 \w+$/.test(answer) || refusals?.test(answer)) ||
      answer.includes('without'),
  );
  assert.deepEqual(wrong, [], `A was answered ${JSON.stringify(tally)}`);
}

test('a tenant that is heavy or slow leaves the others alone', async t => {
  const world = await openWorld(t);
  const { server, gauge, a, b } = world;
  const neighbour = startNeighbour();
  const clients = startClients(b);
  t.after(() => Promise.all([neighbour.end(), clients.end()]));
  const lines: Line[] = [];
  let place = a.numbersFrom + 50_000_000;
  await clients.call(calls);

  for (const { title, refusals } of scenarios)
    await t.test(title, async () => {
      const quiet = measures ? await clients.call(calls) : none;
      await gauge.reset();
      await neighbour.ask({ order: { begin: title }, a });
      const during = await clients.call(calls);
      const tally = await neighbour.ask({ order: 'end', a });
      lines.push({ title, quiet, during, cost: await gauge.read() });
      assert.deepEqual(during.errors, []);
      assertRefusedByName(tally, refusals);
      await useAfterwards(a, place++);
    });

  await t.test('nothing is lost or contradicts itself', async () => {
    await assertWhole(world.home);
    assert.equal(await server.stop(), 0);
  });
  if (measures) for (const line of tableOf(lines)) t.diagnostic(line);
});
