import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Problem } from '../errors.ts';
import { fuzzing } from '../testing/runs.ts';
import { createShares } from './shares.ts';

const patient = { waitMsMax: 3_600_000 };

test('tenants that wait have their turn one after the other, and each its own requests in their order', async () => {
  const shares = createShares('places', { total: 2, each: 1, ...patient });
  const entered: string[] = [];
  const leaves = new Map<string, () => void>();
  const enter = async (tenant: string, name: string) => {
    const leave = await shares.enter(tenant);
    entered.push(name);
    leaves.set(name, leave);
  };
  const all = [enter('a', 'a1'), enter('b', 'b1'), enter('a', 'a2'), enter('a', 'a3'), enter('c', 'c1')];
  await Promise.all(all.slice(0, 2));
  leaves.get('a1')!();
  await all[2];
  leaves.get('a2')!();
  await all[4];
  leaves.get('b1')!();
  await all[3];
  assert.deepEqual(entered, ['a1', 'b1', 'a2', 'c1', 'a3']);
});

test('who waits too long is told which share is used up; who has gone waits no longer', async () => {
  const shares = createShares('long answers', { total: 2, each: 1, waitMsMax: 0 });
  const leave = await shares.enter('a');
  await assert.rejects(
    shares.enter('a'),
    (error: Problem) =>
      error.code === 'too_many_requests' && /^All 1 long answers that one tenant/.test(error.detail!),
  );
  await shares.enter('b');
  await assert.rejects(shares.enter('c'), { code: 'unavailable' });
  leave();
  leave();
  await shares.enter('c');
  await assert.rejects(shares.enter('d'), { code: 'unavailable' });

  const waiting = createShares('places', { total: 1, each: 1, ...patient });
  const first = await waiting.enter('a');
  const gone = new AbortController();
  const given = waiting.enter('b', gone.signal);
  const next = waiting.enter('b');
  gone.abort();
  await assert.rejects(given, Problem);
  first();
  (await next)();
});

test('who wants many places gets them in turn, and more than the share of a tenant are all of its share', async () => {
  const shares = createShares('kilobytes', { total: 4, each: 3, ...patient });
  const leave = await shares.enter('a', undefined, 2);
  let entered = false;
  const large = shares.enter('b', undefined, 9).then(leave => {
    entered = true;
    return leave;
  });
  // Otherwise small ones could keep a large one waiting without an end.
  assert.equal(shares.enterNow('c'), undefined);
  leave();
  (await large)();
  assert.ok(entered);
  assert.ok(shares.enterNow('c', 3));
  assert.equal(shares.enterNow('c'), undefined);
  const gone = new AbortController();
  const tooLarge = shares.enter('b', gone.signal, 3);
  const small = shares.enter('a');
  gone.abort();
  await assert.rejects(tooLarge, Problem);
  (await small)();
});

test('however tenants come and go, none has more than its share, and no place is lost', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          tenant: fc.constantFrom('a', 'b', 'c'),
          amount: fc.integer({ min: 1, max: 5 }),
          leaves: fc.nat(20),
          goes: fc.boolean(),
        }),
        {
          maxLength: 60,
        },
      ),
      async steps => {
        const [total, each] = [4, 3];
        const shares = createShares('places', { total, each, ...patient });
        const inside: { tenant: string; amount: number; leave: () => void }[] = [];
        const waiting: { gone: AbortController; done: Promise<void> }[] = [];
        const settle = () => new Promise(setImmediate);
        const held = (tenant?: string) =>
          inside
            .filter(one => tenant === undefined || one.tenant === tenant)
            .reduce((sum, { amount }) => sum + amount, 0);
        for (const { tenant, amount, leaves, goes } of steps) {
          const gone = new AbortController();
          const done = shares.enter(tenant, gone.signal, amount).then(
            leave => void inside.push({ tenant, amount: Math.min(amount, each), leave }),
            () => {},
          );
          waiting.push({ gone, done });
          await settle();
          if (goes) waiting[leaves % waiting.length]!.gone.abort();
          else inside.splice(leaves % (inside.length + 1), 1)[0]?.leave();
          await settle();
          assert.ok(held() <= total);
          for (const one of ['a', 'b', 'c']) assert.ok(held(one) <= each);
        }
        for (let left = inside.pop(); left; left = inside.pop()) {
          left.leave();
          await settle();
        }
        await Promise.all(waiting.map(({ done }) => done));
        const places = await Promise.all(['a', 'a', 'a', 'b'].map(tenant => shares.enter(tenant)));
        assert.equal(places.length, total);
      },
    ),
    fuzzing(50),
  ));
