import { setTimeout as sleep } from 'node:timers/promises';
import type { Shape } from '../schema/schema.ts';
import type { Surroundings } from './carrier.ts';
import { CarrierError, type Outcome } from './errors.ts';
import { backOffMs, inTurn, readRetryAfter } from './limits.ts';

/** A carrier's API, and how its errors are to be read. */
export type Api = {
  /** What people call the carrier; errors begin with it. */
  title: string;
  /** Where it is, with its path if it has one, as `https://api.example.com/v2`. */
  url: string;
  /** Sent with every call: what authenticates it. */
  headers: Record<string, string>;
  /** What no error may quote. */
  secrets: string[];
  /** What the body of a 4xx says; undefined when it is not an error as this carrier writes them. */
  explain(status: number, body: unknown): Refusal | undefined;
};

/** The carrier's word that it has refused a call, and so has not carried it out. */
export type Refusal = { outcome: Outcome; code?: string | undefined; message?: string | undefined };

export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the API's URL, as `/numbers/1`; values in it are put through encodeURIComponent. */
  path: string;
  query?: Record<string, string> | URLSearchParams;
  /** Sent as application/x-www-form-urlencoded. */
  form?: Record<string, string>;
  /** Sent as application/json. */
  json?: unknown;
};

/** No body at all, as with 204. */
export const nothing: Shape<undefined> = { Check: (value): value is undefined => value === undefined };

/** @throws CarrierError and nothing else */
export type Client = <T>(call: Call, shape: Shape<T>) => Promise<T>;

/** What one attempt came to; `again` if another one may follow. */
type Result<T> = { value: T } | { error: CarrierError; again: boolean };

const attemptsMax = 4;
const bodyBytesMax = 8 * 1024 * 1024;

/** What these say even without a body that can be read: each is a refusal by the rules of HTTP. */
const outcomeOfStatus: Partial<Record<number, Outcome>> = {
  401: 'authentication_failed',
  403: 'authentication_failed',
  429: 'rate_limited',
};

/**
 * Speaks to a carrier over HTTP.
 *
 * A read is tried up to four times. Anything else is sent once, unless the carrier says in its own words that it has
 * refused it unprocessed because of too many calls. Without a clear answer (none in time, a connection that broke, a
 * 5xx, a redirect, a body that is torn, too large or not what it should be) a read is `transient` and anything else
 * `outcome_unknown`, but for a connection that never came about.
 *
 * No attempt begins later than `timeoutMs` after the call was made, wherever that time went (waiting for its turn, or
 * as long as the carrier's `Retry-After` said), so a call is over within twice `timeoutMs`. Whoever looks up later what
 * became of a purchase depends on it: nothing may still be sent by then.
 */
export function createClient(api: Api, surroundings: Surroundings): Client {
  return async (call, shape) => {
    const { account, concurrency, timeoutMs, retryMs } = surroundings;
    const url = urlOf(api, call);
    const lastBegin = Date.now() + timeoutMs;
    for (let attempts = 1; ; attempts++) {
      const result = await inTurn(account, concurrency, lastBegin - Date.now(), () =>
        attempt(api, call, url, shape, timeoutMs),
      );
      if (!result)
        throw new CarrierError('transient', `${api.title} was not asked: too many calls are under way`);
      if ('value' in result) return result.value;
      const waitMs = backOffMs(attempts, retryMs, result.error.retryAfterMs);
      if (!result.again || attempts === attemptsMax || Date.now() + waitMs > lastBegin) throw result.error;
      await sleep(waitMs);
    }
  };
}

function urlOf(api: Api, call: Call): URL {
  const url = new URL(api.url.replace(/\/+$/, '') + call.path);
  // A part such as `..` would name something else than it seems to.
  if (!url.pathname.endsWith(call.path))
    throw new CarrierError('not_found', `${api.title} cannot have what was asked for`);
  url.search = new URLSearchParams(call.query).toString();
  return url;
}

