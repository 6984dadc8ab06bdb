import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { csvLine } from '../../../http/csv.ts';
import { fuzzing } from '../../../testing/runs.ts';
import { type CsvRecord, createRecordReader, recordLengthMax } from './records.ts';

/** Reads a text that arrives in pieces. */
function readAll(pieces: string[], separator = ','): CsvRecord[] {
  const reader = createRecordReader(separator);
  return [...pieces.flatMap(piece => reader.read(piece, false)), ...reader.read('', true)];
}

const cutAt = (text: string, places: number[]) => {
  const cuts = [0, ...places.map(place => place % (text.length + 1)).sort((a, b) => a - b), text.length];
  return cuts.slice(1).map((cut, index) => text.slice(cuts[index], cut));
};
const cuts = fc.array(fc.nat(400), { maxLength: 8 });

test('however a text is cut into pieces, its records are the same', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', ',', ';', '"', '"', '\r', '\n', '\r\n', ' '),
    maxLength: 60,
  });
  fc.assert(
    fc.property(text, cuts, fc.constantFrom(',', ';'), (text, places, separator) => {
      assert.deepEqual(readAll(cutAt(text, places), separator), readAll([text], separator));
    }),
    fuzzing(3000),
  );
});

test('what is written by RFC 4180 is read as csv-parse reads it, with the line that each row ends in', () => {
  const cell = fc.string({
    unit: fc.constantFrom('a', 'ü', ',', ';', '"', '\n', '\r\n', ' ', '\t'),
    maxLength: 6,
  });
  const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(rows, cuts, (rows, places) => {
      const texts = rows.map(row => csvLine(row.map(one => `x${one}`)));
      const records = readAll(cutAt(texts.join(''), places));
      const expected = parse(texts.join(''), {
        relax_column_count: true,
        trim: true,
        record_delimiter: '\r\n',
      });
      assert.deepEqual(
        records.map(({ cells, problem }) => [cells, problem]),
        expected.map(cells => [cells, undefined]),
      );
      let line = 0;
      const lines = texts.map(text => (line += text.match(/\r\n|\r|\n/g)!.length));
      assert.deepEqual(
        records.map(record => record.line),
        lines,
      );
    }),
    fuzzing(1000),
  );
});

test('every line end ends a row, and every line is counted', () => {
  const end = fc.constantFrom('\n', '\r\n', '\r');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), end), { minLength: 1, maxLength: 12 }),
      cuts,
      (lines, places) => {
        const text = lines.map(([isRow, end]) => `${isRow ? 'a,b' : ''}${end}`).join('');
        // A carriage return before a line feed is one line end with it.
        const counted = text.split(/\r\n|\r|\n/).flatMap((line, index) => (line === '' ? [] : [index + 1]));
        assert.deepEqual(
          readAll(cutAt(text, places)).map(({ line }) => line),
          counted,
        );
      },
    ),
    fuzzing(1000),
  );
});

test('a row that is too long, or never ends, is bad alone, and takes no more memory than that', () => {
  const long = 'x'.repeat(recordLengthMax + 1);
  const pieces = ['a,b\n', ...Array.from({ length: 5 }, () => long), '\nc,d\n', '"', long, '\ne,f\n'];
  const records = readAll(pieces);
  assert.deepEqual(
    records.map(({ line, cells, problem }) => [line, cells.join().slice(0, 3), problem !== undefined]),
    [
      [1, 'a,b', false],
      [2, '', true],
      [3, 'c,d', false],
      [4, '', true],
      [5, 'e,f', false],
    ],
  );
});
