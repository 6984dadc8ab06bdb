import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Carrier } from '../carrier.ts';
import { memoryStore } from '../sandbox/memory-store.ts';
import { carrierContract, type World } from '../testing/contract.ts';
import { manual } from './manual.ts';

const connect = (): Carrier =>
  manual.connect(
    {},
    { account: 'a', urls: {}, timeoutMs: 5, retryMs: 1, concurrency: 1, sandbox: memoryStore() },
  );

/** There is no carrier behind a manual account: nothing can be arranged there, and nothing goes wrong. */
const nobody: World = {
  stock: async () => {},
  takeAway: async () => {},
  own: async () => {},
  owned: async () => [],
  charges: async () => 0,
  fault: async () => false,
  calm: async () => {},
  registrations: {
    open: { service: null, campaign: null },
    closed: { service: null, campaign: null },
  },
};

carrierContract('manual', manual, () => ({ carrier: connect(), world: nobody, secrets: [] }));

test('an attachment that people made elsewhere is complete when it is recorded', async () => {
  const carrier = connect();
  assert.deepEqual(await carrier.check(), { account: 'manual', balance: null });
  const number = { id: 'desk-phone', phone_number: '+14155550100' };
  const to = { service: null, campaign: 'C1' };
  assert.deepEqual(await carrier.attach(number, to), { state: 'attached' });
  assert.deepEqual(await carrier.attachment(number, to), { state: 'attached' });
});
