import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Patterns } from './patterns.ts';
import { tables } from './tables.ts';

/** What the tables say of one plan, as we read it and as regular expressions. */
const plans = [...Object.values(tables.countries), ...Object.values(tables.nonGeographic)].map(row => {
  const whole = [row[2], ...(row[11] ?? []).flatMap(kind => (kind === 0 ? [] : [kind[0]]))];
  const beginnings = (row[4] || []).map(([, , leading]) => (leading || []).at(-1) ?? '');
  const expressions = [...whole.map(one => `^(?:${one})$`), ...beginnings.map(one => `^(?:${one})`)];
  return {
    whole: whole.filter(pattern => pattern !== ''),
    patterns: new Patterns(whole, beginnings),
    expressions: expressions.map(expression => new RegExp(expression)),
  };
});

test('what the tables say is understood as regular expressions are', () => {
  const digits = fc.stringMatching(/^\d{0,17}$/);
  const tried = fc.constantFrom(...plans).chain(({ whole, patterns, expressions }) => {
    const fitting = fc.constantFrom(...whole).chain(one => fc.stringMatching(new RegExp(`^(?:${one})$`)));
    const longer = fc.tuple(fitting, digits).map(([one, other]) => one + other);
    return fc.oneof(digits, fitting, longer).map(text => ({ text, patterns, expressions }));
  });
  const property = fc.property(tried, ({ text, patterns, expressions }) => {
    const bits = expressions.reduce((fit, expression, at) => fit | (expression.test(text) ? 1 << at : 0), 0);
    assert.equal(patterns.fitting(text), bits, text);
  });
  fc.assert(property, { numRuns: Number(process.env.READER_RUNS ?? 2000) });
});

test('what is no pattern over digits is refused', () => {
  for (const pattern of ['a', '\\d+', '\\d*', '(?=1)', '[^1]']) assert.throws(() => new Patterns([pattern]));
});
