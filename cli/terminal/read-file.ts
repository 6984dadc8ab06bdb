import { open } from 'node:fs/promises';
import { Failure } from './failure.ts';
import { showProgress } from './progress.ts';

export type InputFile = { pieces: AsyncIterable<Uint8Array>; close(): void };

/** A line of a file that is not empty, and its place in the file, from 1. */
export type Line = { text: string; line: number };

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

/** The whole of a file that is not long. It must be text. */
export async function readText(file: string): Promise<string> {
  return (await Array.fromAsync(textOf(file, true))).join('');
}

/** The lines of a file of any length, without the blanks around them. */
export async function* linesOf(file: string): AsyncGenerator<Line> {
  let line = 0;
  let rest = '';
  for await (const piece of textOf(file, false)) {
    const text = rest + piece;
    // A line feed that ends the line of this carriage return may come with the next piece.
    const end = text.endsWith('\r') ? text.length - 1 : text.length;
    const parts = text.slice(0, end).split(lineEnd);
    rest = parts.pop()! + text.slice(end);
    for (const part of parts) {
      line++;
      if (part.trim()) yield { text: part.trim(), line };
    }
  }
  if (rest.trim()) yield { text: rest.trim(), line: line + 1 };
}

/** Lines end as on Unix, on Windows, or as old spreadsheets end them. */
export const lineEnd = /\r\n|\n|\r/;

/**
 * A file as text: UTF-8, or UTF-16 as spreadsheets write it, without a byte order mark.
 * @param strict whether a file that is neither is a failure; otherwise its characters are replaced
 */
async function* textOf(file: string, strict: boolean): AsyncGenerator<string> {
  const input = await openInput(file);
  let decoder: TextDecoder | undefined;
  let begin = Buffer.alloc(0);
  try {
    for await (const piece of input.pieces) {
      let bytes: Uint8Array = piece;
      if (!decoder) {
        begin = Buffer.concat([begin, piece]);
        if (begin.length < 4) continue;
        decoder = new TextDecoder(encodingOf(begin), { fatal: strict });
        bytes = begin;
      }
      yield decoder.decode(bytes, { stream: true });
    }
    yield decoder ? decoder.decode() : new TextDecoder(encodingOf(begin), { fatal: strict }).decode(begin);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    throw new Failure(`${file} is not text in UTF-8 or UTF-16: save it as UTF-8`);
  } finally {
    input.close();
  }
}

/** By the byte order mark, or by the zeros that UTF-16 has for the first characters of any file of ours. */
function encodingOf(begin: Buffer): string {
  const [first, second] = begin;
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0 && begin.length > 1))
    return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0 && begin.length > 1))
    return 'utf-16be';
  return 'utf-8';
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
