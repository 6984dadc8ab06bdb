import { once } from 'node:events';
import { Type } from '../../schema/schema.ts';
import { believe, exactly, fitting, ifFound } from '../answers.ts';
import type { Carrier, CarrierKind, CarrierNumber, Surroundings } from '../carrier.ts';
import { CarrierError } from '../errors.ts';
import {
  attach,
  byId,
  byNumber,
  editNumber,
  hold,
  lookAtAttachment,
  lookAtOrder,
  needed,
  pageOf,
  sell,
  takeFault,
} from './book.ts';
import { complaint, isDone, unanswered } from './faults.ts';
import { offers } from './stock.ts';
import type { Book, BookedNumber, Fault } from './store.ts';

/** In US dollars: enough that only a fault lets it run out. */
const balanceAtFirst = 1_000_000;

/**
 * A carrier of our own, for trying things out and for tests of everything that is done with carriers. It behaves as one
 * on the other side of a wire: it remembers what it has sold whatever becomes of the caller, its answers can be lost,
 * torn and wrong (`Book.faults`), and they are checked as those of any other carrier are.
 */
export const sandbox: CarrierKind = {
  title: 'Sandbox',
  credentials: Type.Object({}, { additionalProperties: false }),
  can: { buy: true, hold: true, tags: true, messaging: ['campaign'] },
  connect: (_credentials, surroundings) => connect(surroundings),
};

function connect({ account, sandbox, timeoutMs }: Surroundings): Carrier {
  /** A book that is out of reach is a carrier that gives no answer: it may have kept what was done. */
  async function change<T>(name: Fault['call'], work: (book: Book) => T): Promise<T> {
    try {
      return await sandbox.change(account, work);
    } catch (cause) {
      if (cause instanceof CarrierError) throw cause;
      throw Object.assign(new CarrierError(unanswered(name), 'The sandbox cannot reach its book'), { cause });
    }
  }

  /**
   * Does in the book what is asked for, and answers, as far as a fault allows; `fault` is what the answer suffers from.
   * What is done is kept before it is answered, even if it never is.
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
    const error = fault && complaint(name, fault);
    if (error) throw error;
    // What is not done is complained of, so here it is done.
    return { answer: read!(), fault };
  }

  return {
    async check() {
      const { answer: charges } = await call('check', book => book.numbers.flatMap(number => number.charges));
      const amount = (balanceAtFirst - charges.length).toFixed(2);
      return { account, balance: { amount, currency: 'USD' } };
    },

    async search(wanted) {
      const { answer, fault } = await call('search', book => offers(book, wanted, new Date()));
      const heard = answer.map(offer => ({ ...offer, phone_number: heardAs(offer.phone_number, fault) }));
      return fitting(heard, wanted);
    },

    async buy(phoneNumber, reference) {
      const { answer, fault } = await call('buy', (book, fault) =>
        sell(book, phoneNumber, reference, fault === 'pending'),
      );
      const number = believe(heard(answer, fault), { phone_number: phoneNumber }, unanswered('buy'));
      return fault === 'pending' ? { state: 'pending', order: orderOf(number) } : { state: 'owned', number };
    },

    async findPurchase(phoneNumber, reference) {
      const found = await ifFound(
        call('find', book => {
          const number = byNumber(book, phoneNumber);
          return number && { number, state: lookAtOrder(number) };
        }),
      );
      if (!found?.answer) return undefined;
      const number = exactly([heard(found.answer.number, found.fault)], phoneNumber);
      if (number?.reference !== reference) return undefined;
      const { state } = found.answer;
      return state === 'pending' ? { state, order: orderOf(number) } : { state, number };
    },

    async findNumber(phoneNumber) {
      const found = await ifFound(call('find', book => byNumber(book, phoneNumber)));
      return found?.answer && exactly([heard(found.answer, found.fault)], phoneNumber);
    },

    async getNumber(id) {
      const found = await ifFound(call('find', book => byId(book, id)));
      return found?.answer && believe(heard(found.answer, found.fault), { id }, unanswered('find'));
    },

    async list(next) {
      const { answer, fault } = await call('list', book => pageOf(book, next));
      const numbers = answer.numbers.map(number => heard(number));
      if (fault === 'empty') return { numbers: [], next: null, total: 0 };
      if (fault === 'cut') return { ...answer, numbers: numbers.slice(0, numbers.length / 2), next: null };
      return { ...answer, numbers };
    },

    async edit(id, edit) {
      const { answer, fault } = await call('edit', book => editNumber(needed(book, id), edit));
      return believe(heard(answer, fault), { id }, unanswered('edit'));
    },

    async release(id) {
      const released = await ifFound(
        call('release', book => {
          const number = needed(book, id);
          number.released = true;
          return number;
        }),
      );
      if (released) believe(heard(released.answer, released.fault), { id }, unanswered('release'));
    },

    async attach({ id, phone_number }, to) {
      const { answer, fault } = await call('attach', book => {
        const number = needed(book, id);
        return { number, attachment: attach(number, to) };
      });
      believe(heard(answer.number, fault), { id, phone_number }, unanswered('attach'));
      return answer.attachment;
    },

    async attachment({ id, phone_number }, to) {
      const found = await ifFound(
        call('find', book => {
          const number = needed(book, id);
          return { number, attachment: lookAtAttachment(number, to) };
        }),
      );
      if (!found) return { state: 'none' };
      believe(heard(found.answer.number, found.fault), { id, phone_number }, unanswered('find'));
      return found.answer.attachment;
    },

    async hold(phoneNumber) {
      const { id, until } = await change('buy', book => hold(book, phoneNumber, new Date()));
      return { id, until: new Date(until) };
    },
  };
}

/** What became of `work`, to be had when it is time: a refusal is the carrier's answer, and as easily lost. */
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

/** A number as it is heard by the caller, under a fault perhaps. */
function heard(
  { id, phone_number, name, tags, reference }: BookedNumber,
  fault?: Fault['kind'],
): CarrierNumber {
  const heardId = fault === 'other_number' ? `${id}-other` : id;
  const phoneNumber = heardAs(phone_number, fault);
  return { id: heardId, phone_number: phoneNumber, name, tags, reference, subaccount: null };
}

function heardAs(phoneNumber: string, fault: Fault['kind'] | undefined): string {
  if (fault !== 'other_number') return phoneNumber;
  return `+1${phoneNumber.startsWith('+1212') ? '213' : '212'}${phoneNumber.slice(5)}`;
}
