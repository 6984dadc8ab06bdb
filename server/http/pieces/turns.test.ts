import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapInPieces } from './turns.ts';

/** Work that takes a millisecond, on every machine. */
function work(): void {
  const end = performance.now() + 1;
  while (performance.now() < end);
}

function countTurns(): { end(): number } {
  let turns = 0;
  let timer = setImmediate(turn);
  function turn() {
    turns++;
    timer = setImmediate(turn);
  }
  return {
    end() {
      clearImmediate(timer);
      return turns;
    },
  };
}

test('long work gives way again and again', async () => {
  const turns = countTurns();
  const done = await mapInPieces([...Array(200).keys()], index => {
    work();
    return index * 2;
  });
  assert.deepEqual([done.length, done[199]], [200, 398]);
  // A piece of 4 ms ends at the next question, which comes after eight items.
  assert.ok(turns.end() >= 15);
});

test('of several long works one has its piece in a turn, one after the other', async () => {
  const order: string[] = [];
  let turn = 0;
  let timer = setImmediate(function count() {
    turn++;
    timer = setImmediate(count);
  });
  const at = new Map<number, Set<string>>();
  await Promise.all(
    ['a', 'b', 'c', 'd'].map(name =>
      mapInPieces([...Array(64).keys()], index => {
        // Seven items are done before the first question.
        if (index < 7) return;
        at.set(turn, (at.get(turn) ?? new Set()).add(name));
        if (order.at(-1) !== name) order.push(name);
        work();
      }),
    ),
  );
  clearImmediate(timer);
  for (const names of at.values()) assert.equal(names.size, 1);
  assert.deepEqual(order.slice(0, 8), ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']);
});

test('few items are handled at once', () => {
  let done = 0;
  void mapInPieces([1, 2, 3, 4, 5, 6, 7], () => done++);
  assert.equal(done, 7);
});
