import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import type { Carrier } from '../../carriers/carrier.ts';
import type { Carriers } from '../accounts/open.ts';
import type { Database, Db } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
import { Problem } from '../errors.ts';

/**
 * The life of a process, played within the test's own: after so many steps it is over, and nothing that the process
 * would still do reaches the database or a carrier. A step is a statement (BEGIN, COMMIT and ROLLBACK too) or one half
 * of a call to a carrier, the asking and the hearing. So the end can fall before and after each of them: the next one
 * is the first that does not happen any more.
 */
export type Life = {
  readonly steps: number;
  readonly over: boolean;
  /** @throws Killed when there is none left */
  step(): void;
  /** @throws Killed when it is over, which another flow of the process may have found out */
  check(): void;
  /** Something that goes on when the process is gone, until it has come to an end. */
  leave(work: Promise<unknown>): void;
  /** Ends it, unless it is over, and resolves when PostgreSQL has rolled back what was open. */
  end(): Promise<void>;
};

/** What everything that a process does after its end comes to. No code but the test's ever sees it in earnest. */
export class Killed extends Error {
  constructor() {
    super('The process is gone');
  }
}

/** @param stepsMax the steps that it has; Infinity for one that is not killed */
export function liveFor(stepsMax: number): Life {
  let steps = 0;
  let over = false;
  const left = new Set<Promise<unknown>>();
  return {
    get steps() {
      return steps;
    },
    get over() {
      return over;
    },
    step() {
      if (over || steps >= stepsMax) over = true;
      else steps++;
      this.check();
    },
    check() {
      if (over) throw new Killed();
    },
    leave(work) {
      left.add(work);
    },
    async end() {
      over = true;
      await Promise.all(left);
    },
  };
}

/**
 * The database as a process with this life has it. Its connections are those of the test's own pool; what PostgreSQL
 * does with a transaction whose client is gone, roll it back, is done when the flow that has it lets go of it.
 * Sessions (`openSession`) it has none.
 */
export function killable(database: Database, life: Life): Database {
  const pool = new Proxy(database.pool, {
    get(target, name) {
      if (name === 'connect') return async () => killableClient(await target.connect(), life);
      if (name === 'query') return stepping(target.query.bind(target) as AnyQuery, life);
      return Reflect.get(target, name, target);
    },
  });
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    background: db,
    pool,
    lookups: pool,
    long: pool,
    heard: () => new Map(),
    silentSince: () => [],
    isDiskFull: () => false,
    findPrimary: async () => {},
    async openSession() {
      throw new Error('A session is not counted, so a process whose steps are has none');
    },
    close: async () => {},
  };
}

function killableClient(client: pg.PoolClient, life: Life): pg.PoolClient {
  const release: pg.PoolClient['release'] = spoilt => {
    // What it gives back alive is in no transaction, as ever.
    if (!life.over) return client.release(spoilt);
    life.leave(client.query('rollback').then(() => client.release(), client.release));
  };
  return new Proxy(client, {
    get(target, name) {
      if (name === 'release') return release;
      if (name === 'query') return stepping(target.query.bind(target) as AnyQuery, life);
      return Reflect.get(target, name, target);
    },
  });
}

type AnyQuery = (...args: unknown[]) => unknown;

/** A statement that is under way at the end is done, but its answer is heard by nobody. */
const stepping =
  (query: AnyQuery, life: Life): AnyQuery =>
  (...args) => {
    life.step();
    const answer = query(...args);
    return answer instanceof Promise ? answer.finally(() => life.check()) : answer;
  };

/**
 * The carriers as a process with this life has them. What they know themselves outlives it: the sandbox's books are
 * those of the database that `carriers` was created with, which must not be a killable one.
 */
export const mortal = (carriers: Carriers, life: Life): Carriers => ({
  ...carriers,
  open: async (db, tenantId, accountId) => mortalCarrier(await carriers.open(db, tenantId, accountId), life),
  connect: (...args) => mortalCarrier(carriers.connect(...args), life),
});

function mortalCarrier(carrier: Carrier, life: Life): Carrier {
  const calls = Object.entries(carrier).map(([name, call]) => {
    const mortalCall = async (...args: unknown[]) => {
      life.step();
      try {
        return await (call as (...args: unknown[]) => Promise<unknown>)(...args);
      } finally {
        // Whatever the carrier answers, it must be heard.
        life.step();
      }
    };
    return [name, mortalCall];
  });
  return Object.fromEntries(calls) as Carrier;
}

/** The carriers, with something that happens when the first such call is done and its answer is not heard yet. */
export function interrupted(
  carriers: Carriers,
  call: keyof Carrier,
  happen: () => Promise<unknown>,
): Carriers {
  let happened = false;
  return {
    ...carriers,
    async open(...args) {
      const carrier = await carriers.open(...args);
      const original = carrier[call] as (...args: unknown[]) => Promise<unknown>;
      const interrupting = async (...args: unknown[]) => {
        const answer = original(...args);
        await Promise.allSettled([answer]);
        if (!happened) {
          happened = true;
          await happen();
        }
        return answer;
      };
      return { ...carrier, [call]: interrupting };
    },
  };
}

/**
 * The database as a process has it that falls asleep when a statement has returned such a row, before it hears of it,
 * and sleeps until `happen` is over.
 */
export function sleepy(
  db: Db,
  falls: (row: Record<string, unknown>) => boolean,
  happen: () => Promise<unknown>,
): Db {
  let slept = false;
  return db.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      if (!slept && result.rows.some(row => falls(row as Record<string, unknown>))) {
        slept = true;
        await happen();
      }
      return result;
    },
  });
}

type Action<T> = (db: Db, carriers: Carriers) => Promise<T>;

/**
 * Lets a process that has so many steps do all of this at the same time, until it is done or the process is gone.
 * @returns for each what came of it, also where that is a Problem; undefined for what nobody was left to hear
 * @throws what only a mistake of ours can come to
 */
export async function play<T>(
  database: Database,
  carriers: Carriers,
  stepsMax: number,
  actions: Action<T>[],
): Promise<(T | Problem | undefined)[]> {
  const life = liveFor(stepsMax);
  const { db } = killable(database, life);
  const ends = await Promise.allSettled(actions.map(action => action(db, mortal(carriers, life))));
  const killed = life.over;
  await life.end();
  return ends.map(end => {
    if (end.status === 'fulfilled') return end.value;
    if (end.reason instanceof Problem) return end.reason;
    // What a flow that lost its connections makes of that says nothing.
    if (killed) return undefined;
    throw end.reason;
  });
}
