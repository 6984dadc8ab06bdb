import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { startJob } from './jobs.ts';

const silent = pino({ level: 'silent' });
const never = { name: 'a job', everyMs: 2 ** 31 - 1 };

/** Rounds that each wait for the test. */
function gated(results: unknown[] = []) {
  const waiting: (() => void)[] = [];
  const heard: (() => void)[] = [];
  let begun = 0;
  return {
    get begun() {
      return begun;
    },
    async round() {
      const result = results[begun++];
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      heard.shift()?.();
      await promise;
      if (result instanceof Error) throw result;
      return result;
    },
    pass: () => waiting.shift()!(),
    /** Resolves when the next round has started. */
    next: () => new Promise<void>(resolve => heard.push(resolve)),
  };
}

test('the next round comes at once when there is more to do, when it is woken, and when it was woken meanwhile', async () => {
  const rounds = gated([true, undefined, undefined]);
  const job = startJob(silent, { ...never, round: rounds.round });
  const first = rounds.next();
  job.wake();
  await first;
  const second = rounds.next();
  rounds.pass();
  await second;
  job.wake();
  const third = rounds.next();
  rounds.pass();
  await third;
  rounds.pass();
  await job.stop();
  assert.equal(rounds.begun, 3);
});

test('a round that fails is logged, and followed by others', async () => {
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: line => void logged.push(JSON.parse(line).level) });
  const away = Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
  const rounds = gated([new Error('a bug'), away, undefined]);
  const job = startJob(log, { ...never, round: rounds.round });
  for (let round = 0; round < 3; round++) {
    const next = rounds.next();
    job.wake();
    await next;
    rounds.pass();
    await turn();
  }
  await job.stop();
  assert.deepEqual(logged, [pino.levels.values.error, pino.levels.values.debug]);
});

test('to stop waits for the round and for what it has begun, and lets no other begin', async () => {
  const rounds = gated([true]);
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  const job = startJob(silent, { ...never, round: rounds.round, settled: () => settled });
  const next = rounds.next();
  job.wake();
  await next;
  let stopped = false;
  const stopping = job.stop().then(() => {
    stopped = true;
  });
  job.wake();
  await turn();
  assert.equal(stopped, false);
  rounds.pass();
  await turn();
  assert.equal(stopped, false);
  settle();
  await stopping;
  assert.equal(rounds.begun, 1);
});
