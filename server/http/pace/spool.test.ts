import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { fuzzing } from '../../testing/runs.ts';
import { createRoom, type RoomOptions } from './room.ts';
import { spool } from './spool.ts';

let folder: string;
const { TMPDIR } = process.env;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lk-spool-'));
  process.env.TMPDIR = folder;
});
after(async () => {
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
  await rm(folder, { recursive: true });
});

const hour = 3_600_000;
const plenty: RoomOptions = { total: 1e9, each: 1e9, patienceMs: 0, lastPatienceMs: hour };
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve));
};

/** The spools' files that are open or have a name. Linux names the open files of a process. */
function files(): string[] {
  const open =
    process.platform !== 'linux'
      ? []
      : readdirSync('/proc/self/fd').flatMap(file => {
          try {
            return [readlinkSync(`/proc/self/fd/${file}`)];
          } catch {
            return [];
          }
        });
  return [...open.filter(path => path.startsWith(join(folder, 'linekeeper-'))), ...readdirSync(folder)];
}

/** Takes a piece, and then nothing for so many turns of the event loop. */
const clientOf = (pauses: number[], took: (text: Buffer) => void) => {
  let piece = 0;
  return new Writable({
    highWaterMark: 1000,
    write(bytes, _encoding, done) {
      took(bytes);
      void turns(pauses[piece++ % pauses.length]!).then(() => done());
    },
  });
};

test('whatever the sizes and pauses, the client has all of it in order, or nothing of it is left', async () => {
  const size = fc.oneof(fc.nat(100), fc.nat(5000), fc.integer({ min: 60_000, max: 140_000 }));
  const letter = fc.constantFrom('a', 'é', '—', '😀', 'a😀');
  const answer = fc.record({
    pieces: fc.array(fc.tuple(size, letter), { maxLength: 12 }),
    sourcePauses: fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
    clientPauses: fc.array(fc.nat(40), { minLength: 1, maxLength: 5 }),
    patienceMs: fc.constantFrom(0, 0, 1, hour),
    each: fc.constantFrom(0, 10_000, 200_000, 1e9),
    goneAfter: fc.option(fc.nat(60), { nil: undefined }),
  });
  const property = fc.asyncProperty(
    answer,
    async ({ pieces, sourcePauses, clientPauses, goneAfter, ...more }) => {
      const { patienceMs, each } = more;
      const texts = pieces.map(([length, letters], index) => `${index}${letters.repeat(length)}`);
      const room = createRoom({ ...plenty, patienceMs, each });
      const source = Readable.from(
        (async function* () {
          for (const [index, text] of texts.entries()) {
            await turns(sourcePauses[index % sourcePauses.length]!);
            yield text;
          }
        })(),
      );
      const taken: Buffer[] = [];
      const spooled = spool(source, room, 'a');
      const closed = Promise.all([once(spooled, 'close'), once(source, 'close')]);
      const client = clientOf(clientPauses, bytes => taken.push(bytes));
      spooled.pipe(client);
      if (goneAfter === undefined) await once(client, 'finish');
      else await turns(goneAfter).then(() => spooled.destroy());
      await closed;
      const whole = Buffer.from(texts.join(''));
      const bytes = Buffer.concat(taken);
      if (goneAfter === undefined) assert.equal(bytes.compare(whole), 0);
      else assert.equal(bytes.compare(whole.subarray(0, bytes.length)), 0);
      assert.deepEqual(files(), []);
      // All of the room has been given back.
      assert.equal(room.take('a', each + 1), false);
      assert.ok(room.take('a', each));
    },
  );
  await fc.assert(property, fuzzing(150));
});

const three = ['a', 'b', 'c'].map(letter => letter.repeat(100_000));

test('a source ends although nobody reads', async () => {
  const source = Readable.from(three);
  const spooled = spool(source, createRoom(plenty), 'a');
  spooled.read(0);
  await once(source, 'close');
  assert.equal(files().length > 0, process.platform === 'linux');
  assert.deepEqual(readdirSync(folder), []);
  const text = Buffer.concat((await spooled.toArray()).map(piece => Buffer.from(piece)));
  assert.equal(text.toString(), three.join(''));
});

test('a client that keeps up has no file', async () => {
  const room = createRoom({ ...plenty, patienceMs: hour, each: 0 });
  assert.equal((await spool(Readable.from(three), room, 'a').toArray()).join(''), three.join(''));
});

test('without room a source waits for its client for a while, and then the answer ends', async () => {
  const room = createRoom({ ...plenty, each: 150_000, lastPatienceMs: 1 });
  const [source, other] = [Readable.from([...three, ...three]), Readable.from(three)];
  const spooled = spool(source, room, 'a');
  // The room of another tenant is another one.
  spool(other, createRoom(plenty), 'b').destroy();
  const closed = new Promise(resolve => spooled.once('close', resolve));
  spooled.read(0);
  const [error] = await once(spooled, 'error');
  assert.match(error.message, /all room on the disk .* in use$/);
  assert.equal(source.destroyed, true);
  await closed;
  assert.deepEqual(files(), []);
  assert.ok(room.take('a', 150_000));
});

test('room is shared among tenants', () => {
  const room = createRoom({ total: 100, each: 60 });
  assert.ok(room.take('a', 60));
  assert.equal(room.take('a', 1), false);
  assert.equal(room.take('b', 41), false);
  assert.ok(room.take('b', 40));
  room.giveBack('a', 60);
  assert.ok(room.take('c', 60));
});

test('a folder in which nothing can be written ends the answer alone', async () => {
  process.env.TMPDIR = join(folder, 'nowhere');
  const source = Readable.from(three);
  const spooled = spool(source, createRoom(plenty), 'a');
  spooled.read(0);
  const [error] = await once(spooled, 'error');
  process.env.TMPDIR = folder;
  assert.equal(error.code, 'ENOENT');
  assert.equal(source.destroyed, true);
});

test('a disk that is full ends the answer alone', async () => {
  // A bound on the size of a file is an error of the write, as a full disk is.
  const script = `
    import { once } from 'node:events';
    import { Readable } from 'node:stream';
    import { spool } from '${join(import.meta.dirname, 'spool.ts')}';
    import { createRoom } from '${join(import.meta.dirname, 'room.ts')}';
    const room = createRoom(${JSON.stringify(plenty)});
    const spooled = spool(Readable.from(Array(10).fill('x'.repeat(50_000))), room, 'a');
    spooled.read(0);
    const [[error]] = await Promise.all([once(spooled, 'error'), new Promise(end => spooled.once('close', end))]);
    console.log(error.code, room.take('a', ${plenty.each}));`;
  const command = `ulimit -f 100; exec "$0" --input-type=module -e "$1"`;
  const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, script]);
  assert.equal(stdout, 'EFBIG true\n');
});
