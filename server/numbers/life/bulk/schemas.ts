import { type TSchema, Type } from '../../../../schema/schema.ts';
import { OrganizationId, UserReference, withDefault } from '../../../../schema/shapes.ts';
import { problems } from '../../../errors.ts';
import { fields } from '../../fields.ts';
import { AnyFormat, DefaultCountry, editableInput } from '../../schemas.ts';
import type { BulkItem } from './items.ts';

const itemSchema = <const A extends string, P extends Record<string, TSchema>>(action: A, fields: P) =>
  Type.Object(
    { action: Type.Literal(action, { description: 'What to do.' }), phone_number: AnyFormat, ...fields },
    { additionalProperties: false },
  );

const itemSchemas = [
  itemSchema('assign', { user_id: UserReference }),
  itemSchema('unassign', {}),
  itemSchema('tag', {
    add: Type.Optional(fields.tags.schema),
    remove: Type.Optional(fields.tags.schema),
  }),
  itemSchema('transfer', {
    to_organization_id: OrganizationId,
    end_assignment: Type.Optional(
      Type.Boolean({ description: 'If true, the number may be assigned: its assignment is ended.' }),
    ),
  }),
  itemSchema('release', {}),
  itemSchema('edit', editableInput),
];

const oneOfThese = (oneOf: object[]) =>
  Type.Unsafe<BulkItem>({
    type: 'object',
    required: ['action', 'phone_number'],
    properties: {
      action: {
        type: 'string',
        enum: ['assign', 'unassign', 'tag', 'transfer', 'release', 'edit'],
        description: 'What to do.',
      },
    },
    discriminator: { propertyName: 'action' },
    oneOf,
  });

/** An item, every value of which is right. */
export const Item = oneOfThese(itemSchemas);

/** An item that has the fields of its action, whatever their values. */
const ItemOfAnyValues = oneOfThese(
  itemSchemas.map(schema => {
    const { action, ...others } = schema.properties as Record<string, TSchema>;
    const anything = Object.keys(others).map(name => [name, {}]);
    return { ...schema, properties: { action, ...Object.fromEntries(anything) } };
  }),
);

const itemsOf = (items: typeof Item) =>
  Type.Array(items, { minItems: 1, maxItems: 10_000, description: 'The items, applied in order.' });

export const BulkBody = Type.Object(
  {
    items: itemsOf(Item),
    atomic: withDefault(
      Type.Boolean({
        default: false,
        description: 'If true, nothing is changed if an item is rejected.',
      }),
    ),
    dry_run: withDefault(
      Type.Boolean({
        default: false,
        description: 'If true, nothing is changed: the reply says what would happen.',
      }),
    ),
    default_country: DefaultCountry,
  },
  {
    additionalProperties: false,
    examples: [
      {
        items: [
          { action: 'assign', phone_number: '+14155555678', user_id: 'user_xyz789' },
          { action: 'tag', phone_number: '+14155551234', add: ['west'] },
        ],
      },
    ],
  },
);

/**
 * What a request is refused for. A wrong field or action is a mistake of the program, which all of the request may have;
 * a wrong value is one item's, and rejects that item alone.
 */
export const AcceptedBulkBody = Type.Object(
  { ...BulkBody.properties, items: itemsOf(ItemOfAnyValues) },
  { additionalProperties: false },
);

const Result = Type.Object(
  {
    index: Type.Integer({ description: 'The index of the item, from 0.' }),
    phone_number: Type.String({
      description: 'The number in E.164, or as given if it is not a phone number.',
    }),
    done: Type.Boolean({ description: 'Whether the item was applied, or would be.' }),
    code: Type.Optional(Type.String({ description: 'Why it was rejected, for programs.' })),
    error: Type.Optional(Type.String({ description: 'Why it was rejected, for people.' })),
  },
  { additionalProperties: false },
);

const results = [
  { index: 0, phone_number: '+14155555678', done: true },
  {
    index: 1,
    phone_number: '+14155551234',
    done: false,
    code: 'number_not_found',
    error: 'Phone number not found',
  },
];

export const BulkDoneBody = Type.Object(
  {
    dry_run: Type.Boolean({ description: 'Whether this was a dry run.' }),
    done: Type.Integer({ description: 'How many items were applied, or would be.' }),
    rejected: Type.Integer({ description: 'How many items were rejected.' }),
    results: Type.Array(Result, { description: 'One for each item, in order.' }),
  },
  { examples: [{ dry_run: false, done: 1, rejected: 1, results }] },
);

/** The error of an atomic bulk change, with the result of each item. */
export const BulkRejectedBody = Type.Object(
  {
    success: Type.Literal(false, { description: 'Whether the request was successful.' }),
    error: Type.String({ description: 'What is wrong, for people.' }),
    detail: Type.Optional(Type.String({ description: 'Details, for people.' })),
    code: Type.String({ description: 'What is wrong, for programs.' }),
    request_id: Type.String({ description: "The id of this request in the server's log." }),
    results: Type.Optional(Type.Array(Result, { description: 'One for each item, in order.' })),
    powered_by: Type.String({ description: "The server's brand." }),
  },
  {
    additionalProperties: false,
    examples: [
      {
        success: false,
        error: '1 of 2 items was rejected, so nothing was changed',
        code: 'bulk_rejected',
        request_id: '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b',
        results,
        powered_by: 'Teli',
      },
      {
        success: false,
        error: problems.idempotency_mismatch[1],
        code: 'idempotency_mismatch',
        request_id: '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b',
        powered_by: 'Teli',
      },
    ],
  },
);
