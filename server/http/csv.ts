/** One record of RFC 4180, as every spreadsheet reads it. */
export const csvLine = (cells: readonly string[]): string => `${cells.map(csvCell).join(',')}\r\n`;

function csvCell(text: string): string {
  const cell = isFormula(text) ? `'${text}` : text;
  // Many readers take blanks at the ends away where there are no quotes.
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * Whether a spreadsheet might calculate with it; an apostrophe makes it text, and one more marks what has apostrophes
 * already, so that each can be told from the other. A phone number begins with `+` and is left as it is: digits alone
 * can only come out as themselves, digits with a blank between them are no formula, and programs read the column.
 */
const isFormula = (text: string): boolean =>
  /^'*[=+\-@\t\r]/.test(text) && !/^\+\d+( \d[\d -]*)?$/.test(text);

/** What a cell said before `csvLine` made it safe for spreadsheets. */
export const withoutApostrophe = (cell: string): string =>
  /^'+[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell;
