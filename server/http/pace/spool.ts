import { randomUUID } from 'node:crypto';
import { close, open, read, unlink, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Room } from './room.ts';

const bytesAtOnce = 65_536;
const encoder = new TextEncoder();

/**
 * Passes the texts of `source` on, and lets the source end at its own pace, since it holds a snapshot and a connection.
 * The source waits for its client for a second in all. From then on, what the client has not taken goes to a file. So the
 * answer of a client that keeps up never touches the disk.
 *
 * The texts stay strings on their way, and all is done with callbacks: numbers/list/list.ts says why.
 * @param source a stream of strings. It is destroyed with the spool.
 * @param room how much of the disk the tenant may use
 */
export function spool(source: Readable, room: Room, tenantId: string): Readable {
  /** Whether the client has asked for more. */
  let wanted = false;
  let sourceEnded = false;
  /** Whether the source has stopped waiting for the client. */
  let spooling = room.patienceMs === 0;
  let waitedMs = 0;
  let waiting: { since: number; timer: NodeJS.Timeout } | undefined;
  /** The text that there was no room for. */
  let held: string | undefined;
  let lastPatience: NodeJS.Timeout | undefined;

  let file: number | undefined;
  let scratch: Uint8Array | undefined;
  let taken = 0;
  let written = 0;
  let given = 0;
  /** What is under way at the file, which is not closed meanwhile. */
  const underWay = { writing: false, reading: false };
  let whenIdle: (() => void) | undefined;

  const spooled = new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      wanted = true;
      // Nothing comes before it is wanted for the first time. A source without this listener stands still.
      if (source.listenerCount('data') === 0) source.on('data', pass);
      serve();
    },
    destroy(error, destroyed) {
      source.destroy();
      clearTimeout(waiting?.timer);
      clearTimeout(lastPatience);
      whenIdle = () => {
        room.giveBack(tenantId, taken);
        if (file === undefined) destroyed(error);
        else close(file, failed => destroyed(error ?? failed));
      };
      closeIfIdle();
    },
  });
  source.on('error', error => spooled.destroy(error));
  source.on('end', () => {
    sourceEnded = true;
    clearTimeout(lastPatience);
    serve();
  });
  return spooled;

  /** Finds a place for a text of the source, which pauses meanwhile. */
  function pass(text: string): void {
    const isNext = wanted && given === written;
    if (isNext) give(text);
    if (isNext && (wanted || spooling)) return;
    source.pause();
    if (isNext) waitForClient();
    else append(text);
  }

  function give(piece: string | Buffer): void {
    wanted = false;
    spooled.push(piece);
  }

  /** Gives the client what comes next, or lets the source go on. */
  function serve(): void {
    if (!wanted || underWay.reading || spooled.destroyed) return;
    if (given < written) readFile();
    else if (!underWay.writing) giveNext();
  }

  function giveNext(): void {
    if (held !== undefined) {
      const text = held;
      held = undefined;
      give(text);
    } else if (sourceEnded) spooled.push(null);
    goOn();
  }

  function waitForClient(): void {
    const timer = setTimeout(
      () => {
        spooling = true;
        goOn();
      },
      Math.max(0, room.patienceMs - waitedMs),
    );
    waiting = { since: performance.now(), timer };
  }

  function goOn(): void {
    if (waiting) {
      clearTimeout(waiting.timer);
      waitedMs += performance.now() - waiting.since;
      waiting = undefined;
    }
    source.resume();
  }

  /** Puts a text at the end of the file. */
  function append(text: string): void {
    underWay.writing = true;
    if (file === undefined) openFile(() => encode(text));
    else encode(text);
  }

  function openFile(opened: () => void): void {
    const path = join(tmpdir(), `linekeeper-${randomUUID()}`);
    open(path, 'wx+', 0o600, (error, descriptor) => {
      if (error) return fail('writing', error);
      file = descriptor;
      // A file without a name is gone with this process, however that ends.
      unlink(path, error => (error ? fail('writing', error) : opened()));
    });
  }

  function encode(text: string): void {
    if (text === '' || spooled.destroyed) {
      done('writing');
      serve();
      goOn();
      return;
    }
    scratch ??= new Uint8Array(bytesAtOnce);
    const { read: characters, written: bytes } = encoder.encodeInto(text, scratch);
    if (room.take(tenantId, bytes)) {
      taken += bytes;
      writeFile(0, bytes, text.slice(characters));
    } else {
      // Now the source has to wait for its client. It must not do so for long.
      held = text;
      lastPatience ??= setTimeout(
        () =>
          spooled.destroy(
            new Error('The client is slow, and all room on the disk for such answers is in use'),
          ),
        room.lastPatienceMs,
      );
      done('writing');
      serve();
    }
  }

  function writeFile(from: number, to: number, rest: string): void {
    write(file!, scratch!, from, to - from, written, (error, bytes) => {
      if (error) return fail('writing', error);
      written += bytes;
      if (from + bytes < to) writeFile(from + bytes, to, rest);
      else encode(rest);
    });
  }

  function readFile(): void {
    underWay.reading = true;
    const buffer = Buffer.allocUnsafeSlow(Math.min(bytesAtOnce, written - given));
    read(file!, buffer, 0, buffer.length, given, (error, bytes) => {
      if (error) return fail('reading', error);
      given += bytes;
      done('reading');
      if (!spooled.destroyed) give(buffer.subarray(0, bytes));
    });
  }

  function fail(what: keyof typeof underWay, error: Error): void {
    spooled.destroy(error);
    done(what);
  }

  function done(what: keyof typeof underWay): void {
    underWay[what] = false;
    closeIfIdle();
  }

  /** Closes the file if it is to be closed and nothing is under way at it. */
  function closeIfIdle(): void {
    if (underWay.writing || underWay.reading) return;
    whenIdle?.();
    whenIdle = undefined;
  }
}
