// Many patterns over digits, tried at once: one step for each digit of a text, however many patterns there are. The
// tables of libphonenumber have only what is read here: digits, classes, groups, alternatives and bounded repetition.

type Piece = { atom: number | Piece[][]; min: number; max: number };

/** A place in a pattern, and the places that may come after it. */
type Place = {
  id: number;
  /** The digits that may stand here: bit n for n. */
  digits: number;
  next: Place[];
  /** The bit of the pattern that ends here. */
  end: number;
};

const anyDigit = 0b11_1111_1111;

/** Up to 31 patterns. */
export class Patterns {
  #placeCount = 0;
  #start: number;
  // A state is a set of places: those that a text may have got to, in all patterns. State 0 is none of them. States are
  // made as texts need them, and there are finitely many: no pattern repeats without bound.
  #places: Place[][] = [];
  #ends: number[] = [];
  /** The state after each digit in each state; -1 where it is not known yet. */
  #next: number[] = [];
  #states = new Map<string, number>();
  // Several questions are asked about one text.
  #lastText = '';
  #lastEnds = 0;

  /** @param beginnings patterns that need not fit a text to its end */
  constructor(patterns: readonly string[], beginnings: readonly string[] = []) {
    const starts = [...patterns, ...beginnings].flatMap((pattern, bit) => {
      const end: Place = { id: this.#placeCount++, digits: 0, next: [], end: 1 << bit };
      if (bit >= patterns.length) Object.assign(end, { digits: anyDigit, next: [end] });
      return this.#build(parse(pattern), [end]);
    });
    this.#stateOf([]);
    this.#start = this.#stateOf(starts);
    this.#lastEnds = this.#ends[this.#start]!;
  }

  /** The patterns that fit: bit n for the nth. */
  fitting(text: string): number {
    if (text === this.#lastText) return this.#lastEnds;
    let state = this.#start;
    for (let at = 0; at < text.length && state > 0; at++) {
      const digit = text.charCodeAt(at) - 48;
      const next = this.#next[state * 10 + digit]!;
      state = next >= 0 ? next : this.#step(state, digit);
    }
    this.#lastText = text;
    this.#lastEnds = this.#ends[state]!;
    return this.#lastEnds;
  }

  #step(state: number, digit: number): number {
    const reached = this.#places[state]!.flatMap(place => (place.digits & (1 << digit) ? place.next : []));
    const next = this.#stateOf(reached);
    this.#next[state * 10 + digit] = next;
    return next;
  }

  #stateOf(reached: Place[]): number {
    const places = [...new Set(reached)].sort((one, other) => one.id - other.id);
    const key = places.map(place => place.id).join();
    let state = this.#states.get(key);
    if (state === undefined) {
      state = this.#states.size;
      this.#states.set(key, state);
      this.#places.push(places);
      this.#ends.push(places.reduce((bits, place) => bits | place.end, 0));
      for (let digit = 0; digit < 10; digit++) this.#next.push(-1);
    }
    return state;
  }

  /** The places where a pattern may begin, from the ones after it. */
  #build(alternatives: Piece[][], after: Place[]): Place[] {
    return alternatives.flatMap(pieces =>
      pieces.reduceRight((rest, { atom, min, max }) => {
        const once = (next: Place[]): Place[] =>
          typeof atom === 'number'
            ? [{ id: this.#placeCount++, digits: atom, next, end: 0 }]
            : this.#build(atom, next);
        let begin = rest;
        for (let n = min; n < max; n++) begin = once(begin).concat(rest);
        for (let n = 0; n < min; n++) begin = once(begin);
        return begin;
      }, after),
    );
  }
}

const token = /\((?:\?:)?|\)|\||\?|\{(\d+)(?:,(\d+))?\}|\\d|\d|\[([\d-]+)\]/y;

function parse(pattern: string): Piece[][] {
  const open: Piece[][][] = [[[]]];
  token.lastIndex = 0;
  while (token.lastIndex < pattern.length) {
    const [symbol, min, max, members] = token.exec(pattern) ?? [];
    const alternatives = open.at(-1)!;
    const pieces = alternatives.at(-1)!;
    if (symbol === undefined) throw new Error(`No pattern over digits: ${pattern}`);
    else if (symbol === '|') alternatives.push([]);
    else if (symbol.startsWith('(')) open.push([[]]);
    else if (symbol === ')') open.at(-2)!.at(-1)!.push({ atom: open.pop()!, min: 1, max: 1 });
    else if (symbol === '?') Object.assign(pieces.at(-1)!, { min: 0 });
    else if (min !== undefined) Object.assign(pieces.at(-1)!, { min: Number(min), max: Number(max ?? min) });
    else pieces.push({ atom: digitsOf(members ?? symbol), min: 1, max: 1 });
  }
  return open[0]!;
}

/** `2-57`, `4`, `\d` as bits. */
function digitsOf(members: string): number {
  if (members === '\\d') return anyDigit;
  let digits = 0;
  for (const [, first, last = first] of members.matchAll(/(\d)(?:-(\d))?/g))
    for (let digit = Number(first); digit <= Number(last); digit++) digits |= 1 << digit;
  return digits;
}
