import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Carrier, CarrierKind, CarrierNumber, Messaging } from '../carrier.ts';
import type { Fault } from '../sandbox/store.ts';
import { always, faultsThatCan, open, ours, outcomeOf } from './subject.ts';
import type { Make } from './world.ts';

type Read = {
  name: string;
  call: Fault['call'];
  of(carrier: Carrier, number: CarrierNumber, to: Messaging): Promise<unknown>;
};

const reads: Read[] = [
  { name: 'check', call: 'check', of: carrier => carrier.check() },
  {
    name: 'search',
    call: 'search',
    of: carrier => carrier.search({ country: 'US', area_code: '415', limit: 5 }),
  },
  {
    name: 'findPurchase',
    call: 'find',
    of: (carrier, number) => carrier.findPurchase(number.phone_number, number.reference!),
  },
  { name: 'findNumber', call: 'find', of: (carrier, number) => carrier.findNumber(number.phone_number) },
  { name: 'getNumber', call: 'find', of: (carrier, number) => carrier.getNumber(number.id) },
  { name: 'list', call: 'list', of: carrier => carrier.list(undefined) },
  { name: 'attachment', call: 'find', of: (carrier, number, to) => carrier.attachment(number, to) },
];

/** A read reports each fault and never accepts a wrong answer. */
export function readingContract(kind: CarrierKind, make: Make): void {
  for (const { name, call, of } of reads.filter(read => read.name !== 'attachment' || canAttach(kind)))
    test(`${name} tells faults apart, and works again when they are gone`, async t => {
      const subject = await open(t, make);
      const number = await ours(subject, '415');
      const { open: registration } = subject.world.registrations;
      if (name === 'attachment') await subject.carrier.attach(number, registration);
      const read = () => of(subject.carrier, number, registration);

      for await (const kind of faultsThatCan(t, subject.world, call, refusals, always))
        assert.equal(await outcomeOf(read()), kind);
      const noAnswers: Fault['kind'][] = call === 'find' ? [...unanswered, 'other_number'] : unanswered;
      for await (const kind of faultsThatCan(t, subject.world, call, noAnswers, always))
        assert.equal(await outcomeOf(read()), 'transient', kind);
      // The adapter may retry, and so get over a single fault.
      for await (const kind of faultsThatCan(t, subject.world, call, ['rate_limited', 'error_before'], 1))
        assert.ok(['done', 'rate_limited', 'transient'].includes(await outcomeOf(read())), kind);
      assert.equal(await outcomeOf(read()), 'done');
    });

  test('a number that the carrier does not have is undefined', async t => {
    const subject = await open(t, make);
    const { carrier, world } = subject;
    const number = await ours(subject, '415');
    for await (const _ of faultsThatCan(t, world, 'find', ['not_found'], always)) {
      assert.equal(await carrier.findNumber(number.phone_number), undefined);
      assert.equal(await carrier.getNumber(number.id), undefined);
    }
  });

  test('a number is found by exactly its digits', async t => {
    const { carrier, world } = await open(t, make);
    // The second number contains the digits of the first.
    await world.own([{ phone_number: '+442079460958' }, { phone_number: '+4420794609581' }]);
    assert.equal((await carrier.findNumber('+442079460958'))?.phone_number, '+442079460958');
    assert.equal(await carrier.findNumber('+44207946095'), undefined);
    assert.equal(await carrier.findNumber('+12125550199'), undefined);
  });

  test('a number that the carrier writes in an abolished way is the number that we keep', async t => {
    const { carrier, world } = await open(t, make);
    await world.own([{ phone_number: '+5215512345678' }, { phone_number: '+5491123456789' }]);
    for (const phoneNumber of ['+525512345678', '+541123456789']) {
      const number = await carrier.findNumber(phoneNumber);
      assert.equal(number?.phone_number, phoneNumber);
      assert.equal((await carrier.getNumber(number.id))?.phone_number, phoneNumber);
    }
    const { numbers } = await carrier.list(undefined);
    assert.deepEqual(numbers.map(number => number.phone_number).sort(), ['+525512345678', '+541123456789']);
  });

  test('the check shows account and balance', async t => {
    const { carrier } = await open(t, make);
    const { account, balance } = await carrier.check();
    assert.notEqual(account, '');
    if (balance) assert.match(balance.amount, /^-?\d+(\.\d+)?$/);
  });

  test('wrong credentials are `authentication_failed`', async t => {
    const { stranger, world } = await open(t, make);
    if (!stranger) return t.skip('this carrier has no credentials');
    await world.stock('415');
    const outcomes = await Promise.all(
      [
        stranger.check(),
        stranger.search({ country: 'US', area_code: '415', limit: 5 }),
        stranger.buy('+14155550100', 'stranger-1'),
        stranger.findPurchase('+14155550100', 'stranger-1'),
        stranger.findNumber('+14155550100'),
        stranger.list(undefined),
      ].map(outcomeOf),
    );
    assert.deepEqual(new Set(outcomes), new Set(['authentication_failed']));
    assert.deepEqual(await world.owned(), []);
  });
}

const canAttach = (kind: CarrierKind): boolean => kind.can.messaging.length > 0;

const refusals: Fault['kind'][] = ['rate_limited', 'authentication_failed', 'transient'];
const unanswered: Fault['kind'][] = ['error_before', 'timeout_before', 'hang', 'torn'];
