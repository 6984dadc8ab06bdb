import { carriers } from '../../../carriers/carriers.ts';
import { Type } from '../../../schema/schema.ts';
import {
  AreaCodes,
  nullable,
  OrganizationId,
  oneOf,
  Timestamp,
  UserId,
  UserReference,
} from '../../../schema/shapes.ts';
import {
  AnyFormat,
  Beginning,
  DefaultCountry,
  E164,
  editableInput,
  NumberParams,
  SearchCountry,
} from '../schemas.ts';

/** The query of every call that names a number in its path. */
const TargetQuery = Type.Object(
  { organization_id: Type.Optional(OrganizationId), default_country: DefaultCountry },
  { additionalProperties: false },
);

/** The path of one number, the parameters of a call to it, and a sentence for its description. */
export const onePath = '/v1/sms/phone-numbers/:phone_number';
export const target = { params: NumberParams, querystring: TargetQuery };
export const narrowing = 'With `organization_id`, numbers of other organizations are not found.';

export const ReservationParams = Type.Object({
  reservation_id: Type.String({ format: 'uuid', description: 'The id of the reservation.' }),
});

export const AssignBody = Type.Object(
  { user_id: UserReference },
  { additionalProperties: false, examples: [{ user_id: 'user_xyz789' }] },
);

const assignedExample = {
  phone_number: '+14155551234',
  user_id: 'user_xyz789',
  assigned_at: '2024-01-15T10:30:00Z',
};

export const AssignedBody = Type.Object(
  { phone_number: E164, user_id: UserId, assigned_at: Timestamp('When it was assigned.') },
  { examples: [assignedExample] },
);

export const UnassignedBody = Type.Object(
  {
    phone_number: E164,
    user_id: Type.String({ description: 'The user who had the number.' }),
    status: oneOf(['available', 'cooling_down'], { description: 'The new status of the number.' }),
    available_at: nullable(Timestamp('When the cool-down ends; null if the number is available now.')),
  },
  {
    examples: [
      { phone_number: '+14155551234', user_id: 'user_xyz789', status: 'available', available_at: null },
    ],
  },
);

export const ClaimBody = Type.Object(
  {
    organization_id: OrganizationId,
    user_id: UserReference,
    area_code: Type.Optional(AreaCodes(100, 'If there are several, in order of preference.')),
    nearby: Type.Optional(
      Type.Boolean({
        description:
          'If true, the other area codes of the same state or province will do too, in ascending order.',
      }),
    ),
    starts_with: Type.Optional(Beginning),
    default_country: SearchCountry,
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 60 }), {
        minItems: 1,
        maxItems: 20,
        description: 'The number must have all of these tags.',
      }),
    ),
    carrier: Type.Optional(
      oneOf(Object.keys(carriers), {
        description: 'The carrier that the number must come from.',
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
  description: 'In how many seconds from now the reservation ends. At most a year.',
});

export const ReserveBody = Type.Object(
  {
    expires_in: ExpiresIn,
    note: Type.Optional(
      nullable(Type.String({ minLength: 1, maxLength: 500, description: 'What the reservation is for.' })),
    ),
  },
  { additionalProperties: false, examples: [{ expires_in: 900, note: 'Checkout of cart 1093' }] },
);

export const RenewBody = Type.Object(
  { expires_in: ExpiresIn },
  { additionalProperties: false, examples: [{ expires_in: 900 }] },
);

export const ReservationBody = Type.Object(
  {
    reservation_id: Type.String({ format: 'uuid', description: 'The id of the reservation.' }),
    phone_number: E164,
    expires_at: Timestamp('When the reservation ends.'),
    note: nullable(Type.String({ description: 'What the reservation is for.' })),
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

export const CancelledBody = Type.Object(
  { phone_number: E164 },
  { examples: [{ phone_number: '+14155551234' }] },
);

export const TransferBody = Type.Object(
  {
    to_organization_id: OrganizationId,
    end_assignment: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'If true, the number may be assigned: its assignment is ended.',
      }),
    ),
  },
  { additionalProperties: false, examples: [{ to_organization_id: 'org_def456' }] },
);

export const Released = Type.Object(
  {
    phone_number: E164,
    released_at: Timestamp('When the number was released. With an undo window: when the window ends.'),
    billing_stopped: Type.Boolean({
      description:
        'Whether no later week is charged. False while the release of a number that has a weekly fee can be undone.',
    }),
    already_released: Type.Boolean({ description: 'Whether an earlier call released it.' }),
    can_be_undone: Type.Boolean({ description: 'Whether the release can be undone until `released_at`.' }),
    message: Type.String({ description: 'The same as text, for people.' }),
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
          phone_number: AnyFormat,
          ...editableInput,
          user_id: Type.Optional(nullable(UserReference)),
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

export const NumberEditBody = Type.Object(editableInput, {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ nickname: 'Support Line', tags: ['support'] }],
});
