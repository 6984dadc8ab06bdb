import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { goneSignal } from '../http/shares.ts';
import { atTurnsEnd } from './at-turns-end.ts';
import { type Body, type BodyCache, type Encoding, encodings } from './body-cache.ts';

/** A body that a request asks for. */
export type RequestedBody = {
  /** Unique among all bodies. */
  name: string;
  /** The current version, looked up after the request arrived. */
  version: string;
  /** `content-type` and others. */
  headers: Record<string, string>;
  /** The `ETag` of a version, unencoded. */
  tag(version: string): string;
  /** Builds the body, unless nobody waits for it any more. It has no bytes if it is too long. */
  build(abandoned: AbortSignal): Promise<Body>;
  /** Streams a body that is too long to be built. */
  stream(): Promise<{ version: string; stream: Readable }>;
};

/** Sends the body in the requested version or a later one, or 304 if the client has it. */
export function sendBody(
  bodyCache: BodyCache,
  request: FastifyRequest,
  reply: FastifyReply,
  requested: RequestedBody,
): undefined | Promise<never> {
  const { name, version, tag } = requested;
  const headers = request.headers;
  // Clients must revalidate every time: the next request after a change must see it.
  reply.header('cache-control', 'private, no-cache').header('vary', 'accept, accept-encoding');
  const ifNoneMatch = headers['if-none-match'];
  const known = ifNoneMatch === undefined ? undefined : matchedTag(ifNoneMatch, tag(version));
  if (known !== undefined)
    return void atTurnsEnd(reply, () => reply.status(304).header('etag', known).send());
  const encoding = acceptedEncoding(headers['accept-encoding']);
  const body = bodyCache.get(name, version);
  const bytes = body?.bytes;
  // A cached body is sent in this turn.
  if (bytes && !encoding) return void atTurnsEnd(reply, () => send(tag(version), bytes));
  return sendSlowly(body, encoding);

  function send(tag: string, bytes: Buffer | Readable): never {
    return reply.headers(requested.headers).header('etag', tag).send(bytes) as never;
  }

  async function sendSlowly(body: Body | undefined, encoding: Encoding | undefined): Promise<never> {
    // Only a cached body is compressed: a body that nobody asks for twice is not worth it.
    const encoded = body && encoding && (await bodyCache.encode(name, body, encoding));
    if (encoded) {
      reply.header('content-encoding', encoding);
      return send(encodedTag(tag(version), encoding), encoded);
    }
    const { version: built, bytes } =
      body ?? (await bodyCache.build(name, version, requested.build, goneSignal(reply)));
    if (bytes) return send(tag(built), bytes);
    const { version: streamed, stream } = await requested.stream();
    return send(tag(streamed), stream);
  }
}

/** RFC 9110, 8.8.3.3: a body in another encoding is another representation and needs its own tag. */
const encodedTag = (tag: string, encoding: Encoding) => `${tag.slice(0, -1)}-${encoding}"`;

/**
 * The tag that the client has, if it is one of this body's, in any encoding. RFC 9110, 13.1.2: the header is a list of
 * tags or `*`, and tags are compared weakly.
 */
function matchedTag(header: string, tag: string): string | undefined {
  if (header === tag) return tag;
  const tags = [tag, ...encodings.map(encoding => encodedTag(tag, encoding))];
  for (const candidate of header.split(',')) {
    const text = candidate.trim().replace(/^W\//, '');
    if (text === '*') return tag;
    if (tags.includes(text)) return text;
  }
  return undefined;
}

/** Of the encodings that the client accepts, the one that the server prefers (RFC 9110, 12.5.3). */
function acceptedEncoding(header: string | undefined): Encoding | undefined {
  if (header === undefined) return undefined;
  const accepted = new Map(
    header
      .toLowerCase()
      .split(',')
      .map(part => {
        const [name = '', ...parameters] = part.split(';').map(text => text.trim());
        const refused = parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter));
        return [name, !refused];
      }),
  );
  return encodings.find(encoding => accepted.get(encoding) ?? accepted.get('*'));
}
