/** Writes one record by RFC 4180, or with another separator. */
export const csvLine = (cells: readonly string[], separator = ','): string =>
  `${cells.map(cell => csvCell(cell, separator)).join(separator)}\r\n`;

function csvCell(text: string, separator: string): string {
  const cell = isFormula(text) ? `'${text}` : text;
  // Quotes keep blanks at the ends: many readers trim unquoted cells.
  return /[",\r\n]|^\s|\s$/.test(cell) || cell.includes(separator) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * Whether a spreadsheet might take the text for a formula. Such text gets an apostrophe in front. Text that already has
 * apostrophes there gets one more, so that withoutApostrophe() can undo it. Phone numbers begin with `+` too and stay as
 * they are: a spreadsheet shows them unchanged, and programs read the column.
 */
const isFormula = (text: string): boolean =>
  /^'*[=+\-@\t\r]/.test(text) && !/^\+\d+( \d[\d -]*)?$/.test(text);

/** Undoes what `csvLine` did to make a cell safe for spreadsheets. */
export const withoutApostrophe = (cell: string): string =>
  /^'+[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell;
