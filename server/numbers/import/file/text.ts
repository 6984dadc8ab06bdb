import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { invalid } from '../../../errors.ts';

/* From the bytes of a file to its text: compression, encodings, and files that are no text at all. */

/** Some 270 short rows are read at once, which makes other requests wait for less than a millisecond. */
const pieceBytes = 4_096;
/** The longest beginning that tells what a file is. */
const headBytes = 4;

/** Bytes that are not text in the encoding. `before` is the text before them since the last piece. */
export class NotText extends Error {
  readonly before: string;
  readonly encoding: string;

  constructor(before: string, encoding: string) {
    super(`not ${encoding}`);
    this.before = before;
    this.encoding = encoding;
  }

  /** @param line the line that has the bytes */
  problem(line: number): Error {
    const advice =
      this.encoding === 'UTF-8'
        ? ' Save it as UTF-8 (in Excel: "CSV UTF-8"), or name its encoding: charset=windows-1252 in Content-Type, or --encoding windows-1252 on the command line.'
        : '';
    return invalid(`The file is not ${this.encoding} text: line ${line} has other bytes.${advice}`);
  }
}

/**
 * The text of a file in pieces. gzip is unpacked. A byte order mark says which encoding it is, else `charset`, else it is
 * UTF-8: another encoding would garble names silently.
 * @param charset a name that TextDecoder knows
 * @throws NotText, Problem `invalid_request`
 */
export async function* decode(
  source: AsyncIterable<Uint8Array>,
  charset: string | undefined,
): AsyncGenerator<string> {
  const packed = await peek(source);
  const { head, whole } = startsWith(packed.head, [0x1f, 0x8b]) ? await peek(unpack(packed.whole)) : packed;
  for (const { bytes, problem } of others) if (startsWith(head, bytes)) throw invalid(problem);
  const encoding = encodingOf(head, charset);
  const decoder = decoderOf(encoding);
  for await (const bytes of whole)
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      const piece = bytes.subarray(from, from + pieceBytes);
      yield orNotText(piece, encoding, () => decoder.decode(piece, { stream: true }));
    }
  yield orNotText(new Uint8Array(), encoding, () => decoder.decode());
}

function orNotText(piece: Uint8Array, encoding: string, read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const before = new TextDecoder(encoding).decode(piece).split('\ufffd', 1)[0]!;
    throw new NotText(before, encoding.toUpperCase());
  }
}

const spreadsheet = 'The file is a spreadsheet or an archive: save it as CSV, and import that';
const others = [
  { bytes: [0x50, 0x4b, 0x03, 0x04], problem: spreadsheet },
  { bytes: [0xd0, 0xcf, 0x11, 0xe0], problem: spreadsheet },
  { bytes: [0x25, 0x50, 0x44, 0x46], problem: 'The file is a PDF: import takes CSV and NDJSON' },
];

function encodingOf(head: Uint8Array, charset: string | undefined): string {
  if (startsWith(head, [0xef, 0xbb, 0xbf])) return 'utf-8';
  if (startsWith(head, [0xff, 0xfe])) return 'utf-16le';
  if (startsWith(head, [0xfe, 0xff])) return 'utf-16be';
  if (charset !== undefined) return charset;
  // Two ASCII letters in UTF-16 without a mark.
  const [a, b, c, d] = head;
  if (a && b === 0 && c && d === 0) return 'utf-16le';
  if (a === 0 && b && c === 0 && d) return 'utf-16be';
  return 'utf-8';
}

function decoderOf(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch {
    throw invalid(`The charset ${encoding.slice(0, 40)} is not known: use utf-8, utf-16le or windows-1252`);
  }
}

const startsWith = (bytes: Uint8Array, start: number[]) =>
  start.every((byte, place) => bytes[place] === byte);

/** The first bytes of a source, and all of it, with them. */
async function peek(source: AsyncIterable<Uint8Array>) {
  const rest = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < headBytes) {
    const { done, value } = await rest.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield head;
      for (;;) {
        const { done, value } = await rest.next();
        if (done) return;
        yield value;
      }
    } finally {
      await rest.return?.();
    }
  }
  return { head, whole: whole() };
}

async function* unpack(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unpacked = createGunzip();
  const feeding = pipeline(Readable.from(source), unpacked);
  feeding.catch(() => {}); // the loop throws the same error
  try {
    for await (const bytes of unpacked) yield bytes;
    await feeding;
  } catch (error) {
    if (/^Z_/.test((error as { code?: string }).code ?? ''))
      throw invalid('The file is not whole: its gzip data is broken or ends too early');
    throw error;
  }
}
