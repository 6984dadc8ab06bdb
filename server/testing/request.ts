import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';

export type RawReply = { status: number; headers: IncomingHttpHeaders; bytes: Buffer; text: string };

export type Asking = {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
};

const decoders: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

const agent = new Agent({ keepAlive: true });

/**
 * One request, sent as it is given: fetch adds an `Accept-Encoding` of its own, mends what is broken on purpose, and
 * gives up after five minutes. Rejects when the reply breaks off.
 * @param path sent byte for byte
 * @returns the bytes as they came, and as text what they decode to
 */
export function request(
  origin: string,
  path: string,
  { method = 'GET', headers = {}, body }: Asking = {},
): Promise<RawReply> {
  const isWhole = typeof body === 'string' || body instanceof Uint8Array;
  const length = isWhole ? { 'content-length': `${Buffer.byteLength(body)}` } : {};
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      origin,
      { method, path, headers: { ...headers, ...length }, agent },
      response => {
        const pieces: Buffer[] = [];
        response.on('data', piece => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(pieces);
          const decode = decoders[response.headers['content-encoding'] ?? ''];
          const text = (decode ? decode(bytes) : bytes).toString();
          resolve({ status: response.statusCode!, headers: response.headers, bytes, text });
        });
      },
    );
    asked.on('error', reject);
    if (body === undefined || isWhole) asked.end(body);
    else Readable.from(body).on('error', reject).pipe(asked);
  });
}

/** `body` is what JSON says, where the reply says that it is JSON. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into the body as it likes
export type Reply = { status: number; headers: Headers; text: string; body: any };

export type CallOptions = { key?: string | undefined; body?: unknown; headers?: Record<string, string> };

/** One call of the API, with a key if there is one. Text is sent as it stands, any other body as JSON. */
export const callApi = async (
  origin: string,
  method: string,
  path: string,
  { key, body, headers = {} }: CallOptions,
): Promise<Reply> =>
  read(
    await request(origin, path, {
      method,
      headers: {
        ...(key && { 'x-api-key': key }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    }),
  );

type FileOptions = { key: string; body: Asking['body']; query?: string; headers?: Record<string, string> };

/** Imports a file of numbers, of CSV unless `headers` say otherwise. */
export const importFile = async (
  origin: string,
  organization: string,
  { key, body, query = '', headers }: FileOptions,
): Promise<Reply> =>
  read(
    await request(origin, `/v1/sms/phone-numbers/import?organization_id=${organization}${query}`, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'text/csv', ...headers },
      body,
    }),
  );

function read({ status, headers, text }: RawReply): Reply {
  const isJson = headers['content-type']?.startsWith('application/json');
  return {
    status,
    headers: new Headers(headers as Record<string, string>),
    text,
    body: isJson && text ? JSON.parse(text) : undefined,
  };
}
