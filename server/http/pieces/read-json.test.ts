import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Problem } from '../../errors.ts';
import { fuzzing } from '../../testing/runs.ts';
import { readJson, runBytes } from './read-json.ts';

const parse = (text: string): unknown => JSON.parse(text);
const read = (text: string, max?: number) => readJson(Buffer.from(text), parse, () => max);

/** An object with lists, longer than one run, with white space between all of its parts. */
const body = fc
  .tuple(
    fc.dictionary(
      fc.string({ maxLength: 5 }).filter(name => name !== '__proto__'),
      fc.oneof(fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 6 }), fc.jsonValue({ maxDepth: 3 })),
    ),
    fc.array(fc.integer({ min: 1, max: runBytes * 2 }), { maxLength: 4 }),
    fc.constantFrom(undefined, 1, '\t'),
  )
  .map(([fields, lengths, space]) => {
    const list = lengths.flatMap(length => ['x'.repeat(length), { a: [length] }, []]);
    return JSON.stringify({ ...fields, list, last: fields }, undefined, space);
  });

test('a body that is read in runs is the same as one that is read at once', () =>
  fc.assert(
    fc.asyncProperty(body, async text => assert.deepEqual(await read(text), JSON.parse(text))),
    fuzzing(200),
  ));

test('what is not JSON is refused, wherever it is broken', () =>
  fc.assert(
    fc.asyncProperty(
      body,
      fc.nat(),
      fc.constantFrom('', ',', ']', '}', '[', '{', '"', ':', ' ', '1', '\\'),
      fc.boolean(),
      async (text, place, put, replaces) => {
        const at = place % text.length;
        const broken = text.slice(0, at) + put + text.slice(replaces ? at + 1 : at);
        let expected: unknown;
        try {
          expected = JSON.parse(broken);
        } catch {}
        if (expected !== undefined) assert.deepEqual(await read(broken), expected);
        else
          await assert.rejects(
            read(broken),
            error => error instanceof SyntaxError || error instanceof Problem,
          );
      },
    ),
    fuzzing(500),
  ));

test('a comma too many at the end of a run is found', async () => {
  const full = JSON.stringify({ list: ['x'.repeat(runBytes)] });
  await read(full);
  for (const text of [full.replace(']', ',]'), full.replace('[', '[,'), full.replace(']', ',,1]')])
    await assert.rejects(read(text), SyntaxError);
});

test('a list is refused at its first element too many, and nothing after it is read', async () => {
  const text = `{"list":[${Array(1000).fill(0).join()}`;
  await assert.rejects(read(text, 999), (error: Problem) => {
    assert.equal(error.message, 'list must not have more than 999 items');
    return true;
  });
  assert.equal(((await read(`${text}]}`, 1000)).list as unknown[]).length, 1000);
});

test('a body with too much in one part, or too many parts, is refused by name', async () => {
  const refused: [string, string][] = [
    [`{"a":"${'x'.repeat(300_000)}"}`, 'a is larger than 262144 bytes'],
    [`{"a":[1,"${'x'.repeat(300_000)}"]}`, 'a[1] is larger than 262144 bytes'],
    [`{"a":[1,[${'0,'.repeat(150_000)}0]]}`, 'a[1] is larger than 262144 bytes'],
    [`{"${'x'.repeat(300_000)}":1}`, 'a name is larger than 262144 bytes'],
    [`{"a":[${'[],'.repeat(400_000)}0]}`, 'The body has more than 700,000 values'],
    [`{"a":0${',"a":0'.repeat(100)}}`, 'The body has more than 100 fields'],
    [`{"a":[${'['.repeat(30)}`, 'The body is nested too deep'],
  ];
  for (const [text, detail] of refused)
    await assert.rejects(read(text), error => {
      assert.ok(error instanceof Problem);
      assert.deepEqual([error.code, error.detail ?? error.message], ['body_invalid', detail]);
      return true;
    });
  await assert.rejects(read(`[${'0,'.repeat(100_000)}0]`), { message: 'the body must be an object' });
});
