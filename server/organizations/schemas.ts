import { type Static, Type } from 'typebox';
import { nullable, oneOf, Timestamp, timestamp } from '../http/operation.ts';
import type { OrganizationWithNumber } from './organizations.ts';

const description = "The organization's unique_id.";
export const OrganizationId = Type.String({
  minLength: 1,
  maxLength: 128,
  description,
  examples: ['org_abc123'],
});

export const OrganizationParams = Type.Object({ organization_id: OrganizationId });

const Name = Type.String({ minLength: 1, maxLength: 200, description: 'What the organization is called.' });
export const Email = Type.String({ format: 'email', maxLength: 320, description: 'An e-mail address.' });
const Status = oneOf(['active', 'suspended', 'inactive'], { description: "The organization's standing." });
const Registration = oneOf(['not_started', 'brand_created', 'pending_approval', 'approved', 'rejected'], {
  description: 'How far the 10DLC registration is.',
});
/** Ids that a client brings along: anything that can stand in a URL and on a line. */
export const OwnUniqueId = Type.String({
  pattern: '^[A-Za-z0-9_.:-]{1,128}$',
  description: 'An id of your own, when you migrate from elsewhere. Not given: one is made.',
});

export const NewOrganizationBody = Type.Object(
  {
    name: Name,
    contact_email: Type.Optional(nullable(Email)),
    unique_id: Type.Optional(OwnUniqueId),
  },
  { additionalProperties: false, examples: [{ name: 'Acme Dental', contact_email: 'ops@acme.example' }] },
);

export const OrganizationEditBody = Type.Object(
  {
    name: Type.Optional(Name),
    contact_email: Type.Optional(nullable(Email)),
    status: Type.Optional(Status),
    sms_active: Type.Optional(
      Type.Boolean({ description: 'Whether the organization may buy and use SMS numbers.' }),
    ),
    sms_registration_status: Type.Optional(Registration),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    examples: [{ sms_active: true, sms_registration_status: 'approved' }],
  },
);

const firstNumber = "The organization's first number in the order of its list, or null.";

export const Organization = Type.Object(
  {
    unique_id: OrganizationId,
    id: Type.String({ format: 'uuid', description: 'The id of the record.' }),
    name: Name,
    organization_name: Type.String({ description: 'The same as `name`.' }),
    tenant_id: Type.String({ format: 'uuid', description: 'The tenant that owns it.' }),
    status: Status,
    contact_email: nullable(Email),
    sms_active: Type.Boolean({ description: 'Whether the organization may buy and use SMS numbers.' }),
    teli_sms_number: nullable(Type.String({ description: firstNumber })),
    sms_phone_number: nullable(Type.String({ description: 'The same as `teli_sms_number`.' })),
    sms_registration_status: Registration,
    registration_submitted_at: nullable(Timestamp('When the registration became pending_approval.')),
    registration_approved_at: nullable(Timestamp('When the registration became approved.')),
    revision: Type.Integer({
      description: 'How many changes were made to the organization and everything in it.',
    }),
    created_at: Timestamp('When the organization was created.', '2024-01-10T09:00:00Z'),
    modified_at: Timestamp('When its own fields were last changed.', '2024-01-10T09:00:00Z'),
    updated_at: Timestamp('The same as `modified_at`.', '2024-01-10T09:00:00Z'),
  },
  {
    description: 'An organization.',
    additionalProperties: false,
    examples: [
      {
        unique_id: 'org_abc123',
        id: '0199f3a0-6c1e-7d52-9b1a-3f2c8e4d5a6b',
        name: 'Acme Dental',
        organization_name: 'Acme Dental',
        tenant_id: '0199f3a0-5f1b-7a11-8c0d-7a5e9b3c1d2e',
        status: 'active',
        contact_email: 'ops@acme.example',
        sms_active: true,
        teli_sms_number: '+14155551234',
        sms_phone_number: '+14155551234',
        sms_registration_status: 'approved',
        registration_submitted_at: '2024-01-10T09:00:00Z',
        registration_approved_at: '2024-01-10T09:00:00Z',
        revision: 4,
        created_at: '2024-01-10T09:00:00Z',
        modified_at: '2024-01-10T09:00:00Z',
        updated_at: '2024-01-10T09:00:00Z',
      },
    ],
  },
);

export function organizationBody(row: OrganizationWithNumber): Static<typeof Organization> {
  const modified = timestamp(row.modified_at);
  return {
    unique_id: row.unique_id,
    id: row.id,
    name: row.name,
    organization_name: row.name,
    tenant_id: row.tenant_id,
    status: row.status,
    contact_email: row.contact_email,
    sms_active: row.sms_active,
    teli_sms_number: row.first_number,
    sms_phone_number: row.first_number,
    sms_registration_status: row.sms_registration_status,
    registration_submitted_at: timestamp(row.registration_submitted_at),
    registration_approved_at: timestamp(row.registration_approved_at),
    revision: row.revision,
    created_at: timestamp(row.created_at),
    modified_at: modified,
    updated_at: modified,
  };
}
