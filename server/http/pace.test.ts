import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepPace } from './pace.ts';

test('a transfer ends if the client is too slow, and not if the server is', t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let [carried, waits, ended] = [0, true, 0];
  const relax = keepPace({ carried: () => carried, waits: () => waits }, () => ended++);
  const pass = (bytes: number) => {
    carried += bytes;
    t.mock.timers.tick(30_000);
    return ended;
  };
  assert.equal(pass(30_000), 0);
  assert.equal(pass(1_000_000), 0);
  waits = false;
  assert.equal(pass(0), 0);
  waits = true;
  assert.equal(pass(30_000), 0);
  // A byte now and then.
  assert.equal(pass(29_999), 1);
  relax();
  assert.equal(pass(0), 1);
});
