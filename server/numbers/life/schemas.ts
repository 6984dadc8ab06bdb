import { carriers } from '../../../carriers/carriers.ts';
import { Type } from '../../../schema/schema.ts';
import { nullable, OrganizationId, oneOf, Timestamp, UserId } from '../../../schema/shapes.ts';
import { AnyWriting, DefaultCountry, E164, editing, NumberParams } from '../schemas.ts';

/** Narrows a number down and says how it is read, on every call that names one in its path. */
const TargetQuery = Type.Object(
  { organization_id: Type.Optional(OrganizationId), default_country: DefaultCountry },
  { additionalProperties: false },
);

/** The path of one number, what a call on it takes, and a sentence for its description. */
export const onePath = '/v1/sms/phone-numbers/:phone_number';
export const target = { params: NumberParams, querystring: TargetQuery };
export const narrowing = 'With `organization_id` a number of any other organization is not found.';

export const ReservationParams = Type.Object({
  reservation_id: Type.String({ format: 'uuid', description: 'The id of the reservation.' }),
});

export const AssignBody = Type.Object(
  { user_id: UserId },
  { additionalProperties: false, examples: [{ user_id: 'user_xyz789' }] },
);

const assigned = {
  phone_number: '+14155551234',
  user_id: 'user_xyz789',
  assigned_at: '2024-01-15T10:30:00Z',
};

export const Assigned = Type.Object(
  { phone_number: E164, user_id: UserId, assigned_at: Timestamp('When it was assigned.') },
  { examples: [assigned] },
);

export const Unassigned = Type.Object(
  {
    phone_number: E164,
    user_id: Type.String({ description: 'Who had it until now.' }),
    status: oneOf(['available', 'cooling_down'], { description: 'What it is now.' }),
    available_at: nullable(Timestamp('When its rest ends; null when it is available at once.')),
  },
  {
    examples: [
      { phone_number: '+14155551234', user_id: 'user_xyz789', status: 'available', available_at: null },
    ],
  },
);

export const AreaCode = Type.String({
  pattern: '^[2-9][0-9]{2}$',
  description: 'A North American area code.',
  examples: ['415'],
});

export const ClaimBody = Type.Object(
  {
    organization_id: OrganizationId,
    user_id: UserId,
    area_code: Type.Optional(
      Type.Unsafe<string | string[]>({
        anyOf: [AreaCode, Type.Array(AreaCode, { minItems: 1, maxItems: 100 })],
        description: 'An area code, or several in order of preference.',
      }),
    ),
    nearby: Type.Optional(
      Type.Boolean({
        description:
          'Whether, after these area codes, the other area codes of the same state or province will do, in ascending order.',
      }),
    ),
    starts_with: Type.Optional(
      Type.String({
        pattern: '^\\+?[0-9]{1,15}$',
        description: 'The first digits of the number, country code included.',
      }),
    ),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 60 }), {
        minItems: 1,
        maxItems: 20,
        description: 'It must have all of these.',
      }),
    ),
    carrier: Type.Optional(
      oneOf(Object.keys(carriers), {
        description: 'Which carrier it must come from.',
        examples: ['sandbox'],
      }),
    ),
  },
  {
    additionalProperties: false,
    examples: [{ organization_id: 'org_abc123', user_id: 'user_xyz789', area_code: ['415', '628'] }],
  },
);

const ExpiresIn = Type.Integer({
  minimum: 1,
  maximum: 31_536_000,
  description: 'For how many seconds from now, a year at most.',
});

export const ReserveBody = Type.Object(
  {
    expires_in: ExpiresIn,
    note: Type.Optional(
      nullable(Type.String({ minLength: 1, maxLength: 500, description: 'What it is for.' })),
    ),
  },
  { additionalProperties: false, examples: [{ expires_in: 900, note: 'Checkout of cart 1093' }] },
);

export const RenewBody = Type.Object(
  { expires_in: ExpiresIn },
  { additionalProperties: false, examples: [{ expires_in: 900 }] },
);

export const Reservation = Type.Object(
  {
    reservation_id: Type.String({ format: 'uuid', description: 'The id of the reservation.' }),
    phone_number: E164,
    expires_at: Timestamp('When it ends by itself.'),
    note: nullable(Type.String({ description: 'What it is for.' })),
  },
  {
    examples: [
      {
        reservation_id: '0199f3a0-ad52-7f96-a05e-8b7c2d3e4f50',
        phone_number: '+14155551234',
        expires_at: '2024-01-15T10:45:00Z',
        note: 'Checkout of cart 1093',
      },
    ],
  },
);

export const Ended = Type.Object({ phone_number: E164 }, { examples: [{ phone_number: '+14155551234' }] });

export const TransferBody = Type.Object(
  {
    to_organization_id: OrganizationId,
    end_assignment: Type.Optional(
      Type.Boolean({ default: false, description: 'Whether an assignment that stands in the way is ended.' }),
    ),
  },
  { additionalProperties: false, examples: [{ to_organization_id: 'org_def456' }] },
);

export const Released = Type.Object(
  {
    phone_number: E164,
    released_at: Timestamp('When it is or was given up; with an undo window, when that ends.'),
    billing_stopped: Type.Boolean({
      description:
        'Whether it is out of all later billing; not yet while the release of a number of a carrier account can be undone.',
    }),
    already_released: Type.Boolean({ description: 'Whether an earlier call had released it.' }),
    can_be_undone: Type.Boolean({ description: 'Whether the release can be taken back until then.' }),
    message: Type.String({ description: 'The same for people.' }),
  },
  {
    examples: [
      {
        phone_number: '+14155551234',
        released_at: '2024-06-01T12:00:00Z',
        billing_stopped: true,
        already_released: false,
        can_be_undone: false,
        message: 'The number has been released',
      },
    ],
  },
);

export const AddNumbersBody = Type.Object(
  {
    organization_id: OrganizationId,
    phone_numbers: Type.Array(
      Type.Object(
        {
          phone_number: AnyWriting,
          ...editing,
          user_id: Type.Optional(nullable(UserId)),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 1000, description: 'The numbers to add.' },
    ),
    default_country: DefaultCountry,
  },
  {
    additionalProperties: false,
    examples: [
      {
        organization_id: 'org_abc123',
        phone_numbers: [{ phone_number: '(415) 555-1234', nickname: 'Sales Line', user_id: 'user_xyz789' }],
      },
    ],
  },
);

export const NumberEditBody = Type.Object(editing, {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ nickname: 'Support Line', tags: ['support'] }],
});