async function attempt<T>(
  api: Api,
  call: Call,
  url: URL,
  shape: Shape<T>,
  timeoutMs: number,
): Promise<Result<T>> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: call.method,
      headers: {
        accept: 'application/json',
        'user-agent': 'linekeeper',
        ...(call.json !== undefined && { 'content-type': 'application/json' }),
        ...api.headers,
      },
      body: call.form ? new URLSearchParams(call.form) : JSON.stringify(call.json),
      redirect: 'manual',
      signal,
    });
    return judge(api, call, shape, response, await readBody(response));
  } catch (error) {
    if (wasNeverSent(error))
      return failure(api, 'transient', 'could not be reached', { again: call.method === 'GET' });
    const what = signal.aborted
      ? `gave no answer in ${timeoutMs} ms`
      : 'broke off before its answer was whole';
    return noAnswer(api, call, what);
  }
}

function judge<T>(api: Api, call: Call, shape: Shape<T>, response: Response, body: unknown): Result<T> {
  const { status } = response;
  const retryAfterMs = readRetryAfter(response.headers.get('retry-after'));
  if (response.ok)
    return shape.Check(body)
      ? { value: body }
      : noAnswer(api, call, `answered ${status} with something else`);
  const refusal = status >= 400 && status < 500 ? api.explain(status, body) : undefined;
  const outcome = refusal?.outcome ?? outcomeOfStatus[status];
  if (!outcome) return noAnswer(api, call, `answered ${status}`, retryAfterMs);
  const again = outcome === 'rate_limited' && (call.method === 'GET' || refusal !== undefined);
  const carrierCode = /^[\w.-]{1,40}$/.test(refusal?.code ?? '') ? refusal?.code : undefined;
  const words = quotable(refusal?.message, api.secrets);
  const what = `answered ${carrierCode ?? status}${words ? `: "${words}"` : ''}`;
  return failure(api, outcome, what, { again, carrierCode, retryAfterMs });
}

/** Nobody can say whether the call was carried out. */
const noAnswer = (api: Api, call: Call, what: string, retryAfterMs?: number) =>
  call.method === 'GET'
    ? failure(api, 'transient', what, { again: true, retryAfterMs })
    : failure(api, 'outcome_unknown', what, { again: false, retryAfterMs });

const failure = (
  api: Api,
  outcome: Outcome,
  what: string,
  more: { again: boolean; carrierCode?: string | undefined; retryAfterMs?: number | undefined },
) => ({ error: new CarrierError(outcome, `${api.title} ${what}`, more), again: more.again });

/** JSON if it is; undefined for no body; the text as it stands if it is neither, which no schema of ours allows. */
async function readBody(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error('The body is too large');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether the connection never came about: everything else may have reached the carrier. */
function wasNeverSent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  // Several addresses were tried, and each has its own error.
  const reasons: unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
  return reasons.every(
    reason =>
      reason instanceof Error &&
      (('syscall' in reason && (reason.syscall === 'connect' || reason.syscall === 'getaddrinfo')) ||
        ('code' in reason && reason.code === 'UND_ERR_CONNECT_TIMEOUT')),
  );
}

/** The carrier's own short message, if it can be shown: one line, 200 characters, nothing of the credentials. */
function quotable(message: string | undefined, secrets: string[]): string {
  const text = (message ?? '').replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  if (secrets.some(secret => secret !== '' && text.includes(secret))) return '';
  return [...text].slice(0, 200).join('');
}

/**
 * The query of the carrier's link to a next page, which is asked of the same place as the page before. Only the query
 * is taken over, so that credentials go nowhere else; a link that leads elsewhere is `transient`.
 * @param path below the API's URL, of the page that the link was in
 */
export function nextQuery(api: Api, path: string, link: string): string {
  const base = new URL(api.url);
  const next = URL.canParse(link, base) ? new URL(link, base) : undefined;
  // A server that stands behind the operator's own does not know of the path that leads to it.
  const known =
    next && (next.pathname === path || next.pathname === urlOf(api, { method: 'GET', path }).pathname);
  if (!next || next.origin !== base.origin || !known)
    throw new CarrierError('transient', `${api.title} named a next page that lies elsewhere`);
  return next.search.slice(1);
}
