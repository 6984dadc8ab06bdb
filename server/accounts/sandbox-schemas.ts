import { type Book, faultCalls, faultKinds } from '../../carriers/sandbox/store.ts';
import { type Static, Type } from '../../schema/schema.ts';
import { nullable, oneOf } from '../../schema/shapes.ts';

const Fault = Type.Object(
  {
    call: oneOf(faultCalls, { description: 'Which call is to go wrong.' }),
    kind: oneOf(faultKinds, {
      description:
        'How: a refusal of that name, or before or after what was asked for is done: an error of the server, no answer, or one that is torn or about another number. A kind that means nothing for a call changes nothing.',
    }),
    times: Type.Integer({ minimum: 1, maximum: 1000, description: 'How many such calls it befalls.' }),
  },
  { additionalProperties: false, examples: [{ call: 'buy', kind: 'timeout_after', times: 1 }] },
);

const Faults = Type.Array(Fault, {
  maxItems: 100,
  description: 'What is to go wrong, the first first.',
});

export const FaultsBody = Type.Object(
  { faults: Faults },
  {
    additionalProperties: false,
    examples: [{ faults: [{ call: 'buy', kind: 'timeout_after', times: 1 }] }],
  },
);

export const SandboxBook = Type.Object({
  numbers: Type.Array(
    Type.Object({
      id: Type.String({ description: "The sandbox's id of it.", examples: ['sandbox-number-1'] }),
      phone_number: Type.String({ description: 'In E.164.', examples: ['+14155550100'] }),
      name: nullable(Type.String({ description: 'The name that it bears there.', examples: ['Front desk'] })),
      tags: Type.Array(Type.String({ examples: ['west'] }), { description: 'The tags that it bears there.' }),
      reference: nullable(Type.String({ description: 'What it was bought with.', examples: ['lk-1'] })),
      released: Type.Boolean({ description: 'Whether it was given back.', examples: [false] }),
      charges: Type.Integer({ description: 'How often it was charged for.' }),
    }),
    { description: 'Everything that the account has ever bought, the first first.' },
  ),
  charges: Type.Integer({ description: 'How many charges there were.' }),
  faults: Faults,
});

export const sandboxBody = ({ numbers, faults }: Book): Static<typeof SandboxBook> => ({
  numbers: numbers.map(({ id, phone_number, name, tags, reference, released, charges }) => ({
    id,
    phone_number,
    name,
    tags,
    reference,
    released,
    charges: charges.length,
  })),
  charges: numbers.flatMap(number => number.charges).length,
  faults,
});
