import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { areaCodes } from './area-codes.ts';
import { knownAreaCodes, readTable, writeTable } from './table.ts';

const table = Object.fromEntries(Object.entries(areaCodes).map(([key, codes]) => [key, codes.split(' ')]));
const text = readFileSync(join(import.meta.dirname, 'area-codes.ts'), 'utf8');

/** The table as a list, the last area code first. */
const rows = Object.entries(table)
  .flatMap(([key, codes]) => {
    const [country = ''] = key.split('-');
    const regions = key.split(' ').flatMap(region => region.split('-').slice(1));
    return codes.map(code => `${code},${regions.join('|')},${country}`);
  })
  .sort()
  .reverse();
const list = (...more: string[]) => ['area_code,region,country', ...rows, ...more].join('\n');

test('a list becomes the table, and the table the file that is here', () => {
  assert.deepEqual(readTable(list()), table);
  const month = /for (\d{4}-\d\d): do not edit/.exec(text)?.[1];
  assert.ok(month);
  assert.equal(writeTable(readTable(list()), month), text);
});

test('libphonenumber knows no area code of the United States or Canada that the table lacks', () => {
  for (const [code, country] of knownAreaCodes()) {
    const [region = ''] = Object.entries(table).find(([, codes]) => codes.includes(code)) ?? [];
    assert.ok(region.startsWith(`${country}-`), `${code} is in ${country}`);
  }
  const without310 = list().replace(/^310.*\n/m, '');
  assert.throws(() => readTable(without310), /also knows 310 \(US\)/);
});

test('a row that no area code can have is refused', () => {
  for (const [row, why] of [
    ['411,CA,US', /no area code/],
    ['155,CA,US', /no area code/],
    ['41,CA,US', /no area code/],
    ['310,CA,US', /there twice/],
    ['299,CA,USA', /two letters/],
    ['299,,US', /regions of two letters/],
    ['299,California,US', /regions of two letters/],
    ['299,PR,PR', /other countries none/],
  ] as const)
    assert.throws(() => readTable(list(row)), why, row);
});
