import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { fuzzing } from '../testing/runs.ts';
import { csvLine, withoutApostrophe } from './csv.ts';

test('cells are quoted where they must be, and no cell is a formula', () => {
  assert.equal(
    csvLine(['a', '', 'b,c', 'd"e', 'f\r\ng', '+14155551234']),
    'a,,"b,c","d""e","f\r\ng",+14155551234\r\n',
  );
  assert.equal(
    csvLine(['=1+1', '+1+cmd', '-org', '@sum', '\t=1', '\r=1', 'a=1']),
    `'=1+1,'+1+cmd,'-org,'@sum,'\t=1,"'\r=1",a=1\r\n`,
  );
});

test('only phone numbers keep a leading plus', () => {
  const numbers = ['+14155551234', '+1 415-555-1234', '+44 20 7946 0958'];
  assert.equal(csvLine(numbers), `${numbers.join(',')}\r\n`);
  assert.equal(csvLine(['+1 -2', '+1-2', '+1 2+3', '+1 A1']), "'+1 -2,'+1-2,'+1 2+3,'+1 A1\r\n");
});

test('blanks at the ends are quoted, for readers that trim cells', () => {
  assert.equal(csvLine([' a', 'b ', '\u00a0', 'c d']), '" a","b ","\u00a0",c d\r\n');
});

test('any text survives being written and read', () => {
  const cell = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom("'", '=', '+', '-', '@', '\t', '\r', '\n', '"', ',', ' ', '1', '😀') }),
  );
  fc.assert(
    fc.property(fc.array(cell, { minLength: 2, maxLength: 5 }), cells => {
      const record = parse(csvLine(cells), { record_delimiter: '\r\n', trim: true })[0]!;
      assert.deepEqual(record.map(withoutApostrophe), cells);
      for (const text of record)
        assert(!/^[=+\-@\t\r]/.test(text) || /^\+\d+( \d[\d -]*)?$/.test(text), JSON.stringify(text));
    }),
    fuzzing(2000),
  );
});
