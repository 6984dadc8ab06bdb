/** Writes one record by RFC 4180, or with another separator. */
export const csvLine = (cells: readonly string[], separator = ','): string =>
  `${cells.map(cell => csvCell(cell, separator)).join(separator)}\r\n`;

function csvCell(text: string, separator: string): string {
  const cell = withApostrophes(text);
  // Quotes keep blanks at the ends: many readers trim unquoted cells. A semicolon separates in many countries.
  const isQuoted = cell !== text || /[",;\t\r\n]|^\s|\s$/.test(cell) || cell.includes(separator);
  return isQuoted ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/*
 * A spreadsheet takes a cell for a formula if it begins with one of these signs, also behind blanks, quotes and
 * separators. Where lists have semicolons, it also cuts our lines at semicolons, tabs and line breaks, quoted or not: so
 * a formula may stand behind one of them, in the middle of a text. An apostrophe at each of these places makes text of
 * it. Where apostrophes stand already, one more is added, so that withoutApostrophe() has exactly what was written.
 */
const sign = '[=+\\-@＝＋－＠﹦﹢﹣﹫−]';
const blank = String.raw`[\s\p{Cc}\p{Cf}'",;|]`;
const beginsWithSign = new RegExp(`^${sign}`, 'u');
const mayHideFormula = new RegExp(`^${blank}|[;\\t\\r\\n]`, 'u');
/** Blanks, and the sign behind them. One that needed the sign would look at each blank of a long row again and again. */
const blanks = new RegExp(`(${blank}+)(${sign}?)`, 'gu');

/** A number is no formula, and programs read its column. Digits with a blank between them are no formula either. */
const isPhoneNumber = (text: string): boolean => /^\+\d+( \d[\d -]*)?$/.test(text);

function withApostrophes(text: string): string {
  if (beginsWithSign.test(text)) return isPhoneNumber(text) ? text : `'${inside(text)}`;
  return inside(text);
}

const inside = (text: string): string =>
  mayHideFormula.test(text)
    ? text.replace(blanks, (all, before: string, sign: string, at: number) => {
        const begins = at === 0 && isFormula(before, sign) ? "'" : '';
        return begins + (sign ? before.replace(/[;\t\r\n]/g, "$&'") + sign : all);
      })
    : text;

/** A cell that begins with a tab or a line break is taken for a formula too, whatever follows. */
const isFormula = (before: string, sign: string): boolean => sign !== '' || /[\t\r\n]/.test(before);

/** Undoes what csvLine() did to make a cell safe for spreadsheets. */
export function withoutApostrophe(cell: string): string {
  if (!cell.includes("'")) return cell;
  return cell.replace(blanks, (all, before: string, sign: string, at: number) => {
    const isSafe = at === 0 && before.startsWith("'") && isFormula(before, sign);
    const rest = isSafe ? before.slice(1) : before;
    return sign ? rest.replace(/([;\t\r\n])'/g, '$1') + sign : isSafe ? rest : all;
  });
}
