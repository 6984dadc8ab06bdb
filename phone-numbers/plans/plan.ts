import { Patterns } from './patterns.ts';
import { fixedLine, type PlanRow, voicemail } from './tables.ts';

/** A number and its country code have at most 15 digits (E.164), and at least 7: no line has fewer. */
const digitsMin = 7;
export const digitsMax = 15;

// The patterns of a plan, a bit for each: the form of its numbers, their kinds, and their first digits.
const kindCount = 10;
const form = 1 << 0;
const kindBit = (kind: number): number => 1 << (1 + kind);
const leading = 1 << (1 + kindCount);

/**
 * One country's part of a numbering plan. Its tables are made when they are first needed: a server sees a few countries,
 * and those of all take a tenth of a second.
 */
export class Plan {
  /** ISO 3166-1 alpha-2; null for a service that is in no country, such as +800. */
  readonly country: string | null;
  /** The country code: `44`. */
  readonly code: string;
  readonly row: PlanRow;
  /** The digits that a number may have after the country code: bit n is set for n digits. */
  readonly lengths: number;
  /** The kinds of number that have so many digits. */
  readonly #kindsOfLength: number[] = [];
  #patterns: Patterns | undefined;
  #trunk: RegExp | undefined;
  #internationalPrefix: RegExp | undefined;
  /** Whether that is some digits, as in most countries, and no choice of carriers. */
  #hasPlainPrefix: boolean;

  constructor(country: string | null, row: PlanRow) {
    this.country = country;
    this.code = row[0];
    this.row = row;
    this.#hasPlainPrefix = /^\d+$/.test(`${row[1]}`);
    const allowed = row[3].filter(n => {
      const digits = row[0].length + n;
      return digits >= digitsMin && digits <= digitsMax;
    });
    this.lengths = allowed.reduce((lengths, n) => lengths | (1 << n), 0);
  }

  /** Whether the plan's numbers may look like this. */
  hasForm(number: string): boolean {
    return (this.#fitting(number) & form) !== 0;
  }

  /** Whether it is in a range that the tables know. */
  hasRange(number: string): boolean {
    return this.#kindsOf(number) !== 0;
  }

  /** Whether that range is one of lines, not of mailboxes. */
  hasLine(number: string): boolean {
    return (this.#kindsOf(number) & ~kindBit(voicemail)) !== 0;
  }

  /** Whether it is in a range of fixed lines, or of those that may be fixed. */
  hasFixedLine(number: string): boolean {
    return (this.#kindsOf(number) & kindBit(fixedLine)) !== 0;
  }

  /** Whether it begins as this country's numbers do; undefined where the first digits do not tell the country. */
  begins(number: string): boolean | undefined {
    return this.row[10] ? (this.#fitting(number) & leading) !== 0 : undefined;
  }

  /** What remains without the prefix of a call within the country, with or without a carrier's code in it. */
  afterTrunk(digits: string): string | undefined {
    const trunk = this.row[7] || this.row[5];
    if (!trunk) return undefined;
    if (trunk.length === 1) return digits.startsWith(trunk) ? digits.slice(1) : undefined;
    this.#trunk ??= new RegExp(`^(?:${trunk})`);
    const prefix = this.#trunk.exec(digits);
    if (!prefix || prefix[0] === '') return undefined;
    const rest = digits.slice(prefix[0].length);
    const transform = this.row[8];
    return transform && prefix.at(-1)
      ? transform.replace(/\$(\d)/g, (_, group) => prefix[group] ?? '') + rest
      : rest;
  }

  /** What is dialled before the country code of a number abroad, if `digits` begin with it. */
  internationalPrefix(digits: string): string | undefined {
    const prefix = this.row[1];
    if (!prefix) return undefined;
    if (this.#hasPlainPrefix)
      return digits.startsWith(prefix) && digits[prefix.length] !== '0' ? prefix : undefined;
    this.#internationalPrefix ??= new RegExp(`^(?:${prefix})(?!0)`);
    return this.#internationalPrefix.exec(digits)?.[0];
  }

  #kindsOf(number: string): number {
    const fitting = this.#fitting(number);
    return fitting & form ? fitting & (this.#kindsOfLength[number.length] ?? 0) : 0;
  }

  #fitting(number: string): number {
    this.#patterns ??= this.#compile();
    return this.#patterns.fitting(number);
  }

  #compile(): Patterns {
    const [, , ofAll, lengths] = this.row;
    const kinds = Array.from({ length: kindCount }, (_, at) => this.row[11]?.[at] || (['', []] as const));
    for (const n of lengths)
      this.#kindsOfLength[n] = kinds.reduce(
        (bits, [, own = lengths], at) => (own.includes(n) ? bits | kindBit(at) : bits),
        0,
      );
    return new Patterns([ofAll, ...kinds.map(([pattern]) => pattern)], [this.row[10] || '']);
  }
}
