import { type Static, type TSchema, Type } from './schema.ts';

/** One of a set of words. As JSON Schema's `enum`, because Ajv's error then lists the words. */
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

const rules = new Map<string, string>();

/**
 * Text of a certain form.
 * @param rule the form in words, with an example. An error says "must be …" with it, and never shows the pattern.
 */
export const textLike = (pattern: string, rule: string, options: object = {}) => {
  rules.set(pattern, rule);
  return Type.String({ pattern, ...options });
};

/** The form that a pattern of textLike() stands for, in words. */
export const ruleOf = (pattern: string): string | undefined => rules.get(pattern);

/** An optional parameter with a default. The validator fills the default in, so the handler always has a value. */
export const withDefault = <T extends TSchema>(schema: T): T => Type.Optional(schema) as unknown as T;

/** A moment in ISO 8601, in UTC and to the second, as everywhere in the API: `2024-01-15T10:30:00Z`. */
export const Timestamp = (description: string, example = '2024-01-15T10:30:00Z') =>
  Type.String({ format: 'date-time', description, examples: [example] });

/** The ids of organizations and users in the API. The client may choose them. */
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

/** A geographic or toll-free area code of the North American plan. */
const areaCode = '^[2-9][0-9]{2}$';
export const AreaCode = textLike(
  areaCode,
  'three digits, of which the first is neither 0 nor 1, such as 415',
  { description: 'A North American area code.', examples: ['415'] },
);

/** Several types instead of `anyOf`, so that an error names the place and the rule. */
export const AreaCodes = (max: number, description: string) =>
  Type.Unsafe<string | string[]>({
    type: ['string', 'array'],
    pattern: areaCode,
    items: AreaCode,
    minItems: 1,
    maxItems: max,
    description: `A North American area code, or several. ${description}`,
    examples: ['415', ['415', '628']],
  });

const areaCodesWithCommas = '^[2-9][0-9]{2}(,[2-9][0-9]{2})*$';
rules.set(areaCodesWithCommas, 'area codes of three digits such as 415, with commas between them');

/** For a query, where a list is given several times, or once with commas. */
export const AreaCodesInQuery = (description: string) =>
  Type.Unsafe<string | string[]>({
    type: ['string', 'array'],
    pattern: areaCodesWithCommas,
    items: AreaCode,
    description,
    examples: ['415,628'],
  });

/** How a request names a user of an organization: users/references.ts finds the user. */
export const UserReference = Type.String({
  minLength: 1,
  maxLength: 320,
  description: "The user's unique_id or e-mail address.",
  examples: ['user_xyz789'],
});
