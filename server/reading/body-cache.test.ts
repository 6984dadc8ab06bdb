import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { fuzzing } from '../testing/runs.ts';
import { type Body, createBodyCache, type Encoding, encodings } from './body-cache.ts';

const roomy = 1_000_000;
/** Text that compresses to about half. */
const textOf = (name: string, version: number, length: number) =>
  Array.from({ length: Math.ceil(length / 64) }, (_, index) =>
    createHash('sha256').update(`${name} ${version} ${index}`).digest('hex'),
  )
    .join('')
    .slice(0, length);

const names = ['a', 'b'] as const;
const name = fc.constantFrom(...names);
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ step: fc.constant('ask' as const), name }) },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('change' as const), name }) },
    { weight: 3, arbitrary: fc.record({ step: fc.constant('look' as const), name }) },
    { weight: 3, arbitrary: fc.record({ step: fc.constant('finish' as const), name }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constant('fail' as const), name }) },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('turn' as const), name }) },
  ),
  { maxLength: 80 },
);

/** A build that the test drives: first it reads the version, later it ends with the body. */
type Build = {
  name: string;
  seen: number | undefined;
  end: PromiseWithResolvers<Body>;
  state: 'running' | 'ending' | 'gone';
};
type Asked = { name: string; version: number; from: number; to: number; outcome: Promise<Body | string> };

test('a body is never older than the version asked for, and one build serves all requests that wait', () =>
  fc.assert(
    fc.asyncProperty(steps, async plan => {
      const bodyCache = createBodyCache(roomy);
      const versions: Record<string, number> = { a: 1, b: 1 };
      const builds: Build[] = [];
      const asked: Asked[] = [];
      const running = (name: string) =>
        builds.find(build => build.state === 'running' && build.name === name);
      // The cache learns that a build has ended only when the turn ends. Until then requests may wait for it.
      const turn = async () => {
        await nextTurn();
        for (const build of builds) if (build.state === 'ending') build.state = 'gone';
      };

      function begin(name: string): Promise<Body> {
        assert(!running(name), 'two builds of one body at once');
        const build: Build = {
          name,
          seen: undefined,
          end: Promise.withResolvers<Body>(),
          state: 'running' as const,
        };
        builds.push(build);
        return build.end.promise;
      }
      function ask(name: string): void {
        const version = versions[name]!;
        const from = builds.findIndex(build => build.state !== 'gone' && build.name === name);
        const wanted = { name, version, from: from < 0 ? builds.length : from, to: builds.length };
        const known = bodyCache.get(name, String(version));
        const body = known ?? bodyCache.build(name, String(version), () => begin(name));
        const outcome = Promise.resolve(body).catch(String);
        asked.push({ ...wanted, outcome: outcome.finally(() => (asked[place]!.to = builds.length)) });
        const place = asked.length - 1;
      }
      function finish(build: Build): void {
        build.seen ??= versions[build.name]!;
        build.state = 'ending';
        const bytes = Buffer.from(textOf(build.name, build.seen, 100));
        build.end.resolve({ version: String(build.seen), bytes });
      }
      for (const { step, name } of plan) {
        const build = running(name);
        if (step === 'ask') ask(name);
        else if (step === 'change') versions[name]!++;
        else if (step === 'turn') await turn();
        else if (build && step === 'look') build.seen ??= versions[name];
        else if (build && step === 'finish') finish(build);
        else if (build && step === 'fail') {
          build.state = 'ending';
          build.end.reject(`build ${builds.indexOf(build)} failed`);
        }
      }
      for (let left = 0; left < 4; left++) {
        await turn();
        for (const build of builds) if (build.state === 'running') finish(build);
      }
      for (const { name, version, from, to, outcome } of asked) {
        const body = await outcome;
        if (typeof body === 'string') {
          const failed = Number(/^build (\d+) failed$/.exec(body)![1]);
          assert(failed >= from && failed < to, `it failed with a build that it did not wait for: ${body}`);
          assert.equal(builds[failed]!.name, name);
          continue;
        }
        assert(Number(body.version) >= version, `version ${body.version} for a request of ${version}`);
        assert.equal(String(body.bytes), textOf(name, Number(body.version), 100));
      }
      for (const name of names) {
        // A failure is not cached: the next request gets the body.
        ask(name);
        await turn();
        const build = running(name);
        if (build) finish(build);
        const last = (await asked.at(-1)!.outcome) as Body;
        assert.equal(last.version, String(versions[name]));
        assert.equal(bodyCache.get(name, last.version)?.bytes, last.bytes);
        assert.equal(bodyCache.get(name, String(versions[name]! + 1)), undefined);
      }
    }),
    fuzzing(500),
  ));

