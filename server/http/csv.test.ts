import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { fuzzing } from '../testing/runs.ts';
import { csvLine, withoutApostrophe } from './csv.ts';

test('cells are quoted where they must be, and no cell is a formula', () => {
  assert.equal(
    csvLine(['a', '', 'b,c', 'd"e', 'f\r\ng', '+14155551234', 'h;i']),
    'a,,"b,c","d""e","f\r\ng",+14155551234,"h;i"\r\n',
  );
  assert.equal(
    csvLine(['=1+1', '+1+cmd', '-org', '@sum', '\t=1', '\r=1', '\ta', 'a=1', 'a-b']),
    `"'=1+1","'+1+cmd","'-org","'@sum","'\t'=1","'\r'=1","'\ta",a=1,a-b\r\n`,
  );
});

test('only phone numbers keep a leading plus', () => {
  const numbers = ['+14155551234', '+1 415-555-1234', '+44 20 7946 0958'];
  assert.equal(csvLine(numbers), `${numbers.join(',')}\r\n`);
  assert.equal(csvLine(['+1 -2', '+1-2', '+1 2+3', '+1 A1']), `"'+1 -2","'+1-2","'+1 2+3","'+1 A1"\r\n`);
});

test('signs of full width are signs, and blanks, quotes and separators hide none', () => {
  for (const text of [
    '＝1',
    '＋1+1',
    '－1',
    '＠a',
    ' =1',
    '\u00a0=1',
    '\u200b=1',
    '  -1',
    '"=1',
    ';=1',
    ', =1',
  ])
    assert.match(csvLine([text]), /^"'/, text);
});

test('where semicolons separate, no cell of such a line is a formula either', () => {
  assert.equal(csvLine(['a;=1']), `"a;'=1"\r\n`);
  assert.equal(csvLine(['a; "@b', 'c\n+1+1', 'd\t－1']), `"a;' ""@b","c\n'+1+1","d\t'－1"\r\n`);
  assert.equal(csvLine(['a; b', 'c\nd', 'O;’x']), '"a; b","c\nd","O;’x"\r\n');
});

test('blanks at the ends are quoted, for readers that trim cells', () => {
  assert.equal(csvLine([' a', 'b ', '\u00a0', 'c d']), '" a","b ","\u00a0",c d\r\n');
});

test('a long row of separators takes no longer than its length', () => {
  const text = `${';'.repeat(1_000_000)}=`;
  const [[cell]] = parse(csvLine([text, '']), { max_record_size: 0 }) as [[string]];
  assert.equal(withoutApostrophe(cell), text);
});

test('any text survives being written and read, and no part of it is a formula', () => {
  const signs = [
    "'",
    '=',
    '+',
    '-',
    '@',
    '＝',
    '－',
    '\t',
    '\r',
    '\n',
    '"',
    ',',
    ';',
    '|',
    ' ',
    '\u200b',
    '1',
    '😀',
  ];
  const cell = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom(...signs) }),
    fc.string({ unit: fc.constantFrom("'", '=', ';', '\t') }),
  );
  fc.assert(
    fc.property(fc.array(cell, { minLength: 2, maxLength: 5 }), cells => {
      const line = csvLine(cells);
      const record = parse(line, { record_delimiter: '\r\n', trim: true })[0]!;
      assert.deepEqual(record.map(withoutApostrophe), cells);
      for (const text of record)
        for (const part of [text, ...text.split(/[;\t\r\n]/).slice(1)])
          assert(
            !/^[\s",;|\u200b]*[=+\-@＝－]/.test(part) || /^\+\d+( \d[\d -]*)?$/.test(text),
            JSON.stringify(text),
          );
    }),
    fuzzing(2000),
  );
});
