import { type Book, faultCalls, faultKinds } from '../../carriers/sandbox/store.ts';
import { type Static, Type } from '../../schema/schema.ts';
import { nullable, oneOf } from '../../schema/shapes.ts';

const Fault = Type.Object(
  {
    call: oneOf(faultCalls, { description: 'The call that fails.' }),
    kind: oneOf(faultKinds, {
      description:
        'How the call fails: a refusal of that name; a server error or a timeout, before or after the sandbox does the work; a torn reply; or a reply about another number. A kind that does not apply to a call has no effect.',
    }),
    times: Type.Integer({ minimum: 1, maximum: 1000, description: 'How many such calls fail.' }),
  },
  { additionalProperties: false, examples: [{ call: 'buy', kind: 'timeout_after', times: 1 }] },
);

const Faults = Type.Array(Fault, {
  maxItems: 100,
  description: 'The faults still to come, in order.',
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
      id: Type.String({ description: "The sandbox's id of the number.", examples: ['sandbox-number-1'] }),
      phone_number: Type.String({ description: 'In E.164.', examples: ['+14155550100'] }),
      name: nullable(Type.String({ description: 'Its name at the sandbox.', examples: ['Front desk'] })),
      tags: Type.Array(Type.String({ examples: ['west'] }), { description: 'Its tags at the sandbox.' }),
      reference: nullable(Type.String({ description: 'The reference of its purchase.', examples: ['lk-1'] })),
      released: Type.Boolean({ description: 'Whether it was released.', examples: [false] }),
      charges: Type.Integer({ description: 'How often it was charged for.' }),
    }),
    { description: 'All numbers that the account ever bought, the oldest first.' },
  ),
  charges: Type.Integer({ description: 'How many charges there were in all.' }),
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
