import { Type } from '../../../schema/schema.ts';
import { AnyFormat, DefaultCountry, detailExample, NumberDetail } from '../schemas.ts';

export const LookUpBody = Type.Object(
  {
    phone_numbers: Type.Array(AnyFormat, {
      minItems: 1,
      maxItems: 1000,
      description: 'The numbers to look up.',
    }),
    default_country: DefaultCountry,
  },
  { additionalProperties: false, examples: [{ phone_numbers: ['(415) 555-1234', '+14155550000'] }] },
);

export const LookUpResultBody = Type.Object(
  {
    results: Type.Array(
      Type.Object(
        {
          asked: Type.String({
            description: 'The number as it was given.',
            examples: ['(415) 555-1234'],
          }),
          phone_number: Type.Union([NumberDetail, Type.Null()], {
            description: 'The number in full; null if it does not exist or you may not see it.',
          }),
        },
        { additionalProperties: false },
      ),
      { description: 'One for each number, in the order given.' },
    ),
    count: Type.Integer({ description: 'How many numbers were found.' }),
  },
  {
    examples: [
      {
        results: [
          { asked: '(415) 555-1234', phone_number: detailExample },
          { asked: '+14155550000', phone_number: null },
        ],
        count: 1,
      },
    ],
  },
);
