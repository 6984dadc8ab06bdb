import { open } from 'node:fs/promises';
import { Failure } from './failure.ts';
import { showProgress } from './progress.ts';

/** A file on its way to the server. */
export type Upload = { source: AsyncIterable<Uint8Array>; close(): void };

/** Opens a file, or stdin for `-`, to be read while its progress is shown. */
export async function openUpload(file: string): Promise<Upload> {
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
    source: read(),
    close() {
      progress.stop();
      // The server may have answered before it had read everything.
      stream.destroy();
    },
  };
}

/** The same as one text, for what is not long. */
export async function readWhole(file: string): Promise<string> {
  const upload = await openUpload(file);
  try {
    return Buffer.concat(await Array.fromAsync(upload.source)).toString();
  } finally {
    upload.close();
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
