import { type Static, type TUnsafe, Type } from '../../schema/schema.ts';
import { nullable, OrganizationId, Timestamp } from '../../schema/shapes.ts';
import { exactly } from '../http/moments.ts';
import { timestamp } from '../http/operation.ts';
import { detailExample, E164, schemaOf } from '../numbers/schemas.ts';
import { historyNames, type NumberView } from '../numbers/state.ts';
import type { HistoryName, Tenure } from './history.ts';
import { Actor, exampleEvent } from './schemas.ts';

type StateFields = Pick<NumberView<'full'>, HistoryName>;

const stateFields = <Value>(make: (name: HistoryName) => Value) =>
  Object.fromEntries(historyNames.map(name => [name, make(name)]));

const StateBody = Type.Object(
  {
    revision: Type.Integer({ description: 'The revision of the organization that began this state.' }),
    at: Timestamp('When the state began.'),
    ended_at: nullable(Timestamp('When the state ended. Null for the current one.')),
    organization_id: OrganizationId,
    user_id: nullable(Type.String({ description: 'The user who had the number.' })),
    ...(stateFields(schemaOf) as { [Name in HistoryName]: TUnsafe<StateFields[Name]> }),
    event: nullable(Type.String({ description: 'The event that began this state.' })),
    actor: Type.Unsafe<Static<typeof Actor> | null>({
      type: ['object', 'null'],
      properties: Actor.properties,
      required: ['type', 'id'],
      additionalProperties: false,
      description: 'Who began this state.',
    }),
    request_id: nullable(Type.String({ description: 'The request that began this state.' })),
  },
  { additionalProperties: false },
);

const AssignmentBody = Type.Object(
  {
    organization_id: OrganizationId,
    user_id: Type.String({ description: 'The user who had the number.' }),
    email: Type.String({ description: "The user's e-mail address today." }),
    name: Type.String({ description: "The user's name today." }),
    assigned_at: Timestamp('When the assignment began.'),
    ended_at: nullable(Timestamp('When the assignment ended. Null for the current one.')),
  },
  { additionalProperties: false },
);

const TenureBody = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'The id of the phone record.' }),
    organization_id: OrganizationId,
    status: Type.String({ description: 'The current status, or the last one.' }),
    created_at: Timestamp('When the number came.'),
    released_at: nullable(Timestamp('When the number was released.')),
    assignments: Type.Array(AssignmentBody, { description: 'Who had the number, the latest first.' }),
    states: Type.Array(StateBody, {
      description: 'The states of the number, the latest first, each with the event that began it.',
    }),
  },
  { additionalProperties: false },
);

const exampleTenure: Static<typeof TenureBody> = {
  id: '6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
  organization_id: 'org_abc123',
  status: 'assigned',
  created_at: '2024-01-10T09:00:00.000Z',
  released_at: null,
  assignments: [
    {
      organization_id: 'org_abc123',
      user_id: 'user_xyz789',
      email: 'john@company.com',
      name: 'John Smith',
      assigned_at: '2024-01-15T10:30:00.000Z',
      ended_at: null,
    },
  ],
  states: [
    {
      revision: 6,
      at: '2024-01-15T10:30:00.000Z',
      ended_at: null,
      organization_id: 'org_abc123',
      user_id: 'user_xyz789',
      ...(stateFields(name => detailExample[name]) as StateFields),
      event: 'number.assigned',
      actor: exampleEvent.actor,
      request_id: exampleEvent.request_id,
    },
  ],
};

export const HistoryReply = Type.Object(
  {
    phone_number: E164,
    tenures: Type.Array(TenureBody, { description: 'The tenures, the latest first.' }),
  },
  { examples: [{ phone_number: '+14155551234', tenures: [exampleTenure] }] },
);

export const tenureBody = (tenure: Tenure): Static<typeof TenureBody> => ({
  id: tenure.id,
  organization_id: tenure.organization_id,
  status: tenure.status,
  created_at: exactly(tenure.created_at),
  released_at: exactly(tenure.released_at),
  assignments: tenure.assignments.map(assignment => ({
    organization_id: assignment.organization_id,
    user_id: assignment.user_id,
    email: assignment.email,
    name: assignment.name,
    assigned_at: exactly(assignment.assigned_at),
    ended_at: exactly(assignment.ended_at),
  })),
  states: tenure.states.map(state => ({
    revision: state.revision,
    at: exactly(state.at),
    ended_at: exactly(state.ended_at),
    organization_id: state.organization_id,
    user_id: state.user_id,
    ...(stateFields(name => jsonOf(state[name])) as StateFields),
    event: state.type,
    actor: state.actor_type === null ? null : { type: state.actor_type, id: state.actor_id! },
    request_id: state.request_id,
  })),
});

const jsonOf = (value: unknown) => (value instanceof Date ? timestamp(value) : value);
