import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import { LRUCache } from 'lru-cache';

/** The body of a reply. */
export type Body = {
  /** Two bodies with one name and version have the same bytes. */
  version: string;
  /** Undefined: the body is too long to be built in memory. It is streamed instead. */
  bytes: Buffer | undefined;
};

export const encodings = ['zstd', 'br', 'gzip'] as const;
export type Encoding = (typeof encodings)[number];

type Entry = Body & { size: number; encoded: Map<Encoding, Promise<Buffer | undefined>> };

/** A build that is under way. */
type Build = {
  body: Promise<Body>;
  /** Notes that one more request waits for it, until `gone`. */
  join(gone: AbortSignal | undefined): void;
};

export type BodyCache = ReturnType<typeof createBodyCache>;

type Compress = (bytes: Buffer, encoding: Encoding) => Promise<Buffer | undefined>;

/** The rough cost of an entry, beside its bytes. */
const entryBytes = 500;
/** A shorter body fits into a packet or two in any encoding. */
const encodedBytesMin = 2000;

/**
 * Caches bodies as bytes, one for each name. Each request looks up the current version first, then asks for a body of
 * that version and gets it or a later one. So the cache needs no invalidation: nobody asks for a stale version.
 * @param bytesMax the size of the cache; the least recently used entry is evicted first
 * @param compress returns undefined if compression is not worth it
 */
export function createBodyCache(bytesMax: number, compress: Compress = compressWell) {
  const cache = new LRUCache<string, Entry>({ maxSize: bytesMax, sizeCalculation: ({ size }) => size });
  const builds = new Map<string, Build>();

  function set(name: string, body: Body): void {
    const size = entryBytes + name.length + (body.bytes?.length ?? 0);
    // One body must not evict all others.
    if (size < bytesMax / 8) cache.set(name, { ...body, size, encoded: new Map() });
  }

  function begin(name: string, build: (abandoned: AbortSignal) => Promise<Body>): Build {
    const abandoned = new AbortController();
    let waiting = 0;
    const end = () => {
      if (builds.get(name) === started) builds.delete(name);
    };
    const started: Build = {
      body: build(abandoned.signal)
        .then(body => {
          set(name, body);
          return body;
        })
        .finally(end),
      join(gone) {
        waiting++;
        const leave = () => {
          if (--waiting > 0) return;
          // A request that comes now must not get what becomes of a build that is given up.
          end();
          abandoned.abort();
        };
        if (gone?.aborted) leave();
        else gone?.addEventListener('abort', leave);
      },
    };
    builds.set(name, started);
    return started;
  }

  return {
    /** The version in the cache, current or stale. */
    cachedVersion: (name: string): string | undefined => cache.peek(name)?.version,

    /** Caches a body that was built elsewhere. */
    set,

    /** The cached body, if it has this version. */
    get(name: string, version: string): Body | undefined {
      const entry = cache.get(name);
      return entry?.version === version ? entry : undefined;
    },

    /**
     * Builds the body, once for all requests that wait for it.
     * @param build is told when all of these have gone
     * @param gone aborts when this request has
     */
    async build(
      name: string,
      version: string,
      build: (abandoned: AbortSignal) => Promise<Body>,
      gone?: AbortSignal,
    ): Promise<Body> {
      const wait = (started: Build) => {
        started.join(gone);
        return started.body;
      };
      // A build that is already running may have read an older version. A build that begins now cannot.
      const running = builds.get(name);
      const earlier = running && (await wait(running));
      return earlier?.version === version ? earlier : wait(builds.get(name) ?? begin(name, build));
    },

    /** Compresses a cached body and caches the result with it. Undefined if compression is not worth it, or fails. */
    async encode(name: string, { version, bytes }: Body, encoding: Encoding): Promise<Buffer | undefined> {
      const entry = cache.get(name);
      if (entry?.version !== version || !bytes || bytes.length < encodedBytesMin) return undefined;
      let encoded = entry.encoded.get(encoding);
      if (!encoded) {
        encoded = compress(bytes, encoding).then(
          result => {
            if (!result) return undefined;
            entry.size += result.length;
            if (cache.peek(name) !== entry) return result;
            // Delete it first: the cache keeps the old size of an entry that is set over itself.
            cache.delete(name);
            cache.set(name, entry);
            return result;
          },
          // It may have been out of memory. The body goes as it is, and the next request compresses again.
          () => void entry.encoded.delete(encoding),
        );
        entry.encoded.set(encoding, encoded);
      }
      return encoded;
    },
  };
}

const compressors = {
  zstd: promisify(zstdCompress),
  // The highest qualities take a hundred times as long and save only a tenth of the size.
  br: (bytes: Buffer) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: promisify(gzip) as (bytes: Buffer) => Promise<Buffer>,
};

async function compressWell(bytes: Buffer, encoding: Encoding): Promise<Buffer | undefined> {
  const compressed = await compressors[encoding](bytes);
  return compressed.length < bytes.length * 0.9 ? compressed : undefined;
}
