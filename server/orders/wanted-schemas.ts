import { Type } from '../../schema/schema.ts';
import { AreaCodes, AreaCodesInQuery, nullable, textLike, withDefault } from '../../schema/shapes.ts';
import { areaCodesMax } from './wanted.ts';

// What a number to buy must be like, in requests and in orders.

export const Country = withDefault(
  textLike('^[A-Z]{2}$', 'two capital letters such as US', {
    default: 'US',
    description:
      'The country to buy in, as an ISO 3166-1 alpha-2 code. With `US`, the default, a North American area code says which country it is: `416` is Canada.',
    examples: ['US'],
  }),
);

const Text = (description: string, example: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 40, description, examples: [example] }));

const digits = {
  starts_with: Text(
    'The first digits, in any formatting: with `+` and the country code, or without both.',
    '+1415555',
  ),
  ends_with: Text('The last digits, 1 to 10 of them. Letters stand for the digits of their keys.', '0199'),
  contains: Text(
    'Digits that follow each other anywhere in the number. `*` stands for any one digit, and letters for the digits of their keys: `555*99`, `800-FLOWERS`.',
    '555*99',
  ),
  toll_free: Type.Optional(
    Type.Boolean({
      description:
        'If true, toll-free numbers. Otherwise none, unless the area code or the digits are those of toll-free numbers.',
    }),
  ),
};

const inOrder =
  'If there are several, in order of preference: each is tried only if the ones before it have nothing for sale.';

/** For a body. */
export const wishes = { area_code: Type.Optional(AreaCodes(areaCodesMax, inOrder)), ...digits };

/** For a query. */
export const queryWishes = {
  area_code: Type.Optional(
    AreaCodesInQuery(
      `An area code, or several with commas, ${areaCodesMax} at most. Numbers of the first come first.`,
    ),
  ),
  ...digits,
};

/** In an order. */
export const wanted = {
  area_code: nullable(Type.String({ description: 'The requested area code; of several, the first.' })),
  area_codes: Type.Array(Type.String(), {
    description: 'All requested area codes, in order of preference.',
    examples: [['415', '628']],
  }),
  wanted_number: nullable(Type.String({ description: 'The requested number, if the request named one.' })),
  starts_with: nullable(Type.String({ description: 'The requested first digits, in E.164.' })),
  ends_with: nullable(Type.String({ description: 'The requested last digits.' })),
  contains: nullable(
    Type.String({ description: 'The requested digits anywhere in the number; `*` is any one digit.' }),
  ),
  toll_free: Type.Boolean({ description: 'Whether a toll-free number was requested.' }),
};

export const wantedExample = {
  area_code: '415',
  area_codes: ['415'],
  wanted_number: null,
  starts_with: null,
  ends_with: null,
  contains: null,
  toll_free: false,
};
