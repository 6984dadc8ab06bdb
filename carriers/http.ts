import { setTimeout as sleep } from 'node:timers/promises';
import type { Shape } from '../schema/shape.ts';
import type { ConnectOptions } from './carrier.ts';
import { CarrierError, type Outcome } from './errors.ts';
import { backOffMs, limited, readRetryAfter } from './limits.ts';

/** A secret that a header can carry. */
export const headerText = '^[\\x21-\\x7e]{1,200}$';
export const headerRule = '1 to 200 ASCII characters without blanks, as the carrier shows it';

/** A carrier's API, and how to read its errors. */
export type Api = {
  /** The carrier's name for people. Errors begin with it. */
  title: string;
  /** With its path if it has one: `https://api.example.com/v2`. */
  url: string;
  /** Sent with every call; they authenticate it. */
  headers: Record<string, string>;
  /** Texts that no error may quote. */
  secrets: string[];
  /** Reads the body of a 4xx; undefined if this carrier does not write errors like that. */
  explain(status: number, body: unknown): Refusal | undefined;
};

/** The carrier refused the call, so it did not carry it out. */
export type Refusal = { outcome: Outcome; code?: string | undefined; message?: string | undefined };

export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the API's URL: `/numbers/1`. The caller encodes values with encodeURIComponent. */
  path: string;
  query?: Record<string, string> | URLSearchParams;
  /** Sent as application/x-www-form-urlencoded. */
  form?: Record<string, string>;
  /** Sent as application/json. */
  json?: unknown;
  /** Called right before the request is sent, after all waiting. What it throws is thrown, and nothing is sent. */
  begin?: (() => void) | undefined;
};

/** No body, as with 204. */
export const nothing: Shape<undefined> = { Check: (value): value is undefined => value === undefined };

/** @throws CarrierError, and what `begin` throws */
export type Client = <T>(call: Call, shape: Shape<T>) => Promise<T>;

/** The result of one attempt; `again` if another one may follow. */
type Result<T> = { value: T } | { error: CarrierError; again: boolean };

const attemptsMax = 4;
const bodyBytesMax = 8 * 1024 * 1024;

/** Statuses that are refusals by the rules of HTTP, even if the body cannot be read. */
const outcomeOfStatus: Partial<Record<number, Outcome>> = {
  401: 'authentication_failed',
  403: 'authentication_failed',
  429: 'rate_limited',
};

/**
 * Calls a carrier over HTTP.
 *
 * A read is tried up to four times. A change is sent once; it is sent again only if the carrier says in its own words
 * that there were too many calls, because then it did not process the change.
 *
 * Some answers are not clear: none in time, a broken connection, a 5xx, a redirect, or a body that is torn, too large or
 * of another shape. Then a read is `transient` and a change is `outcome_unknown`. If no connection was made, both are
 * `transient`.
 *
 * No attempt begins later than `timeoutMs` after the call, whether the time went into waiting for the concurrency limit
 * or for the carrier's `Retry-After`. So a call ends within twice `timeoutMs`. The look-up of a purchase depends on
 * this: after that time nothing may still be sent.
 */
export function createClient(api: Api, options: ConnectOptions): Client {
  return async (call, shape) => {
    const { account, concurrency, timeoutMs, retryMs } = options;
    const url = urlOf(api, call);
    const lastBegin = Date.now() + timeoutMs;
    for (let attempts = 1; ; attempts++) {
      const result = await limited(account, concurrency, lastBegin - Date.now(), async () => {
        // The machine may have slept meanwhile, and no timer with it.
        if (Date.now() > lastBegin) return undefined;
        call.begin?.();
        return attempt(api, call, url, shape, timeoutMs);
      });
      if (!result)
        throw new CarrierError('transient', `${api.title} was not called: too many calls are under way`);
      if ('value' in result) return result.value;
      const waitMs = backOffMs(attempts, retryMs, result.error.retryAfterMs);
      if (!result.again || attempts === attemptsMax || Date.now() + waitMs > lastBegin) throw result.error;
      await sleep(waitMs);
    }
  };
}

function urlOf(api: Api, call: Call): URL {
  const url = new URL(api.url.replace(/\/+$/, '') + call.path);
  // A part such as `..` would lead to another path.
  if (!url.pathname.endsWith(call.path)) throw new CarrierError('not_found', `${api.title} has no such path`);
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
    return readAnswer(api, call, shape, response, await readBody(response));
  } catch (error) {
    if (wasNeverSent(error))
      return failure(api, 'transient', 'could not be reached', { again: call.method === 'GET' });
    const what = signal.aborted
      ? `gave no answer in ${timeoutMs} ms`
      : 'closed the connection before its answer was complete';
    return noAnswer(api, call, what);
  }
}

function readAnswer<T>(api: Api, call: Call, shape: Shape<T>, response: Response, body: unknown): Result<T> {
  const { status } = response;
  const retryAfterMs = readRetryAfter(response.headers.get('retry-after'));
  if (response.ok)
    return shape.Check(body)
      ? { value: body }
      : noAnswer(api, call, `answered ${status} with an unexpected body`);
  const refusal = status >= 400 && status < 500 ? api.explain(status, body) : undefined;
  const outcome = refusal?.outcome ?? outcomeOfStatus[status];
  if (!outcome) return noAnswer(api, call, `answered ${status}`, retryAfterMs);
  const again = outcome === 'rate_limited' && (call.method === 'GET' || refusal !== undefined);
  const carrierCode = /^[\w.-]{1,40}$/.test(refusal?.code ?? '') ? refusal?.code : undefined;
  const words = quotable(refusal?.message, api.secrets);
  const what = `answered ${carrierCode ?? status}${words ? `: "${words}"` : ''}`;
  return failure(api, outcome, what, { again, carrierCode, retryAfterMs });
}

/** The answer does not tell whether the carrier did what was asked. */
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

/** The parsed JSON; undefined for an empty body; the text if it is not JSON, which none of our schemas accepts. */
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

/** Whether no connection was made. In all other cases the call may have reached the carrier. */
function wasNeverSent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  // Each address that was tried has its own error.
  const reasons: unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
  return reasons.every(
    reason =>
      reason instanceof Error &&
      (('syscall' in reason && (reason.syscall === 'connect' || reason.syscall === 'getaddrinfo')) ||
        ('code' in reason && reason.code === 'UND_ERR_CONNECT_TIMEOUT')),
  );
}

/** The carrier's message as one line of at most 200 characters; empty if it contains a credential. */
function quotable(message: string | undefined, secrets: string[]): string {
  const text = (message ?? '').replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  if (secrets.some(secret => secret !== '' && text.includes(secret))) return '';
  return [...text].slice(0, 200).join('');
}

/**
 * The query of the carrier's link to the next page. We send it to the URL of the page before, so that credentials go
 * nowhere else.
 *
 * @param path of the page that contains the link, below the API's URL
 * @throws CarrierError `transient` if the link leads elsewhere
 */
export function nextQuery(api: Api, path: string, link: string): string {
  const base = new URL(api.url);
  const next = URL.canParse(link, base) ? new URL(link, base) : undefined;
  // Behind the operator's proxy, the carrier does not know the proxy's path.
  const known =
    next && (next.pathname === path || next.pathname === urlOf(api, { method: 'GET', path }).pathname);
  if (!next || next.origin !== base.origin || !known)
    throw new CarrierError('transient', `${api.title} named a next page on another server or path`);
  return next.search.slice(1);
}
