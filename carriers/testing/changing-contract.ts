import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attachment, Carrier, CarrierKind, CarrierNumber, Messaging } from '../carrier.ts';
import type { Fault } from '../sandbox/store.ts';
import { always, faultsThatCan, open, ours, outcomeOf } from './subject.ts';
import type { Make, Subject } from './world.ts';

/** Releasing and attaching numbers of ours. */
export function changingContract(kind: CarrierKind, make: Make): void {
  const noMessaging =
    kind.can.messaging.length === 0 && 'numbers of this carrier are not attached to anything';

  test('releases a number as often as it is told to', async t => {
    const subject = await open(t, make);
    const { carrier, world } = subject;
    const { id, phone_number, reference } = await ours(subject, '415');
    const kept = await ours(subject, '212');
    await carrier.release(id);
    await carrier.release(id);
    assert.deepEqual(await world.owned(), [kept.phone_number]);
    assert.equal(await carrier.findNumber(phone_number), undefined);
    assert.equal(await carrier.getNumber(id), undefined);
    assert.equal(await world.charges(phone_number), 1);
    assert.notEqual(reference, null);
  });

  test('attaches a number: pending perhaps, then attached, and again attached', {
    skip: noMessaging,
  }, async t => {
    const subject = await open(t, make);
    const { carrier, world } = subject;
    const number = await ours(subject, '415');
    const { open: to } = world.registrations;
    assert.deepEqual(await carrier.attachment(number, to), { state: 'none' });
    assert.ok(['pending', 'attached'].includes((await carrier.attach(number, to)).state));
    assert.deepEqual(await settled(carrier, number, to), { state: 'attached' });
    assert.deepEqual(await carrier.attach(number, to), { state: 'attached' });
  });

  test('takes a number off a registration, as often as it is told to, and keeps it on the one that it is to have', {
    skip: noMessaging,
  }, async t => {
    const subject = await open(t, make);
    const { carrier, world } = subject;
    const number = await ours(subject, '415');
    const { open: from } = world.registrations;
    const names = [from.service, from.campaign].filter(name => name !== null);
    const nothing = { service: null, campaign: null };
    await carrier.detach(number, names, nothing);
    await carrier.attach(number, from);
    await settled(carrier, number, from);
    await carrier.detach(number, names, from);
    await carrier.detach(number, ['MG-another', 'another'], nothing);
    assert.deepEqual(await carrier.attachment(number, from), { state: 'attached' });
    await carrier.detach(number, names, nothing);
    await carrier.detach(number, names, nothing);
    assert.deepEqual(await carrier.attachment(number, from), { state: 'none' });
    await carrier.attach(number, from);
    assert.deepEqual(await settled(carrier, number, from), { state: 'attached' });
  });

  test('says why a number cannot be attached', { skip: noMessaging }, async t => {
    const subject = await open(t, make);
    const { carrier, world } = subject;
    const number = await ours(subject, '415');
    const { closed } = world.registrations;
    const first = await carrier.attach(number, closed);
    const last = first.state === 'pending' ? await settled(carrier, number, closed) : first;
    assert.equal(last.state, 'failed');
    assert.ok(last.state === 'failed' && last.reason);
    for (const secret of subject.secrets) assert.ok(!JSON.stringify(last).includes(secret));
    assert.ok(['none', 'failed'].includes((await carrier.attachment(number, closed)).state));
  });

  for (const { call, of, skip } of changes(noMessaging))
    test(`${call} tells faults apart, is not retried, and may be repeated`, { skip }, async t => {
      const subject = await open(t, make);
      const { carrier, world } = subject;
      const areaCodes = ['201', '202', '203', '205', '206', '207', '208', '209', '210', '212', '213', '214'];
      const next = () => ours(subject, areaCodes.shift()!);

      for await (const fault of faultsThatCan(t, world, call, refusals, always))
        assert.equal(await outcomeOf(of(subject, await next())), fault);
      // Each fault hits one request. A retry would be answered, and the outcome would be `done`.
      for await (const fault of faultsThatCan(t, world, call, unanswered, 1)) {
        const number = await next();
        assert.equal(await outcomeOf(of(subject, number)), 'outcome_unknown', fault);
        await world.calm();
        await of(subject, number);
        if (call === 'release') assert.equal(await carrier.findNumber(number.phone_number), undefined);
        if (call === 'attach')
          assert.equal((await settled(carrier, number, world.registrations.open)).state, 'attached');
      }
    });

  test('a number that the carrier does not have is released', async t => {
    const subject = await open(t, make);
    const { carrier, world } = subject;
    const number = await ours(subject, '415');
    for await (const _ of faultsThatCan(t, world, 'release', ['not_found'], always))
      assert.equal(await outcomeOf(carrier.release(number.id)), 'done');
  });
}

type Change = {
  call: Fault['call'];
  of(subject: Subject, number: CarrierNumber): Promise<unknown>;
  skip: string | false;
};

const changes = (noMessaging: string | false): Change[] => [
  { call: 'release', of: ({ carrier }, { id }) => carrier.release(id), skip: false },
  {
    call: 'attach',
    of: ({ carrier, world }, number) => carrier.attach(number, world.registrations.open),
    skip: noMessaging,
  },
];

const refusals: Fault['kind'][] = ['rate_limited', 'authentication_failed', 'transient'];
const unanswered: Fault['kind'][] = [
  'error_before',
  'error_after',
  'timeout_before',
  'timeout_after',
  'hang',
  'torn',
  'other_number',
];

/** The final state of an attachment. */
async function settled(carrier: Carrier, number: CarrierNumber, to: Messaging): Promise<Attachment> {
  for (;;) {
    const attachment = await carrier.attachment(number, to);
    if (attachment.state !== 'pending') return attachment;
    await sleep(1);
  }
}
