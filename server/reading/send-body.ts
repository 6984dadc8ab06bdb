import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { atTurnsEnd } from './at-turns-end.ts';
import { type Body, type BodyCache, type Encoding, encodings } from './body-cache.ts';

/** A body that somebody asks for. */
export type RequestedBody = {
  /** Tells it from every other body that there is. */
  name: string;
  /** The version that is right, found out after the request had come. */
  version: string;
  /** `content-type`, and what else is said of it when it is sent. */
  headers: Record<string, string>;
  /** Its `ETag` at a version, without the encoding that it is sent in. */
  tag(version: string): string;
  /** Makes it; without bytes if it is too long for that. */
  build(): Promise<Body>;
  /** Makes it in pieces. */
  stream(): Promise<{ version: string; stream: Readable }>;
};

/** A client that takes nothing for so long has gone, whatever its connection says. */
const stalledMsMax = 60_000;

/** Answers with a body of the wanted version or of a later one, or with 304 if the client has it. */
export function sendBody(
  bodyCache: BodyCache,
  request: FastifyRequest,
  reply: FastifyReply,
  wanted: RequestedBody,
): undefined | Promise<never> {
  const { name, version, tag } = wanted;
  const headers = request.headers;
  // Revalidated at every use: a change must be seen by the very next request.
  reply.header('cache-control', 'private, no-cache').header('vary', 'accept, accept-encoding');
  const asked = headers['if-none-match'];
  const known = asked === undefined ? undefined : matchedTag(asked, tag(version));
  if (known !== undefined) return void atTurnsEnd(() => reply.status(304).header('etag', known).send());
  const encoding = acceptedEncoding(headers['accept-encoding']);
  const body = bodyCache.get(name, version);
  const bytes = body?.bytes;
  // What is at hand is sent in this turn.
  if (bytes && !encoding) return void atTurnsEnd(() => send(tag(version), bytes));
  return sendSlowly(body, encoding);

  function send(tag: string, bytes: Buffer | Readable): never {
    return reply.headers(wanted.headers).header('etag', tag).send(bytes) as never;
  }

  async function sendSlowly(body: Body | undefined, encoding: Encoding | undefined): Promise<never> {
    // A body that nobody asks for twice is not worth compressing.
    const encoded = body && encoding && (await bodyCache.encode(name, body, encoding));
    if (encoded) {
      reply.header('content-encoding', encoding);
      return send(encodedTag(tag(version), encoding), encoded);
    }
    const { version: built, bytes } = body ?? (await bodyCache.build(name, version, wanted.build));
    if (bytes) return send(tag(built), bytes);
    const { version: streamed, stream } = await wanted.stream();
    reply.raw.setTimeout(stalledMsMax);
    return send(tag(streamed), stream);
  }
}

/** RFC 9110, 8.8.3.3: the same body in another encoding is another representation, and has a tag of its own. */
const encodedTag = (tag: string, encoding: Encoding) => `${tag.slice(0, -1)}-${encoding}"`;

/**
 * Which tag of a body, in whatever encoding, the client knows (RFC 9110, 13.1.2: a list of tags or `*`, compared
 * weakly); undefined if none.
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

/** The encoding that the server likes best of those that a client accepts (RFC 9110, 12.5.3). */
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
