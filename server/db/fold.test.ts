import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { fuzzing } from '../testing/runs.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase();
});
after(() => database.drop());

async function fold(texts: string[]): Promise<string[]> {
  const { rows } = await database.pool.query<{ folded: string }>(
    'select fold(t) as folded from unnest($1::text[]) with ordinality as given (t, place) order by place',
    [texts],
  );
  return rows.map(row => row.folded);
}

test('writings that people take for the same are the same', async () => {
  for (const [folded, ...texts] of [
    ['zurich', 'Zürich', 'ZÜRICH', 'Zu\u0308rich', 'ZU\u0308RICH', 'zurich', 'Ｚürich'],
    ['strasse', 'Straße', 'STRASSE', 'STRAẞE', 'strasse'],
    ['lodz', 'Łódź', 'ŁÓDŹ', 'lodz'],
    ['kobenhavn', 'København', 'KØBENHAVN'],
    ['istanbul', 'İstanbul', 'ISTANBUL', 'ıstanbul'],
    ['οδυσσευσ', 'Οδυσσεύς', 'ΟΔΥΣΣΕΎΣ'],
    ['киів', 'Київ', 'КИЇВ'],
    ['电话', '电话'],
    ['100% \\_', '100% \\_'],
  ] as [string, ...string[]][])
    assert.deepEqual(
      await fold(texts),
      texts.map(() => folded),
    );
});

const scripts = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}]$/u;
const letters = Array.from({ length: 0x58f }, (_, code) => String.fromCodePoint(code)).filter(letter =>
  scripts.test(letter),
);
const text = fc
  .array(fc.constantFrom(...letters, ' ', '-', '7', '\u0301', '電', '👩🏽‍🚀'), { maxLength: 20 })
  .map(parts => parts.join(''));

test('case and composition make no difference, on any database', () =>
  fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 50 }), async texts => {
      const folded = await fold(texts);
      for (const same of [
        (one: string) => one.toLowerCase(),
        (one: string) => one.normalize('NFC'),
        (one: string) => one.normalize('NFD'),
      ])
        assert.deepEqual(await fold(texts.map(same)), folded);
      assert.deepEqual(await fold(folded), folded);
    }),
    fuzzing(20),
  ));
