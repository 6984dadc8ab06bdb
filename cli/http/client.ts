import { wrongUsage } from '../terminal/failure.ts';
import { apiKey, serverUrl } from './environment.ts';
import { notLinekeeper, orConnectionFailure, parseJson, refusal } from './failures.ts';

export type Query = Record<string, string | number | boolean | undefined>;

export type RequestOptions = {
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent while it is read. */
  stream?: { type: string; pieces: AsyncIterable<Uint8Array> };
  /** The code of an error whose body is a result all the same. */
  acceptedError?: string;
  headers?: Record<string, string>;
};

/** A JSON body: its text as the server sent it, and the value. */
export type JsonResponse<T> = { status: number; text: string; body: T };

/** A call of the API that answers with JSON. */
export async function call<T>(
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<JsonResponse<T>> {
  const response = await request(method, path, options);
  const text = await orConnectionFailure(response.text());
  const body = parseJson<T & { code?: unknown }>(text);
  const { ok, status } = response;
  const accepted = options.acceptedError !== undefined && body?.code === options.acceptedError;
  if (!ok && !accepted) throw refusal(response, text);
  if (body === undefined) throw notLinekeeper(status);
  return { status, text, body };
}

/** A call whose body the caller reads by itself, under `orConnectionFailure`. */
export async function open(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const response = await request(method, path, options);
  if (response.ok) return response;
  throw refusal(response, await orConnectionFailure(response.text()));
}

async function request(method: string, path: string, options: RequestOptions): Promise<Response> {
  const { query = {}, body, stream, headers } = options;
  const target = new URL(serverUrl() + path);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) target.searchParams.set(name, String(value));
  const type = stream?.type ?? (body === undefined ? undefined : 'application/json');
  const response = fetch(target, {
    method,
    // Following a redirection would hand the key to another server.
    redirect: 'manual',
    headers: {
      'x-api-key': apiKey(),
      accept: 'application/json',
      ...(type && { 'content-type': type }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(stream && { body: stream.pieces, duplex: 'half' }),
  });
  return orConnectionFailure(response);
}

/** Builds a path from its segments. Each is escaped, so that an id with a slash cannot name another route. */
export function pathOf(...segments: string[]): string {
  const dots = segments.find(segment => /^\.{0,2}$/.test(segment));
  if (dots !== undefined) throw wrongUsage(`"${dots}" is not an id`);
  return `/v1/${segments.map(encodeURIComponent).join('/')}`;
}
