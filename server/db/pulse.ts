import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Session } from './database.ts';

/** Whether PostgreSQL answers. */
export type Pulse = {
  /** False while PostgreSQL is silent: every request would wait for an answer that does not come. */
  answers(): boolean;
  /** Asks PostgreSQL now. @throws Error if it does not answer in time, or is a standby */
  ask(): Promise<void>;
  stop(): Promise<void>;
};

const everyMs = 400;
export const patienceMsDefault = 700;

/**
 * Asks PostgreSQL for a sign of life twice a second. A connection that a firewall has forgotten, or whose machine is gone,
 * gives no error: what was sent on it gets no answer for a quarter of an hour. So if an answer does not come, a new
 * connection is tried. If that one answers and the first one still does not, the others that were silent meanwhile are
 * broken, and replaced. If nothing comes on any connection, all are broken, and requests are refused until PostgreSQL
 * answers. A database that is only slow still answers on some.
 * @param patienceMs how long PostgreSQL may take for a sign of life
 */
export function startPulse(database: Database, patienceMs: number): Pulse {
  const stopping = new AbortController();
  let session: Session | undefined;
  /** The connection that has given no answer, and the answer that may still come. */
  let suspect: { session: Session | undefined; answer: Promise<void> } | undefined;
  let answers = true;

  let asking: Promise<void> | undefined;
  const ask = () => {
    asking ??= askOnce().finally(() => {
      asking = undefined;
    });
    return asking;
  };

  async function askOnce(): Promise<void> {
    const patience = new AbortController();
    const answer = signOfLife();
    try {
      await Promise.race([answer, giveUp(patienceMs, patience.signal)]);
    } catch (error) {
      suspect?.session?.abandon();
      suspect = { session, answer };
      session = undefined;
      throw error;
    } finally {
      patience.abort();
    }
  }

  async function signOfLife(): Promise<void> {
    const opened = session ?? (await database.openSession('pulse'));
    // It took so long that another one is there.
    if (session !== undefined && session !== opened) return opened.abandon();
    session = opened;
    const { rows } = await opened.client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
    if (rows[0]!.standby) throw new Error('PostgreSQL is a standby, which is read-only');
  }

  /** Asks; and if there is no answer, once more, on a new connection. */
  async function beat(): Promise<void> {
    const heard = database.heard();
    const first = await outcome();
    const second = first === 'silent' ? await outcome() : undefined;
    if (first === 'alive') answers = true;
    if (second === 'alive') {
      answers = true;
      if (!(await answersLate())) end(database.silentSince(heard));
      suspect?.session?.abandon();
      suspect = undefined;
    }
    // It may be a standby now, or gone, with another server in its place.
    if (first !== 'alive' && second !== 'alive') await database.findPrimary().catch(() => {});
    if (second !== 'silent') return;
    const silent = database.silentSince(heard);
    if (silent.length < database.heard().size) return;
    answers = false;
    end(silent);
  }

  /** A database under load answers late. Then its other connections are in order too, and long statements go on. */
  const answersLate = (): Promise<boolean> =>
    Promise.race([
      suspect!.answer.then(
        () => true,
        () => false,
      ),
      sleep(2 * patienceMs, false, { ref: false }),
    ]);

  /** Errors of a connection tell the requests on it by themselves. */
  const outcome = (): Promise<'alive' | 'silent' | 'failed'> =>
    ask().then(
      () => 'alive',
      error => (error instanceof Silence ? 'silent' : 'failed'),
    );

  async function beatOn(): Promise<void> {
    while (!stopping.signal.aborted) {
      await beat();
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }
  const beating = beatOn();

  return {
    answers: () => answers,
    ask,
    async stop() {
      stopping.abort();
      await beating;
      suspect?.session?.abandon();
      await session?.end().catch(() => {});
    },
  };
}

async function giveUp(patienceMs: number, signal: AbortSignal): Promise<never> {
  await sleep(patienceMs, undefined, { signal, ref: false });
  // If this process itself stood still, the answer is here, and is read before this.
  await new Promise(setImmediate);
  throw new Silence(`PostgreSQL has not answered for ${patienceMs} ms`);
}

class Silence extends Error {}

function end(sockets: Socket[]): void {
  for (const socket of sockets) socket.destroy();
}
