/* Takes the text of a CSV file apart. It is RFC 4180 as people's programs write it: any separator, any line ends. */

/** A row of a CSV file. `line` is the line that it ends in, from 1. `source` is its text. A bad row has a problem. */
export type CsvRecord = { line: number; cells: string[]; source: string; problem?: string };

export type RecordReader = {
  /** @returns the records that are whole in what has arrived */
  read(text: string, isLast: boolean): CsvRecord[];
  /** How many line ends the text has up to a place after what was read. @param text more than was read so far */
  linesBefore(text: string): number;
};

/** No row of an export is longer. */
export const recordLengthMax = 65_536;

const tooLong = `the row is longer than ${recordLengthMax.toLocaleString('en-US')} characters`;
const notClosed = 'the row has a quotation mark that is not closed: write " within a quoted cell as ""';
const textAfter = 'the row has text after a closing quotation mark: write " within a quoted cell as ""';

/**
 * Reads records, one line at a time where there are no quotation marks, which is as fast as `split`. csv-parse took six
 * times as long, counted CR LF within quotes as two lines, and ended with the first quotation mark that it did not expect.
 * Here a bad row is bad alone: the next line begins a new one.
 * @param line the lines before the text
 */
export function createRecordReader(separator: string, line = 0): RecordReader {
  let rest = '';
  let skipping = false;
  return { read, linesBefore: text => line + lineEndsOf(rest + text) };

  function read(text: string, isLast: boolean): CsvRecord[] {
    const all = rest === '' ? text : rest + text;
    const records: CsvRecord[] = [];
    const feed = findFrom(all, '\n');
    const carriageReturn = findFrom(all, '\r');
    const quote = findFrom(all, '"');
    let from = 0;
    while (from < all.length) {
      const found = Math.min(feed(from), carriageReturn(from));
      // A carriage return at the end may be half of a line end.
      const isWhole = found < all.length - 1 || (found < all.length && all[found] === '\n');
      if (!isWhole && !isLast) {
        if (all.length - from <= recordLengthMax) break;
        if (!skipping) records.push({ line: line + 1, cells: [], source: '', problem: tooLong });
        skipping = true;
        from = found < all.length ? found : all.length;
        break;
      }
      const end = Math.min(found, all.length);
      if (skipping) {
        skipping = false;
        line++;
        from = afterLineEnd(all, end);
      } else if (quote(from) >= end) {
        line++;
        if (end - from > recordLengthMax) records.push({ line, cells: [], source: '', problem: tooLong });
        else if (end > from) {
          const source = all.slice(from, end);
          records.push({ line, cells: cellsOf(source, separator), source });
        }
        from = afterLineEnd(all, end);
      } else {
        const quoted = readQuoted(all, from, separator, isLast);
        if (quoted === undefined && all.length - from <= recordLengthMax) break;
        const isGood = quoted !== undefined && !('problem' in quoted);
        const last = isGood ? quoted.end : end;
        const source = all.slice(from, last);
        line += 1 + (isGood ? lineEndsOf(source) : 0);
        if (isGood) records.push({ line, cells: quoted.cells, source });
        else {
          const problem = quoted?.problem ?? notClosed;
          records.push({ line, cells: cellsOf(source, separator), source, problem });
        }
        from = afterLineEnd(all, last);
      }
    }
    rest = all.slice(from);
    return records;
  }
}

/** Cells without quotation marks. Blanks around them are never meant. */
function cellsOf(source: string, separator: string): string[] {
  const cells = source.split(separator);
  for (let place = 0; place < cells.length; place++) cells[place] = cells[place]!.trim();
  return cells;
}

/** Finds the next place of a character from a rising position. Looks again only beyond the last find. */
function findFrom(text: string, char: string): (from: number) => number {
  let found = -1;
  return from => {
    if (found >= from) return found;
    const next = text.indexOf(char, from);
    found = next < 0 ? Number.POSITIVE_INFINITY : next;
    return found;
  };
}

const afterLineEnd = (text: string, end: number) =>
  end + (text[end] === '\r' && text[end + 1] === '\n' ? 2 : 1);

const lineEndsOf = (text: string): number => text.match(/\r\n|\r|\n/g)?.length ?? 0;

/**
 * Reads a record that has a quotation mark in its first line.
 * @returns its cells and where its line end is; undefined if more of the text is needed
 */
function readQuoted(
  text: string,
  from: number,
  separator: string,
  isLast: boolean,
): { cells: string[]; end: number } | { problem: string } | undefined {
  const cells: string[] = [];
  const isBlank = (place: number) =>
    text[place] === ' ' || (text[place] === '\t' && separator !== '\t') || text[place] === '\u00a0';
  let at = from;
  for (;;) {
    let start = at;
    while (isBlank(start)) start++;
    let end = start;
    if (text[start] === '"') {
      const close = closingQuote(text, start + 1);
      if (close < 0) return isLast ? { problem: notClosed } : undefined;
      cells.push(text.slice(start + 1, close).replaceAll('""', '"'));
      end = close + 1;
      while (isBlank(end)) end++;
    } else {
      while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') end++;
      cells.push(text.slice(start, end).trim());
    }
    const next = text[end];
    // Another quotation mark may follow the last one, and a line feed a carriage return.
    if (!isLast && end >= text.length - 1 && next !== '\n' && next !== separator) return undefined;
    if (next === separator) at = end + 1;
    else if (next === undefined || next === '\n' || next === '\r') return { cells, end };
    else return { problem: /[\r\n]/.test(text.slice(from, end)) ? notClosed : textAfter };
  }
}

/** @returns the place of the quotation mark that closes the cell, or -1 */
function closingQuote(text: string, from: number): number {
  let close = text.indexOf('"', from);
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
  return close;
}
