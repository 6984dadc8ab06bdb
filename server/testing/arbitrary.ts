import fc from 'fast-check';

/** What we use of JSON Schema. */
export type Schema = {
  type?: string | string[];
  enum?: unknown[];
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  discriminator?: { propertyName: string };
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean;
  description?: string;
};

/** Values that exist, by the name of the field or parameter that they stand in: they get a request past its 404. */
export type Known = Record<string, string[]>;

/** Text that has made servers stumble. */
export const nastyText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    '\udc00x',
    '\u{1f4de}',
    '\u202e',
    "'",
    '"',
    '\\',
    '%',
    '%00',
  ),
  fc.constantFrom('null', 'true', '0', '-1', '1e999', '[]', '{}', '__proto__', 'constructor', '../..', '$1'),
  fc.constantFrom(
    'x'.repeat(129),
    'x'.repeat(201),
    'x'.repeat(2000),
    '+'.repeat(64),
    '１２３４５６７',
    '٤١٥٥٥٥١٢٣٤',
  ),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
);

const nastyNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 1.5, 2 ** 31, 2 ** 53, 2 ** 64, 1e308, 5e-324),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const nested = fc.integer({ min: 2, max: 60 }).map(depth => {
  let value: unknown = [];
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
});

/** Moments that exist nowhere, that only some readers know, or that lie at the ends of what can be stored. */
export const nastyMoment: fc.Arbitrary<string> = fc.constantFrom(
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '10000-01-01T00:00:00Z',
  '9999-12-31T23:59:59-23:59',
  '1000-01-01T00:00:00+23:59',
  '2024-01-15T10:30:00+23:59',
  '2024-01-15T10:30:00+24:00',
  '2016-12-31T23:59:60Z',
  '1990-12-31T15:59:60-08:00',
  '2024-01-15T24:00:00Z',
  '2024-02-30T00:00:00Z',
  '2023-02-29T00:00:00Z',
  '2024-13-01T00:00:00Z',
  '2024-01-15T10:30:00.123456789123456789Z',
  '2024-01-15t10:30:00z',
  '2024-01-15 10:30:00Z',
  '2024-01-15T10:30:00',
  '2024-01-15T10:30Z',
  '2024-01-15T10:30:00+0530',
  'infinity',
  'now',
);

const inside = (levels: number): unknown => (levels === 0 ? 'x' : { a: inside(levels - 1) });

/** Objects at, and beyond, every bound that one with fields of its own choosing can have. */
const nastyObject: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    {},
    null,
    [],
    inside(5),
    inside(6),
    inside(19),
    { a: [[[[1]]]] },
    { a: [[[[[]]]]] },
    { a: 'x'.repeat(7992) },
    { a: 'x'.repeat(7993) },
    { a: '\u2028'.repeat(7992) },
    { ['x'.repeat(7000)]: 1 },
    { a: Array.from({ length: 1300 }, () => 1e308) },
    Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`field ${index}`, index])),
    { '': '', ' ': null, 'a\nb': true },
    { a: 'x\0' },
    { 'a\0': 1 },
    { a: ['\ud800'] },
    { '\udc00': 1 },
    { constructor: 1, toString: null, hasOwnProperty: [] },
    // Not a literal: `__proto__` is to be a field like any other.
    JSON.parse('{"__proto__": {"locked": true}}'),
    JSON.parse('{"a": {"__proto__": {}}}'),
    { constructor: { prototype: { a: 1 } } },
  ),
  fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 6 })),
);

/** Any JSON value. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false),
  nastyNumber,
  nastyText,
  fc.jsonValue({ maxDepth: 2 }),
  nested,
);

/** Values that `schema` allows. */
export function valid(schema: Schema, known: Known = {}, name = ''): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if ('const' in schema) return fc.constant(schema.const);
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return fc.oneof(...choices.map(choice => valid(choice, known, name)));
  const types = [schema.type ?? 'string'].flat();
  return fc.oneof(...types.map(type => validOfType(type, schema, known, name)));
}

function validOfType(type: string, schema: Schema, known: Known, name: string): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1000, max: schema.maximum ?? 1000 });
    // Amounts of money, which have four decimals at most.
    case 'number':
      return fc
        .integer({ min: (schema.minimum ?? -1000) * 10_000, max: (schema.maximum ?? 1000) * 10_000 })
        .map(amount => amount / 10_000);
    case 'array':
      return (schema.uniqueItems ? fc.uniqueArray : fc.array)(valid(schema.items ?? {}, known, name), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 5, 5),
      });
    case 'object': {
      if (isOpen(schema)) return ownFields;
      const fields = Object.entries(schema.properties ?? {}).map(
        ([field, inner]) => [field, valid(inner, known, field)] as const,
      );
      return fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [] });
    }
    default: {
      const made = validText(schema);
      const there = known[name];
      return there
        ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...there) }, { weight: 1, arbitrary: made })
        : made;
    }
  }
}

const isOpen = (schema: Schema): boolean => schema.additionalProperties === true && !schema.properties;

const ownFields = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 20 }).filter(name => name !== '__proto__' && name !== 'constructor'),
  fc.oneof(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.jsonValue({ maxDepth: 2 })),
  { maxKeys: 5 },
);

function validText({ pattern, format, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  if (pattern) return fc.stringMatching(new RegExp(pattern)).filter(text => text.length <= maxLength);
  switch (format) {
    case 'uuid':
      return fc.uuid();
    case 'email':
      return fc.emailAddress();
    case 'date-time':
      return fc
        .date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
        .map(date => date.toISOString());
    default:
      return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 40) });
  }
}

/** Values that are like what `schema` allows and then have something done to them; most are not allowed. */
export function spoilt(schema: Schema, known: Known = {}, name = ''): fc.Arbitrary<unknown> {
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return fc.oneof(anything, ...choices.map(choice => spoilt(choice, known, name)));
  if (schema.items) {
    const list = valid(schema, known, name) as fc.Arbitrary<unknown[] | null>;
    const more = fc
      .tuple(list, spoilt(schema.items, known, name))
      .map(([right, wrong]) => [...(right ?? []), wrong]);
    return fc.oneof({ weight: 3, arbitrary: more }, anything, fc.constant(Array(20_001).fill('x')));
  }
  if (isOpen(schema)) return fc.oneof({ weight: 3, arbitrary: nastyObject }, anything);
  if (schema.format === 'date-time' || name === 'as_of') return fc.oneof(nastyMoment, anything);
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return anything;
  const right = valid(schema, known) as fc.Arbitrary<Record<string, unknown>>;
  const field = fc.constantFrom(...fields.map(([name]) => name));
  const spoiltField = fc.oneof(
    ...fields.map(([name, inner]) => fc.tuple(fc.constant(name), spoilt(inner, known, name))),
  );
  return fc.oneof(
    anything,
    {
      weight: 3,
      arbitrary: fc.tuple(right, spoiltField).map(([value, [name, other]]) => ({ ...value, [name]: other })),
    },
    fc
      .tuple(right, field)
      .map(([value, name]) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))),
    fc
      .tuple(right, fc.oneof(nastyText, fc.constantFrom('id', 'tenant_id', 'toString')), anything)
      // Not a literal: `__proto__` is to be a field like any other.
      .map(([value, name, other]) => Object.fromEntries([...Object.entries(value), [name, other]])),
  );
}
