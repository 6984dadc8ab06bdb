import { type Static, Type } from '../../schema/schema.ts';
import { nullable, OrganizationId, oneOf, Timestamp, textLike } from '../../schema/shapes.ts';
import { CarrierAccountId } from '../accounts/reference.ts';
import { Dollars } from '../http/money.ts';
import { timestamp } from '../http/operation.ts';
import { isValid } from '../http/validation.ts';
import type { OrganizationWithNumber } from './organizations.ts';

export const OrganizationParams = Type.Object({ organization_id: OrganizationId });

const Name = Type.String({ minLength: 1, maxLength: 200, description: "The organization's name." });
export const Email = Type.String({ format: 'email', maxLength: 320, description: 'An e-mail address.' });
const Status = oneOf(['active', 'suspended', 'inactive'], { description: "The organization's status." });
const Registration = oneOf(['not_started', 'brand_created', 'pending_approval', 'approved', 'rejected'], {
  description: 'The progress of the 10DLC registration.',
});
/** An id that the client chooses. It must be safe in a URL and in a line of text. */
export const OwnUniqueId = textLike(
  '^[A-Za-z0-9_.:-]{1,128}$',
  '1 to 128 letters, digits or _ . : - such as org_abc123',
  {
    description:
      'Your own id, for records that you migrate from another system. By default the server makes one.',
  },
);

/* What a file of numbers may create: the same rules as in a request. */
const EmailField = Type.Object({ value: Email });
const NameField = Type.Object({ value: Name });
const UniqueIdField = Type.Object({ value: OwnUniqueId });
export const isEmail = (value: string): boolean => isValid(EmailField, { value });
export const isOrganizationName = (value: string): boolean => isValid(NameField, { value });
export const isOwnUniqueId = (value: string): boolean => isValid(UniqueIdField, { value });

/** An id that becomes part of a carrier's URL. */
const CarrierId = (description: string, example: string) =>
  nullable(
    textLike('^[A-Za-z0-9_.:-]{1,100}$', '1 to 100 letters, digits or _ . : -', {
      description,
      examples: [example],
    }),
  );

const tenantDecisions = {
  carrier_account_id: CarrierAccountId(
    "The carrier account that its numbers are bought with. Null: the tenant's.",
  ),
  monthly_spending_cap: nullable(
    Dollars(
      "The organization cannot buy more once its charges in a calendar month reach this cap. Null: the tenant's cap.",
      100,
    ),
  ),
  messaging_service_id: CarrierId(
    "The carrier's service that its numbers are attached to: a Messaging Service of Twilio, or a messaging profile of Telnyx.",
    'MG0123456789abcdef0123456789abcdef',
  ),
  campaign_id: CarrierId(
    'The 10DLC campaign that its numbers are attached to, if the carrier needs its id.',
    'CXK4V2P',
  ),
};

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
    ...Type.Partial(Type.Object(tenantDecisions)).properties,
  },
  {
    additionalProperties: false,
    minProperties: 1,
    examples: [{ sms_active: true, sms_registration_status: 'approved' }],
  },
);

const firstNumber =
  'The number that the organization has had longest, or null. A number that was transferred counts from its transfer; of several that came at the same moment, the lowest is first.';

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
    ...tenantDecisions,
    revision: Type.Integer({
      description: 'How often the organization, or anything in it, has changed.',
    }),
    created_at: Timestamp('When the organization was created.', '2024-01-10T09:00:00Z'),
    modified_at: Timestamp("When the organization's own fields last changed.", '2024-01-10T09:00:00Z'),
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
        carrier_account_id: null,
        monthly_spending_cap: null,
        messaging_service_id: 'MG0123456789abcdef0123456789abcdef',
        campaign_id: null,
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
    carrier_account_id: row.carrier_account_id,
    monthly_spending_cap: row.monthly_spending_cap,
    messaging_service_id: row.messaging_service_id,
    campaign_id: row.campaign_id,
    revision: row.revision,
    created_at: timestamp(row.created_at),
    modified_at: modified,
    updated_at: modified,
  };
}
