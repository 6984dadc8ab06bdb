import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readDuration } from './arguments.ts';
import { fields, growingTable, table } from './output.ts';
import { bytesInWords, columnsOf, counted, durationOf, escapeControls } from './text.ts';

test('control characters are shown instead of obeyed', () => {
  assert.equal(escapeControls('\x1b]0;title\x07'), '\\x1b]0;title\\x07');
  assert.equal(escapeControls('\x9b31m\x7f'), '\\x9b31m\\x7f');
  assert.equal(escapeControls('a\r\n\tb'), 'a\\r\\n\\tb');
  assert.equal(escapeControls('\u202egnp.exe\u2028'), '\\u202egnp.exe\\u2028');
  assert.equal(escapeControls('Zoë 歯科 👩‍👧'), 'Zoë 歯科 👩‍👧');
});

test('no text brings a control character through', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      assert.doesNotMatch(escapeControls(text), /\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});

test('the width of a text is counted in columns of the terminal', () => {
  assert.equal(columnsOf('plain'), 5);
  assert.equal(columnsOf('Zoe\u0308'), 3);
  assert.equal(columnsOf('歯科'), 4);
  assert.equal(columnsOf('👩‍👧 x'), 4);
  assert.equal(columnsOf('\u200d'), 0);
});

test('a table is aligned, also around wide characters and empty cells', () => {
  const text = table({ ID: row => row.id, NAME: row => row.name, SMS: row => row.sms }, [
    { id: 'a', name: '歯科', sms: true },
    { id: 'long-id', name: null, sms: false },
  ]);
  assert.equal(text, 'ID       NAME  SMS\na        歯科  yes\nlong-id  -     no\n');
});

test('a table in pieces has its headings once, and its columns only grow', () => {
  const rows = growingTable<[string, string]>({ ID: row => row[0], NAME: row => row[1] });
  assert.equal(rows([['a', 'x']]), 'ID  NAME\na   x\n');
  assert.equal(rows([['abcd', 'y']]), 'abcd  y\n');
  assert.equal(rows([['b', 'z']]), 'b     z\n');
});

test('a column is as wide as its longest cell, but for a very long one', () => {
  const names = ['x'.repeat(200), 'y'.repeat(75), 'z'];
  const lines = table({ NAME: name => name, SMS: () => true }, names);
  const padded = (name: string) => name.padEnd(75);
  assert.equal(lines, `${padded('NAME')}  SMS\n${names[0]}  yes\n${names[1]}  yes\n${padded('z')}  yes\n`);
});

test('a record is aligned, and leaves out undefined values', () => {
  assert.equal(fields({ ID: 7, 'Not shown at all': undefined, Name: null }), 'ID    7\nName  -\n');
});

test('a duration is read as it is written', () => {
  assert.deepEqual([0, 90, 900, 5400, 3_888_000].map(durationOf), ['0s', '90s', '15m', '90m', '45d']);
  fc.assert(
    fc.property(fc.nat(315_360_000), seconds => {
      assert.equal(readDuration(durationOf(seconds)), seconds);
    }),
  );
});

test('bytes and counts in words', () => {
  assert.deepEqual([0, 999, 1000, 2_640_000].map(bytesInWords), ['0 B', '999 B', '1.0 kB', '2.6 MB']);
  assert.deepEqual([counted(1, 'number'), counted(2000, 'number')], ['1 number', '2,000 numbers']);
});
