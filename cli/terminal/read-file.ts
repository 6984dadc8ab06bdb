import { open } from 'node:fs/promises';
import { Failure } from './failure.ts';
import { showProgress } from './progress.ts';

export type InputFile = { pieces: AsyncIterable<Uint8Array>; close(): void };

/** Opens a file, or stdin for `-`, and shows how much of it has been read. */
export async function openInput(file: string): Promise<InputFile> {
  const { stream, size } = file === '-' ? { stream: process.stdin, size: undefined } : await openFile(file);
  const progress = await showProgress(size);

  async function* read() {
    try {
      for await (const piece of stream as AsyncIterable<Uint8Array>) {
        yield piece;
        progress.advance(piece.length);
      }
    } catch (error) {
      throw unreadable(file, error);
    }
  }

  return {
    pieces: read(),
    close() {
      progress.stop();
      // The server may have answered before it read everything.
      stream.destroy();
    },
  };
}

/** The whole of a file that is not long. */
export async function readText(file: string): Promise<string> {
  const input = await openInput(file);
  try {
    return Buffer.concat(await Array.fromAsync(input.pieces)).toString();
  } finally {
    input.close();
  }
}

async function openFile(file: string) {
  try {
    const handle = await open(file);
    const stat = await handle.stat();
    if (stat.isDirectory()) throw new Error('it is a folder');
    // A pipe has no size: `<(zcat numbers.csv.gz)`.
    const size = stat.isFile() ? stat.size : undefined;
    return { stream: handle.createReadStream({ highWaterMark: 262_144 }), size };
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException;
  return new Failure(`${file} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : message}`);
}
