/** What a text has been found to say, before it is known what number that is. */
export type Written = {
  /** In ASCII, without what is not part of the number. */
  text: string;
  digits: string;
  /** Whether a `+` stands before them. */
  isInternational: boolean;
  /** The place among `digits` of a trunk zero in brackets, as in `+44 (0)20`; -1 without one. */
  bracketedZero: number;
  /** The place in `text` of its only point; -1 without one, or with several. */
  point: number;
  /** How many digits its last group has, and the one before that. */
  size: number;
  sizeBefore: number;
  hasSlash: boolean;
  /** Whether a group begins with a zero that may begin another number: there are enough digits before and after it. */
  mayBeginAnew: boolean;
};

const [digit, separator, bracket, point, slash, plus] = [1, 2, 3, 4, 5, 6];
const zero = '0'.charCodeAt(0);
const kinds = new Uint8Array(128);
for (const [kind, characters] of [
  [digit, '0123456789'],
  [separator, ' \t-)]~'],
  [bracket, '(['],
  [point, '.'],
  [slash, '/'],
  [plus, '+'],
] as const)
  for (const character of characters) kinds[character.charCodeAt(0)] = kind;

/** Digits, with the separators that people put between them; undefined if there is anything else in the text. */
export function scan(text: string): Written | undefined {
  let digits = '';
  let begin = -1;
  let size = 0;
  let sizeBefore = 0;
  let isInternational = false;
  let isOpen = false;
  let bracketedZero = -1;
  let hasSlash = false;
  let points = 0;
  let lastPoint = -1;
  // The digits before the first group that begins with a zero and has a number's room before it.
  let anew = 0;
  for (let at = 0; at <= text.length; at++) {
    const kind = at < text.length ? kinds[text.charCodeAt(at)] : separator;
    if (kind === digit) {
      if (begin < 0) begin = at;
      continue;
    }
    if (begin >= 0) {
      sizeBefore = size;
      size = at - begin;
      if (text.charCodeAt(begin) === zero) {
        if (anew === 0 && digits.length >= 5) anew = digits.length;
        if (isOpen && size === 1) bracketedZero = digits.length;
      }
      digits += text.slice(begin, at);
      begin = -1;
      isOpen = false;
    }
    if (kind === point) {
      points++;
      lastPoint = at;
    } else if (kind === slash) hasSlash = true;
    else if (kind === bracket) isOpen = true;
    else if (kind === plus && digits === '') isInternational = true;
    else if (kind !== separator) return undefined;
  }
  const onlyPoint = points === 1 ? lastPoint : -1;
  const mayBeginAnew = anew > 0 && digits.length - anew >= 6;
  return {
    text,
    digits,
    isInternational,
    bracketedZero,
    point: onlyPoint,
    size,
    sizeBefore,
    hasSlash,
    mayBeginAnew,
  };
}
