import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { fuzzing } from '../testing/runs.ts';
import { batched } from './batched.ts';

type Batch = { questions: number[]; end: PromiseWithResolvers<string[]>; settled: boolean };
type Asked = { question: number; batchesBefore: number; outcome: Promise<string> };

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ step: fc.constant('ask' as const), which: fc.nat(4) }) },
    { weight: 3, arbitrary: fc.record({ step: fc.constant('turn' as const), which: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('answer' as const), which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constant('fail' as const), which: fc.nat(9) }) },
  ),
  { maxLength: 60 },
);

test('every question gets its own answer, from a batch that was sent after it was asked', () =>
  fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), async (plan, inFlightMax) => {
      const batches: Batch[] = [];
      const asked: Asked[] = [];
      const inFlight = () => batches.filter(({ settled }) => !settled);
      const ask = batched(
        (questions: number[]) => {
          const batch = { questions, end: Promise.withResolvers<string[]>(), settled: false };
          batches.push(batch);
          assert(inFlight().length <= inFlightMax, 'too many batches are in flight');
          assert.equal(new Set(questions).size, questions.length, 'a batch has a question twice');
          return batch.end.promise;
        },
        String,
        inFlightMax,
      );
      const settle = (batch: Batch, fails: boolean) => {
        const name = batches.indexOf(batch);
        batch.settled = true;
        if (fails) batch.end.reject(`failed ${name}`);
        else batch.end.resolve(batch.questions.map(question => `${question} of ${name}`));
      };
      for (const { step, which } of plan) {
        const open = inFlight();
        if (step === 'turn') await nextTurn();
        else if (step === 'ask') {
          const outcome = ask(which).catch(String);
          asked.push({ question: which, batchesBefore: batches.length, outcome });
        } else if (open.length > 0) settle(open[which % open.length]!, step === 'fail');
      }
      // Pending questions are sent as soon as a batch may be.
      for (let turn = 0; turn < 10; turn++) {
        for (const batch of inFlight()) settle(batch, false);
        await nextTurn();
      }
      for (const { question, batchesBefore, outcome } of asked) {
        const text = await outcome;
        const [, what, name] = /^(\d+|failed)(?: of)? (\d+)$/.exec(text)!;
        assert(Number(name) >= batchesBefore, `a batch that was already in flight answered: ${text}`);
        assert(
          batches[Number(name)]!.questions.includes(question),
          `the question was not in that batch: ${text}`,
        );
        if (what !== 'failed') assert.equal(Number(what), question);
      }
      const shared = batches.reduce((sum, { questions }) => sum + questions.length, 0);
      assert(shared <= asked.length, 'a batch has a question that nobody asked');
    }),
    fuzzing(300),
  ));

test('questions of one turn and the next share a batch, and equal questions are sent once', async () => {
  const sent: number[][] = [];
  const ask = batched(
    async (questions: number[]) => {
      sent.push(questions);
      return questions.map(question => question * 10);
    },
    String,
    2,
  );
  const first = [1, 2, 1, 3].map(ask);
  await nextTurn();
  assert.deepEqual(await Promise.all([...first, ask(2), ask(4)]), [10, 20, 10, 30, 20, 40]);
  assert.deepEqual(sent, [[1, 2, 3, 4]]);
});
