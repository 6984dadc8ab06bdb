import { type Static, type TSchema, Type } from './schema.ts';

/** A set of words, as JSON Schema's `enum`: its error names the words. */
export const oneOf = <const T extends readonly string[]>(values: T, options: object = {}) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: values, ...options });

export const nullable = <T extends TSchema>(schema: T) => {
  const { type, enum: words, ...rest } = schema as unknown as { type: string; enum?: string[] };
  return Type.Unsafe<Static<T> | null>({
    ...rest,
    type: [type, 'null'],
    ...(words && { enum: [...words, null] }),
  });
};

/** A parameter that need not be given: the validator puts its default in, so the handler always has it. */
export const withDefault = <T extends TSchema>(schema: T): T => Type.Optional(schema) as unknown as T;

/** ISO 8601 in UTC to the second, as the API family prints every moment: `2024-01-15T10:30:00Z`. */
export const Timestamp = (description: string, example = '2024-01-15T10:30:00Z') =>
  Type.String({ format: 'date-time', description, examples: [example] });

/** The ids that the API knows organizations and users by: of our making, or of the client's. */
export const OrganizationId = Type.String({
  minLength: 1,
  maxLength: 128,
  description: "The organization's unique_id.",
  examples: ['org_abc123'],
});
export const UserId = Type.String({
  minLength: 1,
  maxLength: 128,
  description: "The user's unique_id.",
  examples: ['user_xyz789'],
});
