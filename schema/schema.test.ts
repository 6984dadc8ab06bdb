import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type as TypeBox } from 'typebox';
import { Type } from './schema.ts';
import { shapeOf } from './shape.ts';

type Builder = typeof Type | typeof TypeBox;

/** By builder, a schema of each form in which we call it. */
const built = (Type: Builder) => ({
  String: [Type.String(), Type.String({ pattern: '^a', description: 'Text.' })],
  Integer: [Type.Integer(), Type.Integer({ minimum: 1 })],
  Number: [Type.Number(), Type.Number({ maximum: 1.5 })],
  Boolean: [Type.Boolean(), Type.Boolean({ default: false })],
  Null: [Type.Null(), Type.Null({ description: 'Nothing.' })],
  Unknown: [Type.Unknown(), Type.Unknown({ description: 'Anything.' })],
  Literal: [Type.Literal('a'), Type.Literal(7), Type.Literal(true, { description: 'Yes.' })],
  Union: [Type.Union([Type.String(), Type.Null()]), Type.Union([Type.Integer()], { description: 'One.' })],
  Array: [Type.Array(Type.String()), Type.Array(Type.Integer(), { minItems: 1 })],
  Record: [
    Type.Record(Type.String(), Type.Unknown()),
    Type.Record(Type.String(), Type.Integer(), { maxProperties: 2 }),
  ],
  Object: [
    Type.Object({}),
    Type.Object({ a: Type.String(), b: Type.Optional(Type.String()) }, { additionalProperties: false }),
    Type.Object({ a: Type.Optional(Type.Integer({ minimum: 0 })) }),
  ],
  Optional: [Type.Optional(Type.String({ format: 'uuid' }))],
  Partial: [
    Type.Partial(Type.Object({ a: Type.String(), b: Type.Optional(Type.Integer()) })),
    Type.Partial(Type.Object({ a: Type.String() }, { description: 'All.' }), { minProperties: 1 }),
  ],
  Unsafe: [Type.Unsafe<'a'>({ type: 'string', enum: ['a'] })],
});

test('each builder makes what TypeBox makes', () => {
  const [ours, theirs] = [built(Type), built(TypeBox)].map(all => JSON.parse(JSON.stringify(all)));
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(Type).sort());
  assert.deepEqual(ours, theirs);
});

test('a shape tells a value that fits from one that does not', () => {
  const shape = shapeOf(Type.Object({ a: Type.String(), b: Type.Optional(Type.Integer()) }));
  for (const value of [{ a: '' }, { a: 'x', b: 1, c: [] }]) assert.equal(shape.Check(value), true);
  for (const value of [undefined, null, [], {}, { a: 1 }, { a: 'x', b: 1.5 }])
    assert.equal(shape.Check(value), false);
});
