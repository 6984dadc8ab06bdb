// Control characters, line separators, and the marks that reorder or hide text. The two joiners stay: Persian and
// emoji are written with them.
const unsafe = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const short: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text from elsewhere, made safe for a terminal: control characters are shown as `\x1b` and the like. */
export function escapeControls(text: string): string {
  return text.replace(unsafe, char => {
    const code = char.codePointAt(0)!;
    if (code > 0xffff) return `\\u{${code.toString(16)}}`;
    return short[char] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
  });
}

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0');

const graphemes = new Intl.Segmenter();
const emoji = /^\p{Emoji_Presentation}|\ufe0f/u;
const invisible = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
// The large blocks of what Unicode calls East Asian Wide and Fullwidth.
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

/** The width of a text on a terminal, in columns. */
export function columnsOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (invisible.test(segment)) continue;
    columns += emoji.test(segment) || wide.test(segment) ? 2 : 1;
  }
  return columns;
}

/** `1.2 MB`, in powers of 1000. */
export function bytesInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), 4);
  return `${(bytes / 1000 ** power).toFixed(1)} ${['kB', 'MB', 'GB', 'TB'][power - 1]}`;
}

/** `2,000`. */
export const withCommas = (count: number): string => count.toLocaleString('en-US');

/** `1 number`, `2,000 numbers`. */
export const counted = (count: number, noun: string): string =>
  `${withCommas(count)} ${noun}${count === 1 ? '' : 's'}`;

/** `45d`, `90s`: in the largest unit that leaves no remainder. */
export function durationOf(seconds: number): string {
  const units: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
  ];
  const [size, unit] = units.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, 's'];
  return `${seconds / size}${unit}`;
}

/** `0.50 USD`, with at least two decimals; `none` for null. */
export const inDollars = (amount: number | null): string =>
  amount === null ? 'none' : `${amount.toFixed(Math.max(2, String(amount).split('.')[1]?.length ?? 0))} USD`;

/** `Ann Example <ann@acme.example>`. */
export const personOf = ({ name, email }: { name: string; email: string }): string => `${name} <${email}>`;