test('the version being built and the next one are built once each, for any number of requests', async () => {
  const bodyCache = createBodyCache(roomy);
  const ends: PromiseWithResolvers<Body>[] = [];
  const build = () => {
    const end = Promise.withResolvers<Body>();
    ends.push(end);
    return end.promise;
  };
  const early = Array.from({ length: 20 }, () => bodyCache.build('a', '1', build));
  await nextTurn();
  const late = Array.from({ length: 20 }, () => bodyCache.build('a', '2', build));
  await nextTurn();
  assert.equal(ends.length, 1);
  ends[0]!.resolve({ version: '1', bytes: Buffer.from('one') });
  for (const body of await Promise.all(early)) assert.equal(String(body.bytes), 'one');
  await nextTurn();
  assert.equal(ends.length, 2);
  ends[1]!.resolve({ version: '2', bytes: Buffer.from('two') });
  for (const body of await Promise.all(late)) assert.equal(String(body.bytes), 'two');
  assert.equal(ends.length, 2);
});

test('a compression that fails is not cached: its request gets the body as it is, and the next one tries again', async () => {
  const bytes = Buffer.from(textOf('a', 1, 4000));
  const smaller = Buffer.from('smaller');
  let tries = 0;
  const bodyCache = createBodyCache(roomy, async () => {
    if (++tries === 1) throw new Error('no memory');
    return smaller;
  });
  const body = await bodyCache.build('a', '1', async () => ({ version: '1', bytes }));
  assert.deepEqual(
    await Promise.all([bodyCache.encode('a', body, 'gzip'), bodyCache.encode('a', body, 'gzip')]),
    [undefined, undefined],
  );
  assert.equal(await bodyCache.encode('a', body, 'gzip'), smaller);
  assert.equal(await bodyCache.encode('a', body, 'gzip'), smaller);
  assert.equal(tries, 2);
});

/** Some bodies are empty, some short, some too long for the cache. */
const lengthOf = (name: number, version: number) =>
  [0, 1500, 2500, 4000, 6000, 7300, 7600, 40_000][(name + 3 * version) % 8]!;

test('cached bytes, encoded ones included, stay within the size of the cache', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ name: fc.nat(40), version: fc.nat(2), encode: fc.subarray([...encodings]) }), {
        minLength: 20,
        maxLength: 80,
      }),
      async all => {
        const bytesMax = 64_000;
        const bodyCache = createBodyCache(bytesMax);
        const encoded = new Map<Body, Map<Encoding, Buffer>>();
        const known = new Map<string, [name: string, version: string]>();
        for (const { name: number, version: at, encode } of all) {
          const [name, version] = [String(number), String(at)];
          const bytes = Buffer.from(textOf(name, at, lengthOf(number, at)));
          const body =
            bodyCache.get(name, version) ??
            (await bodyCache.build(name, version, async () => ({ version, bytes })));
          known.set(`${name} ${version}`, [name, version]);
          for (const encoding of encode) {
            const result = await bodyCache.encode(name, body, encoding);
            const cached = bodyCache.get(name, version);
            if (!result || !cached) continue;
            assert(result.length < bytes.length);
            encoded.set(cached, (encoded.get(cached) ?? new Map()).set(encoding, result));
          }
          let total = 0;
          for (const place of known.values()) {
            const cached = bodyCache.get(...place);
            if (!cached) continue;
            total += cached.bytes!.length;
            assert(cached.bytes!.length < bytesMax / 8, 'one body takes the room of many');
            for (const result of encoded.get(cached)?.values() ?? []) total += result.length;
          }
          assert(total <= bytesMax, `${total} bytes are cached`);
        }
        const last = all.at(-1)!;
        const fits = lengthOf(last.name, last.version) <= 7300;
        assert.equal(bodyCache.get(String(last.name), String(last.version)) !== undefined, fits);
      },
    ),
    fuzzing(30),
  ));

test('a build ends when all who wait for it have gone, and not before', async () => {
  const bodyCache = createBodyCache(100_000);
  const builds: { abandoned: AbortSignal; finish: (body: Body) => void }[] = [];
  const build = (abandoned: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<Body>();
    abandoned.addEventListener('abort', () => reject(new Error('abandoned')));
    builds.push({ abandoned, finish: resolve });
    return promise;
  };
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = [first, second].map(({ signal }) => bodyCache.build('a', '1', build, signal));
  await new Promise(setImmediate);
  assert.equal(builds.length, 1);
  first.abort();
  assert.equal(builds[0]!.abandoned.aborted, false);
  second.abort();
  assert.equal(builds[0]!.abandoned.aborted, true);
  // Who comes now begins another one.
  const later = bodyCache.build('a', '1', build, new AbortController().signal);
  await Promise.allSettled(waiting);
  await new Promise(setImmediate);
  assert.equal(builds.length, 2);
  const body = { version: '1', bytes: Buffer.from('a') };
  builds[1]!.finish(body);
  assert.equal(await later, body);
});
