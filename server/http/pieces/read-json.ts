import { invalid, Problem } from '../../errors.ts';
import { giveWay, mustGiveWay } from './turns.ts';

/** Text of this length is parsed at once, in a millisecond or two. */
export const runBytes = 65_536;
/** No element of a list of ours, and no field beside a list, is as long. */
const partBytesMax = 262_144;
/** No body of ours has as many fields. */
const fieldsMax = 100;
const depthMax = 20;
/** The most values in a body: 10,000 items of a bulk request with 60 fields each have fewer. */
const valuesMax = 700_000;

const tooMany = `The body has more than ${valuesMax.toLocaleString('en-US')} values`;

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Parses a part of a body. It refuses names such as `__proto__`.
 * @param list where the part is, if it is a run of elements of a list
 */
export type ParsePart = (json: string, list?: Place) => unknown;

type Place = { name: string; index: number };

/** The name of a field of a run, such as `[0].tags`, as a field of the body. */
export const inList = (field: string, list: Place | undefined): string =>
  list ? field.replace(/^\[(\d+)\]/, (_, index) => `${list.name}[${list.index + Number(index)}]`) : field;

/**
 * Parses a long body: an object, whose lists are read in runs of elements. Refuses it at the first element too many.
 * @param itemsMax how many elements a list of the object may have
 * @throws Problem body_invalid, invalid_request; SyntaxError
 */
export async function readJson(
  bytes: Buffer,
  parse: ParsePart,
  itemsMax: (name: string) => number | undefined,
): Promise<Record<string, unknown>> {
  const body: Record<string, unknown> = {};
  const scanner = new Scanner(bytes);
  if (scanner.next() !== openObject) throw invalid('the body must be an object');
  scanner.depth = 1;
  for (let fields = 0; ; fields++) {
    const char = scanner.next();
    if (char === closeObject && fields === 0) break;
    if (fields === fieldsMax) throw new Problem('body_invalid', `The body has more than ${fieldsMax} fields`);
    if (char !== quote) throw new SyntaxError('a name is missing');
    const name = scanner.name();
    if (scanner.next() !== colon) throw new SyntaxError('a colon is missing');
    const [field] = Object.keys(parse(`{${name}:0}`) as object);
    if (scanner.peek() === openList) {
      const list = (parse(`{${name}:[]}`) as Record<string, unknown[]>)[field!]!;
      await readList(scanner, list, parse, field!, itemsMax(field!));
      body[field!] = list;
    } else {
      const from = scanner.at;
      if (!scanner.skipTo(from + partBytesMax)) throw tooLong(field!);
      Object.assign(body, parse(`{${name}:${scanner.text(from)}}`));
    }
    const after = scanner.next();
    if (after === closeObject) break;
    if (after !== comma) throw new SyntaxError('a comma is missing');
  }
  if (scanner.next() !== undefined) throw new SyntaxError('something follows the body');
  return body;
}

async function readList(
  scanner: Scanner,
  list: unknown[],
  parse: ParsePart,
  name: string,
  itemsMax = Number.POSITIVE_INFINITY,
): Promise<void> {
  scanner.next();
  scanner.depth++;
  for (let isLast = false; !isLast; ) {
    if (mustGiveWay()) await giveWay();
    const from = scanner.at;
    let count = 0;
    for (;;) {
      if (!scanner.skipTo(scanner.at + partBytesMax)) throw tooLong(`${name}[${list.length + count}]`);
      count++;
      isLast = scanner.peek() === closeList;
      if (isLast) break;
      if (scanner.peek() !== comma) throw new SyntaxError('a list has no end');
      if (list.length + count >= itemsMax) throw invalid(`${name} must not have more than ${itemsMax} items`);
      if (scanner.at - from >= runBytes) break;
      scanner.next();
    }
    const items = parse(`[${scanner.text(from)}]`, { name, index: list.length }) as unknown[];
    const isEmpty = isLast && count === 1 && items.length + list.length === 0;
    if (items.length !== count && !isEmpty) throw new SyntaxError('an element is missing');
    for (const item of items) list.push(item);
    scanner.next();
  }
  scanner.depth--;
}

const tooDeep = () => new Problem('body_invalid', 'The body is nested too deep');

const tooLong = (field: string): Problem =>
  new Problem('body_invalid', `${field} is larger than ${partBytesMax} bytes`);

/** Finds the ends of values. It does not look into them: what is wrong inside is found by the parser. */
class Scanner {
  readonly #bytes: Buffer;
  at = 0;
  depth = 0;
  #values = 1;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The next character beside white space, which stays the next. */
  peek(): number | undefined {
    for (;;) {
      const char = this.#bytes[this.at];
      if (char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return char;
      this.at++;
    }
  }

  next(): number | undefined {
    const char = this.peek();
    this.at++;
    return char;
  }

  text(from: number): string {
    return this.#bytes.toString('utf8', from, this.at);
  }

  /** The rest of a name, whose quotation mark has been read, with both its marks. */
  name(): string {
    const from = this.at - 1;
    if (!this.#string(from + partBytesMax)) throw tooLong('a name');
    return this.text(from);
  }

  /**
   * Goes to the comma or bracket after a value.
   * @returns false if there is none before `limit`
   */
  skipTo(limit: number): boolean {
    const bytes = this.#bytes;
    const outside = this.depth;
    for (; this.at < limit; this.at++) {
      const char = bytes[this.at];
      if (char === undefined) throw new SyntaxError('the body ends too early');
      if (char === quote) {
        this.at++;
        if (!this.#string(limit)) return false;
        this.at--;
      } else if (char === comma) {
        if (++this.#values > valuesMax) throw new Problem('body_invalid', tooMany);
        if (this.depth === outside) return true;
      } else if (char === openObject || char === openList) {
        if (++this.#values > valuesMax) throw new Problem('body_invalid', tooMany);
        if (++this.depth > depthMax) throw tooDeep();
      } else if (char === closeObject || char === closeList) {
        if (this.depth === outside) return true;
        this.depth--;
      }
    }
    return false;
  }

  /** Goes behind the end of a text. */
  #string(limit: number): boolean {
    const bytes = this.#bytes;
    for (; this.at < limit; this.at++) {
      const char = bytes[this.at];
      if (char === undefined) throw new SyntaxError('the body ends too early');
      if (char === backslash) this.at++;
      else if (char === quote) {
        this.at++;
        return true;
      }
    }
    return false;
  }
}

/** @throws Problem body_invalid if a short body is nested too deep */
export function assertShallow(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === backslash) i++;
      else if (char === quote) inString = false;
    } else if (char === quote) inString = true;
    else if (char === openObject || char === openList) {
      if (++depth > depthMax) throw tooDeep();
    } else if (char === closeObject || char === closeList) depth--;
  }
}
