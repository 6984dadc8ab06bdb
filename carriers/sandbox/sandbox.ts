import { once } from 'node:events';
import { inOneWriting } from '../../phone-numbers/phone-number.ts';
import { Type } from '../../schema/schema.ts';
import { findExact, ifFound, matching, verify } from '../answers.ts';
import type { Carrier, CarrierKind, CarrierNumber, ConnectOptions } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import {
  advanceAttachment,
  advanceOrder,
  attach,
  byId,
  byNumber,
  detach,
  pageOf,
  requireNumber,
  sell,
  takeFault,
} from './book.ts';
import { faultError, isDone, unclearOutcome } from './faults.ts';
import { offers } from './stock.ts';
import type { Book, BookedNumber, Fault } from './store.ts';

/** In US dollars. Only a fault can use it up. */
const balanceAtFirst = 1_000_000;

/**
 * A carrier of our own, to try Linekeeper out and to test it. It behaves as a remote carrier: it remembers what it has
 * sold even if the caller dies, and its answers can be lost, torn or wrong (`Book.faults`). The adapter verifies them
 * like those of any carrier.
 */
export const sandbox: CarrierKind = {
  title: 'Sandbox',
  credentials: Type.Object({}, { additionalProperties: false }),
  can: { buy: true, messaging: ['campaign'] },
  connect: (_credentials, options) => connect(options),
};

function connect({ account, sandbox, timeoutMs }: ConnectOptions): Carrier {
  /** If the book cannot be reached, the carrier gives no answer: the change may have been saved. */
  async function change<T>(name: Fault['call'], work: (book: Book) => T): Promise<T> {
    try {
      return await sandbox.change(account, work);
    } catch (cause) {
      if (cause instanceof CarrierError) throw cause;
      throw Object.assign(new CarrierError(unclearOutcome(name), 'The sandbox cannot reach its book'), {
        cause,
      });
    }
  }

  /**
   * Does the work in the book and answers, unless a fault prevents either. `fault` is a fault of the answer. The change
   * is saved before the answer, and also if the answer never comes.
   */
  async function call<T>(
    name: Fault['call'],
    work: (book: Book, fault: Fault['kind'] | undefined) => T,
  ): Promise<{ answer: T; fault: Fault['kind'] | undefined }> {
    const { fault, read } = await change(name, book => {
      const fault = takeFault(book, name);
      return { fault, read: fault && !isDone(fault) ? undefined : attempt(() => work(book, fault)) };
    });
    if (fault === 'hang') await once(AbortSignal.timeout(timeoutMs), 'abort');
    const error = fault && faultError(name, fault);
    if (error) throw error;
    // A fault that prevents the work has thrown above.
    return { answer: read!(), fault };
  }

  return {
    async check() {
      const { answer: charges } = await call('check', book => book.numbers.flatMap(number => number.charges));
      const amount = (balanceAtFirst - charges.length).toFixed(2);
      return { account, balance: { amount, currency: 'USD' } };
    },

    async search(wanted) {
      const { answer, fault } = await call('search', book => offers(book, wanted));
      const reported = answer.map(offer => ({
        ...offer,
        phone_number: reportedNumber(offer.phone_number, fault),
      }));
      return matching(reported, wanted);
    },

    async buy(phoneNumber, reference, begin) {
      begin?.();
      const { answer, fault } = await call('buy', (book, fault) =>
        sell(book, phoneNumber, reference, fault === 'pending'),
      );
      const number = verify(reported(answer, fault), { phone_number: phoneNumber }, unclearOutcome('buy'));
      return fault === 'pending' ? { state: 'pending', order: orderOf(number) } : { state: 'owned', number };
    },

    async findPurchase(phoneNumber, reference) {
      const found = await ifFound(
        call('find', book => {
          const number = byNumber(book, phoneNumber);
          return number && { number, state: advanceOrder(number) };
        }),
      );
      if (!found?.answer) return undefined;
      const number = findExact([reported(found.answer.number, found.fault)], phoneNumber);
      if (number?.reference !== reference) return undefined;
      const { state } = found.answer;
      return state === 'pending' ? { state, order: orderOf(number) } : { state, number };
    },

    async findNumber(phoneNumber) {
      const found = await ifFound(call('find', book => byNumber(book, phoneNumber)));
      return found?.answer && findExact([reported(found.answer, found.fault)], phoneNumber);
    },

    async getNumber(id) {
      const found = await ifFound(call('find', book => byId(book, id)));
      return found?.answer && verify(reported(found.answer, found.fault), { id }, unclearOutcome('find'));
    },

    async list(next) {
      const { answer, fault } = await call('list', book => pageOf(book, next));
      const numbers = answer.numbers.map(number => reported(number));
      if (fault === 'empty') return { numbers: [], next: null, total: 0 };
      if (fault === 'cut') return { ...answer, numbers: numbers.slice(0, numbers.length / 2), next: null };
      return { ...answer, numbers };
    },

    async release(id) {
      const released = await ifFound(
        call('release', book => {
          const number = requireNumber(book, id);
          number.released = true;
          return number;
        }),
      );
      if (released) verify(reported(released.answer, released.fault), { id }, unclearOutcome('release'));
    },

    async attach({ id, phone_number }, to) {
      const { answer, fault } = await call('attach', book => {
        const number = requireNumber(book, id);
        return { number, attachment: attach(number, to) };
      });
      verify(reported(answer.number, fault), { id, phone_number }, unclearOutcome('attach'));
      return answer.attachment;
    },

    async detach({ id, phone_number }, from, to) {
      const { answer, fault } = await call('attach', book => {
        const number = requireNumber(book, id);
        detach(number, from, to);
        return number;
      });
      verify(reported(answer, fault), { id, phone_number }, unclearOutcome('attach'));
    },

    async attachment({ id, phone_number }, to) {
      const found = await ifFound(
        call('find', book => {
          const number = requireNumber(book, id);
          return { number, attachment: advanceAttachment(number, to) };
        }),
      );
      if (!found) return { state: 'none' };
      verify(reported(found.answer.number, found.fault), { id, phone_number }, unclearOutcome('find'));
      return found.answer.attachment;
    },
  };
}

/** Does `work` now and gives its result, or its refusal, later: a fault can lose either. */
function attempt<T>(work: () => T): () => T {
  try {
    const result = work();
    return () => result;
  } catch (error) {
    if (!(error instanceof CarrierError)) throw error;
    return () => {
      throw error;
    };
  }
}

const orderOf = ({ id }: CarrierNumber): string => `order-of-${id}`;

/** The number that the caller gets; another one under the fault `other_number`. */
function reported(
  { id, phone_number, name, tags, reference }: BookedNumber,
  fault?: Fault['kind'],
): CarrierNumber {
  const reportedId = fault === 'other_number' ? `${id}-other` : id;
  const phoneNumber = reportedNumber(phone_number, fault);
  return { id: reportedId, phone_number: inOneWriting(phoneNumber), name, tags, reference, subaccount: null };
}

function reportedNumber(phoneNumber: string, fault: Fault['kind'] | undefined): string {
  if (fault !== 'other_number') return phoneNumber;
  return `+1${phoneNumber.startsWith('+1212') ? '213' : '212'}${phoneNumber.slice(5)}`;
}
