import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import { LRUCache } from 'lru-cache';

/** A body as it is sent. */
export type Body = {
  /** What it was made from: two bodies of one name and version have the same bytes. */
  version: string;
  /** Undefined: too long to be built at once, and so to be kept. */
  bytes: Buffer | undefined;
};

export const encodings = ['zstd', 'br', 'gzip'] as const;
export type Encoding = (typeof encodings)[number];

type Entry = Body & { size: number; encoded: Map<Encoding, Promise<Buffer | undefined>> };

export type BodyCache = ReturnType<typeof createBodyCache>;

/** What an entry costs beside its bytes, more or less. */
const entryBytes = 500;
/** Shorter than this, a body fits into one packet or two in any encoding. */
const encodedBytesMin = 2000;

/**
 * Bodies that are kept as bytes, one of each name. Whoever asks for one knows which version is right now, having found
 * that out after the request had come, and gets that one or a later one. So nobody has to be told when a body is out of
 * date: nobody asks for it any more.
 * @param bytesMax how much is kept; what was not asked for the longest goes first
 */
export function createBodyCache(bytesMax: number) {
  const cache = new LRUCache<string, Entry>({ maxSize: bytesMax, sizeCalculation: ({ size }) => size });
  const builds = new Map<string, Promise<Body>>();

  function set(name: string, body: Body): void {
    const size = entryBytes + name.length + (body.bytes?.length ?? 0);
    // One body must not drive all others out.
    if (size < bytesMax / 8) cache.set(name, { ...body, size, encoded: new Map() });
  }

  function begin(name: string, build: () => Promise<Body>): Promise<Body> {
    const building = build()
      .then(body => {
        set(name, body);
        return body;
      })
      .finally(() => builds.delete(name));
    builds.set(name, building);
    return building;
  }

  return {
    /** The version that is at hand, right or not. */
    cachedVersion: (name: string): string | undefined => cache.peek(name)?.version,

    /** Keeps a body that was built already. */
    set,

    /** The body if it is at hand. */
    get(name: string, version: string): Body | undefined {
      const body = cache.get(name);
      return body?.version === version ? body : undefined;
    },

    /** Builds the body, once for all who wait for it. */
    async build(name: string, version: string, build: () => Promise<Body>): Promise<Body> {
      // What has begun already may have looked before this version was there; what begins from now on has not.
      const earlier = await builds.get(name);
      return earlier?.version === version ? earlier : (builds.get(name) ?? begin(name, build));
    },

    /** The bytes of a body that is at hand, encoded and kept beside them; undefined if that is not worth it. */
    async encode(name: string, { version, bytes }: Body, encoding: Encoding): Promise<Buffer | undefined> {
      const body = cache.get(name);
      if (body?.version !== version || !bytes || bytes.length < encodedBytesMin) return undefined;
      let encoded = body.encoded.get(encoding);
      if (!encoded) {
        encoded = compress(bytes, encoding).then(result => {
          if (!result) return undefined;
          body.size += result.length;
          if (cache.peek(name) !== body) return result;
          // Set over itself, it would count with the size that it had.
          cache.delete(name);
          cache.set(name, body);
          return result;
        });
        body.encoded.set(encoding, encoded);
      }
      return encoded;
    },
  };
}

const compressors = {
  zstd: promisify(zstdCompress),
  // The highest qualities take a hundred times as long for a tenth of the size.
  br: (bytes: Buffer) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: promisify(gzip) as (bytes: Buffer) => Promise<Buffer>,
};

async function compress(bytes: Buffer, encoding: Encoding): Promise<Buffer | undefined> {
  const compressed = await compressors[encoding](bytes);
  return compressed.length < bytes.length * 0.9 ? compressed : undefined;
}
