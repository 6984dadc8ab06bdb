import { setTimeout as sleep } from 'node:timers/promises';
import { type Load, startLoad } from '../load/start.ts';
import { callApi } from '../request.ts';
import { requestBytes } from './rude.ts';

/** What the honest tenant's clients do, each kind on so many connections: 16, and one that asks for /readyz. */
const clients = { hot: 4, cold: 4, change: 4, 'look-up': 4, ready: 1 };
export type Kind = keyof typeof clients;
export const kinds = Object.keys(clients) as Kind[];

/** Times in milliseconds, and what went wrong. */
export type Answers = { times: Record<Kind, { p50: number; p99: number }>; errors: string[] };

/** The honest tenant: see world.ts. */
export type Honest = {
  url: string;
  key: string;
  /** Is read. */
  organization: string;
  /** Are changed. */
  numbers: string[];
};

/**
 * An honest client gives up by then, and so does a test: a call that is never answered would hold it for ever. No
 * machine is so slow that a call of a served client takes as long.
 */
const patienceMs = 60_000;

export type Clients = {
  /** Makes so many calls of each kind, and resolves when all have been answered, or one client has given up. */
  call(count: number): Promise<Answers>;
  end(): Promise<void>;
};

/** The clients of the honest tenant: a process for each kind of call. */
export function startClients({ url, key, organization, numbers }: Honest): Clients {
  const port = Number(new URL(url).port);
  const headers = { 'x-api-key': key, 'content-type': 'application/json' };
  let loads = start();
  let serial = 0;

  function start(): Record<Kind, Load> {
    return Object.fromEntries(kinds.map(kind => [kind, startLoad()])) as Record<Kind, Load>;
  }

  const text = (method: string, path: string, body?: string) =>
    requestBytes(method, path, headers, body).toString('latin1');
  const list = `/v1/sms/phone-numbers?organization_id=${organization}`;

  function requestOf(kind: Kind): string {
    const number = encodeURIComponent(numbers[serial % numbers.length]!);
    serial++;
    switch (kind) {
      case 'hot':
        return text('GET', list);
      case 'cold':
        // A filter that nobody has asked for, so that the list has to be built.
        return text('GET', `${list}&nickname=${serial}`);
      case 'change':
        return text('PATCH', `/v1/sms/phone-numbers/${number}`, `{"nickname":"Desk ${serial}"}`);
      case 'look-up':
        return text('GET', `/v1/sms/phone-numbers/${number}`);
      case 'ready':
        return text('GET', '/readyz');
    }
  }

  async function load(kind: Kind, count: number) {
    const requests = Array.from({ length: count }, () => requestOf(kind));
    const { whole, wrong, complaint } = await loads[kind].ask({
      port,
      connections: clients[kind],
      requests,
      count,
      status: 200,
    });
    return { kind, whole, error: wrong > 0 ? `${wrong} × ${kind}: ${complaint}` : undefined };
  }

  return {
    async call(count) {
      const gaveUp = new AbortController();
      const patience = sleep(patienceMs, undefined, gaveUp).then(() => {
        throw new Error(`no answer in ${patienceMs / 1000} s`);
      });
      patience.catch(() => {});
      const results = await Promise.all(
        kinds.map(kind =>
          Promise.race([load(kind, kind === 'ready' ? Math.ceil(count / 4) : count), patience]).catch(
            (error: Error) => ({
              kind,
              whole: { p50: Number.POSITIVE_INFINITY, p99: Number.POSITIVE_INFINITY },
              error: `${kind}: ${error.message.split('\n')[0]}`,
            }),
          ),
        ),
      );
      gaveUp.abort();
      const errors = results.flatMap(({ error }) => error ?? []);
      if (errors.length > 0) {
        // One that waits still could not be asked again.
        await Promise.all(Object.values(loads).map(load => load.end()));
        loads = start();
      }
      const times = Object.fromEntries(results.map(({ kind, whole }) => [kind, whole]));
      return { times: times as Answers['times'], errors };
    },
    async end() {
      await Promise.all(Object.values(loads).map(load => load.end()));
    },
  };
}

/** Orders a number as one of many, and waits until it is bought. @returns how long that took, in milliseconds */
export async function order({ url, key, organization }: Honest): Promise<number> {
  const begun = performance.now();
  const body = { organization_id: organization, items: [{ area_code: '415', quantity: 1 }] };
  const placed = await callApi(url, 'POST', '/v1/sms/orders', { key, body });
  if (placed.status !== 202) throw new Error(`order: ${placed.text}`);
  const path = `/v1/sms/orders/${placed.body.orders[0].id}`;
  for (;;) {
    const reply = await callApi(url, 'GET', path, { key });
    if (reply.status !== 200) throw new Error(`order: ${reply.text}`);
    if (reply.body.order.status === 'bought') return performance.now() - begun;
    if (reply.body.order.status === 'failed') throw new Error(`order: ${reply.text}`);
    if (performance.now() - begun > patienceMs)
      throw new Error(`order: ${reply.body.order.status} for too long`);
    await sleep(10);
  }
}
