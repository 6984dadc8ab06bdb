// From what files, spreadsheets and web pages put around and into a number to plain ASCII.

/** Characters that stand for one of ASCII, in front of it. */
const likeAscii = new Map(
  [
    '+＋﹢⁺➕',
    '(（',
    ')）',
    '[［',
    ']］',
    '.．。·•・',
    '/／⁄∕',
    '-−⁃˗⁻₋ー─➖',
    '~～∼⁓',
    '=＝',
    ',，',
    ';；',
    '#＃',
    "'‘’＇",
    '"“”＂',
  ].flatMap(([ascii, ...others]) => others.map(other => [other, ascii!] as const)),
);

function asciiOf(character: string): string {
  const like = likeAscii.get(character);
  if (like !== undefined) return like;
  if (/\p{Nd}/u.test(character)) return digitOf(character);
  // Marks of direction and joining, fillers, what makes an emoji of a digit.
  if (/\p{Cf}|\p{Default_Ignorable_Code_Point}|\u2800|\u20e3/u.test(character)) return '';
  // No blank: what follows it is another line.
  if (/[\u2028\u2029\u0085]/.test(character)) return '\n';
  if (/\s/.test(character)) return ' ';
  return /\p{Pd}/u.test(character) ? '-' : character;
}

const digits = new Map<string, string>();

/** Unicode has the digits of each script in a row of ten, 0 to 9; some rows adjoin. */
function digitOf(character: string): string {
  let digit = digits.get(character);
  if (digit === undefined) {
    const codePoint = character.codePointAt(0)!;
    let first = codePoint;
    while (/\p{Nd}/u.test(String.fromCodePoint(first - 1))) first--;
    digit = `${(codePoint - first) % 10}`;
    digits.set(character, digit);
  }
  return digit;
}

/** The text without what surrounds a number, and still with all that makes it other than a number. */
export function tidy(text: string): string {
  const ascii = /[^\0-\x7f]/.test(text) ? Array.from(text, asciiOf).join('') : text;
  return (
    ascii
      .trim()
      // '+14155551234 and ="+14155551234" are how spreadsheets are told that it is text.
      .replace(/^["'`=\s]+|["'`\s]+$/g, '')
      .replace(/^tel:/i, '')
      .replace(/[\s,;:.]+$/, '')
  );
}
