import { describe, exitCodes, Failure, PassingFailure, wrongUsage } from '../terminal/failure.ts';

export type RequestOptions = {
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is read. */
  stream?: { type: string; source: AsyncIterable<Uint8Array> };
  /** The code of an error whose body is an answer all the same. */
  accept?: string;
  headers?: Record<string, string>;
};

/** A body as it came, and as what it says. */
export type Answer<T> = { status: number; text: string; body: T };

/** One call of the API whose answer is JSON. */
export async function call<T>(
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<Answer<T>> {
  const response = await ask(method, path, options);
  const text = await connected(response.text());
  const body = parse<T & ErrorBody>(text);
  const { ok, status } = response;
  if (!ok && (options.accept === undefined || body?.code !== options.accept)) throw refusal(response, text);
  if (body === undefined) throw notLinekeeper(status);
  return { status, text, body };
}

/** One call of the API, for those who read the answer's body themselves; within connected(). */
export async function send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const response = await ask(method, path, options);
  if (response.ok) return response;
  throw refusal(response, await connected(response.text()));
}

async function ask(method: string, path: string, options: RequestOptions): Promise<Response> {
  const { query = {}, body, stream, headers } = options;
  const target = new URL(base() + path);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) target.searchParams.set(name, String(value));
  const type = stream?.type ?? (body === undefined ? undefined : 'application/json');
  const request = fetch(target, {
    method,
    // Followed, a redirection would carry the key to wherever it points.
    redirect: 'manual',
    headers: {
      'x-api-key': apiKey(),
      accept: 'application/json',
      ...(type && { 'content-type': type }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(stream && { body: stream.source, duplex: 'half' }),
  });
  return connected(request);
}

/** The path of these segments, each of which stands for itself whatever is in it. */
export function pathOf(...segments: string[]): string {
  const dots = segments.find(segment => /^\.{0,2}$/.test(segment));
  if (dots !== undefined) throw wrongUsage(`"${dots}" names nothing`);
  return `/v1/${segments.map(encodeURIComponent).join('/')}`;
}

/** Waits for something from the server, and says in our words when the connection fails. */
export async function connected<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    if (cause instanceof Failure) throw cause;
    throw connectionFailure(cause);
  }
}

const lost = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'];

function connectionFailure(cause: unknown): Failure {
  const reason = describe(cause);
  if (lost.includes((cause as { code?: string }).code ?? ''))
    return new PassingFailure(
      `The connection to ${base()} was lost before its answer was complete (${reason}).\nWhat was asked may be done or not: look before you repeat it.`,
    );
  return new PassingFailure(
    `No server answers at ${base()} (${reason}).\nStart one with \`linekeeper serve\`, or set LINEKEEPER_URL to where it runs.`,
    exitCodes.unreachable,
  );
}

type ErrorBody = { error?: unknown; detail?: unknown; code?: unknown; request_id?: unknown };

function refusal({ status, headers }: Response, text: string): Failure {
  if (status >= 300 && status < 400)
    return new Failure(`${base()} redirects to ${headers.get('location')}: set LINEKEEPER_URL to that`);
  const body = parse<ErrorBody | null>(text);
  if (typeof body?.error !== 'string') return notLinekeeper(status);
  const lines = [body.error, body.detail, status === 401 && 'Check LINEKEEPER_API_KEY.'];
  if (body.request_id) lines.push(`request_id ${body.request_id}`);
  return failureOf(status, lines.filter(Boolean).join('\n'), text);
}

const notLinekeeper = (status: number) =>
  failureOf(
    status,
    `What answers at ${base()} (with ${status}) does not speak as Linekeeper does: check LINEKEEPER_URL`,
  );

function failureOf(status: number, message: string, body?: string): Failure {
  const Kind = status >= 500 ? PassingFailure : Failure;
  return new Kind(message, exitCodes.failed, body);
}

/** @returns undefined for what is not JSON */
function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

function base(): string {
  const text = process.env.LINEKEEPER_URL || 'http://127.0.0.1:8080';
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash)
    throw wrongUsage('LINEKEEPER_URL must be a URL like http://127.0.0.1:8080');
  return url.href.replace(/\/+$/, '');
}

function apiKey(): string {
  const key = process.env.LINEKEEPER_API_KEY?.trim();
  if (!key)
    throw wrongUsage(
      'LINEKEEPER_API_KEY is not set: set it to an API key.\nThe server prints that of the demonstration when it starts; `linekeeper tenants create` and `linekeeper keys create` make others.',
    );
  if (!/^[\x21-\x7e]+$/.test(key)) throw wrongUsage('LINEKEEPER_API_KEY has characters that no key has');
  return key;
}
