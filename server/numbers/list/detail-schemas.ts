import { Type } from '../../../schema/schema.ts';
import { DefaultCountry, detailExample, NumberDetail } from '../schemas.ts';

export const LookUpBody = Type.Object(
  {
    // Any text: one that is not a number is answered by itself.
    phone_numbers: Type.Array(Type.String({ description: 'A phone number in any usual format.' }), {
      minItems: 1,
      maxItems: 1000,
      description: 'The numbers to look up.',
    }),
    default_country: DefaultCountry,
  },
  {
    additionalProperties: false,
    examples: [{ phone_numbers: ['(415) 555-1234', '+14155550000', 'anonymous'] }],
  },
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
          code: Type.Optional(
            Type.String({ description: 'If the text is not a phone number: `invalid_request`.' }),
          ),
          error: Type.Optional(
            Type.String({ description: 'Why no phone number can be read from the text, for people.' }),
          ),
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
          {
            asked: 'anonymous',
            phone_number: null,
            code: 'invalid_request',
            error: 'phone_number is not a phone number',
          },
        ],
        count: 1,
      },
    ],
  },
);
