import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzing } from '../../testing/runs.ts';
import { jsonOf, runsOf } from './write-json.ts';

test('JSON that is written in pieces is what JSON.stringify writes', () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.jsonValue(),
        fc.record({
          a: fc.constantFrom(undefined, null, 1),
          list: fc.array(fc.jsonValue(), { size: 'medium' }),
        }),
      ),
      async value => assert.equal(await jsonOf(value), JSON.stringify(value)),
    ),
    fuzzing(200),
  ));

test('runs have all items in order, and end where they are long', async () => {
  const items = [...Array(2500).keys(), 'x'.repeat(300_000), 'y'.repeat(300_000)];
  const runs = [];
  for await (const run of runsOf(items)) {
    assert.deepEqual(JSON.parse(run.json), run.items);
    runs.push(run.items);
  }
  assert.deepEqual(runs.flat(), items);
  assert.deepEqual(
    runs.map(run => run.length),
    [1000, 1000, 501, 1],
  );
});
