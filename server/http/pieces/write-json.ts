import { giveWay, mustGiveWay } from './turns.ts';

/** JSON of this length takes about a millisecond to write or to send. */
const runLength = 262_144;

/** The JSON of a value, in runs that make it up. A long list in the value is written element by element. */
export async function* jsonInPieces(value: unknown): AsyncGenerator<string> {
  let run = '';
  for (const part of partsOf(value)) {
    run += part;
    if (mustGiveWay()) await giveWay();
    if (run.length < runLength) continue;
    yield run;
    run = '';
  }
  if (run !== '') yield run;
}

function* partsOf(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return yield JSON.stringify(value ?? null);
  if (Array.isArray(value)) return yield* listOf(value);
  let before = '{';
  for (const name of Object.keys(value)) {
    const part: unknown = (value as Record<string, unknown>)[name];
    if (part === undefined || typeof part === 'function') continue;
    yield `${before}${JSON.stringify(name)}:`;
    before = ',';
    if (Array.isArray(part) && part.length > 8) yield* listOf(part);
    else yield JSON.stringify(part);
  }
  yield before === '{' ? '{}' : '}';
}

function* listOf(items: unknown[]): Generator<string> {
  let before = '[';
  for (const item of items) {
    yield before + (JSON.stringify(item) ?? 'null');
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

/** All of it as one text. */
export async function jsonOf(value: unknown): Promise<string> {
  let text = '';
  for await (const run of jsonInPieces(value)) text += run;
  return text;
}

/**
 * Items as JSON, in runs: one statement takes one run. A statement for all of them would be text, bytes and bytes on
 * their way to PostgreSQL at once.
 */
export async function* runsOf<T>(
  items: readonly T[],
  itemsMax = 1000,
): AsyncGenerator<{ items: T[]; json: string }> {
  let run: T[] = [];
  let json = '';
  for (const item of items) {
    if (mustGiveWay()) await giveWay();
    run.push(item);
    json += (json === '' ? '[' : ',') + JSON.stringify(item);
    if (json.length < runLength && run.length < itemsMax) continue;
    yield { items: run, json: `${json}]` };
    run = [];
    json = '';
  }
  if (run.length > 0) yield { items: run, json: `${json}]` };
}
