import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Carrier } from '../carrier.ts';
import { carrierContract, type Subject, type World } from '../testing/contract.ts';
import { memoryStore } from './memory-store.ts';
import { sandbox } from './sandbox.ts';
import type { Book, SandboxStore } from './store.ts';

const account = 'sandbox-account';

carrierContract('sandbox', sandbox, () => {
  const store = memoryStore();
  return { carrier: connect(store), world: worldOf(store), secrets: [] } satisfies Subject;
});

function connect(store: SandboxStore): Carrier {
  return sandbox.connect({}, { account, urls: {}, timeoutMs: 5, retryMs: 1, concurrency: 1, sandbox: store });
}

function worldOf(store: SandboxStore): World {
  const change = <T>(work: (book: Book) => T) => store.change(account, work);
  return {
    // Always there.
    stock: async () => {},
    takeAway: phoneNumber => change(book => void book.taken.push(phoneNumber)),
    own: numbers =>
      change(book => {
        for (const { phone_number, name = null, tags = [], reference = null } of numbers)
          book.numbers.push({
            id: `sandbox-number-${++book.sequence}`,
            phone_number,
            name,
            tags,
            reference,
            charges: [],
            ordering: false,
            released: false,
            attachment: null,
          });
      }),
    owned: () =>
      change(book => book.numbers.filter(number => !number.released).map(number => number.phone_number)),
    charges: phoneNumber =>
      change(
        book =>
          book.numbers.filter(number => number.phone_number === phoneNumber).flatMap(number => number.charges)
            .length,
      ),
    fault: async fault => {
      await change(book => void book.faults.push({ ...fault }));
      return true;
    },
    calm: () =>
      change(book => {
        book.faults = [];
      }),
    registrations: {
      open: { service: null, campaign: 'pending-campaign' },
      closed: { service: null, campaign: 'rejected-campaign' },
    },
  };
}

test('every area code of the United States and Canada has numbers for sale, and no other', async () => {
  const carrier = connect(memoryStore());
  const count = async (country: string, area_code?: string) =>
    (await carrier.search({ country, area_code, limit: 1000 })).length;
  for (const areaCode of ['212', '415', '983']) assert.equal(await count('US', areaCode), 100, areaCode);
  for (const areaCode of ['416', '604']) assert.equal(await count('CA', areaCode), 100, areaCode);
  // Not in use, toll-free, personal, Jamaica, Canada, a service code, no area code.
  for (const areaCode of ['999', '800', '500', '876', '416', '911', '41', '']) {
    assert.equal(await count('US', areaCode), 0, areaCode);
  }
  assert.equal(await count('US'), 1000);
  assert.equal(await count('GB', '20'), 0);
});

test('a purchase is charged, and the balance shows it', async () => {
  const carrier = connect(memoryStore());
  assert.deepEqual(await carrier.check(), { account, balance: { amount: '1000000.00', currency: 'USD' } });
  await carrier.buy('+14155550100', 'a');
  assert.equal((await carrier.check()).balance?.amount, '999999.00');
});

test('a fault that does not fit the call has no effect', async () => {
  const store = memoryStore();
  const carrier = connect(store);
  await worldOf(store).fault({ call: 'buy', kind: 'cut', times: 1 });
  assert.equal((await carrier.buy('+14155550100', 'a')).state, 'owned');
});

test('a book that cannot be reached is a carrier without an answer', async () => {
  const carrier = connect({ change: () => Promise.reject(new Error('connection lost')) });
  await assert.rejects(carrier.findNumber('+14155550100'), { outcome: 'transient' });
  await assert.rejects(carrier.buy('+14155550100', 'a'), { outcome: 'outcome_unknown' });
});

test('work that throws changes nothing in the book', async () => {
  const store = memoryStore();
  const breaking = store.change(account, book => {
    book.taken.push('+14155550100');
    throw new Error('stop');
  });
  await assert.rejects(breaking, /stop/);
  assert.deepEqual(await store.change(account, book => book.taken), []);
});
