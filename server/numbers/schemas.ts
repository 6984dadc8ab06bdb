import { type TOptional, type TSchema, type TUnsafe, Type } from '../../schema/schema.ts';
import { nullable, oneOf, withDefault } from '../../schema/shapes.ts';
import { fields } from './fields.ts';
import { fieldsOf, type View } from './json.ts';
import { countries, defaultCountry } from './phone-number.ts';
import {
  type Editable,
  type EditableName,
  editableNames,
  type FieldName,
  field,
  type NumberView,
} from './state.ts';

export const E164 = fields.phone_number.schema;

export const AnyFormat = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'A phone number in any usual format: `+14155551234`, `(415) 555-1234`, `+44 20 7946 0958`.',
  examples: ['+14155551234'],
});

export const DefaultCountry = withDefault(
  oneOf([...countries].sort(), {
    default: defaultCountry,
    description: 'The country of numbers that are given without `+`: ISO 3166-1 alpha-2.',
  }),
);

const digitsFormat = { format: 'phone-digits', maxLength: 64 };

/** The first digits of numbers, and digits anywhere in them, as filters. phone-numbers/beginnings.ts reads them. */
export const Beginning = Type.String({
  ...digitsFormat,
  description:
    'The first digits, country code included, in any formatting. With `default_country` the country code may be missing: `07700`.',
});
export const Digits = (description: string) =>
  Type.String({ ...digitsFormat, description: `${description}, in any formatting.` });
export const SearchCountry = Type.Optional(
  oneOf([...countries].sort(), {
    description: 'The country of digits that are given without `+`. By default they have their country code.',
  }),
);

export const NumberParams = Type.Object({ phone_number: AnyFormat });
export const CountryQuery = Type.Object({ default_country: DefaultCountry }, { additionalProperties: false });

export const schemaOf = (name: FieldName): TSchema => {
  const { schema, nullable: mayBeNull } = field(name);
  return mayBeNull ? nullable(schema) : schema;
};

const viewSchema = <V extends View>(view: V, options: object = {}) =>
  Type.Unsafe<NumberView<V>>(
    Type.Object(Object.fromEntries(fieldsOf(view).map(name => [name, schemaOf(name)])), {
      ...options,
      additionalProperties: false,
    }),
  );

const exampleOf = <V extends View>(view: V): NumberView<V> =>
  Object.fromEntries(fieldsOf(view).map(name => [name, fields[name].example])) as NumberView<V>;

export const assignedExample = exampleOf('list');
export const availableExample: NumberView<'list'> = {
  ...assignedExample,
  id: '8a2b3c4d-5e6f-7890-abcd-ef1234567890',
  phone_number: '+14155555678',
  pretty_phone_number: '+1 415-555-5678',
  nickname: null,
  is_available: true,
  assigned_to: null,
  assigned_at: null,
  created_at: '2024-01-12T14:00:00Z',
};
export const detailExample = exampleOf('detail');

export const ListedNumber = viewSchema('list');
export const FullNumber = viewSchema('full');
export const NumberDetail = viewSchema('detail', {
  description: 'A number in full.',
  examples: [detailExample],
});

type Editing = { [Name in EditableName]: TOptional<TUnsafe<Editable[Name] | null>> };

/** The fields that admins edit, as properties of a request body: all optional, and null clears. */
export const editableInput = Object.fromEntries(
  editableNames.map(name => [name, Type.Optional(nullable(field(name).schema))]),
) as Editing;

/** The same fields as properties of a reply. */
export const editableOutput = Object.fromEntries(editableNames.map(name => [name, schemaOf(name)])) as {
  [Name in EditableName]: TUnsafe<Editable[Name]>;
};
export const editableExample = Object.fromEntries(
  editableNames.map(name => [name, fields[name].example]),
) as Editable;

/** The reply of every route for one number. */
export const OneNumber = Type.Object({ phone_number: NumberDetail });
