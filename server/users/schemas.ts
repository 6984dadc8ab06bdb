import { type Static, Type } from '../../schema/schema.ts';
import { nullable, OrganizationId, oneOf, Timestamp, UserId, UserReference } from '../../schema/shapes.ts';
import { timestamp } from '../http/operation.ts';
import { Email, OwnUniqueId } from '../organizations/schemas.ts';
import type { User as UserRow } from './users.ts';

export const UserParams = Type.Object({ organization_id: OrganizationId, user_id: UserReference });

const Name = Type.String({ minLength: 1, maxLength: 200, description: "The user's full name." });
const Phone = Type.String({
  minLength: 1,
  maxLength: 40,
  description: "The user's own telephone number, as free text.",
});
const Permission = oneOf(['admin', 'user'], {
  description: '`admin` sees and manages the whole organization, `user` sees only their own numbers.',
});
const Status = oneOf(['active', 'inactive', 'suspended'], {
  description: 'Only an active user can get numbers.',
});

export const NewUserBody = Type.Object(
  {
    name: Name,
    email: Email,
    phone: Type.Optional(nullable(Phone)),
    permission: Type.Optional(Permission),
    unique_id: Type.Optional(OwnUniqueId),
  },
  { additionalProperties: false, examples: [{ name: 'John Smith', email: 'john@company.com' }] },
);

export const UserEditBody = Type.Object(
  {
    name: Type.Optional(Name),
    email: Type.Optional(Email),
    phone: Type.Optional(nullable(Phone)),
    permission: Type.Optional(Permission),
    status: Type.Optional(Status),
  },
  { additionalProperties: false, minProperties: 1, examples: [{ name: 'John H. Smith' }] },
);

export const User = Type.Object(
  {
    unique_id: UserId,
    id: Type.String({ format: 'uuid', description: 'The id of the record.' }),
    name: Name,
    email: Email,
    permission: Permission,
    organization_id: OrganizationId,
    tenant_id: Type.String({ format: 'uuid', description: 'The tenant that owns the organization.' }),
    status: Status,
    phone: nullable(Phone),
    created_at: Timestamp('When the user was created.', '2024-01-10T09:00:00Z'),
    modified_at: Timestamp('When the user was last changed.', '2024-01-10T09:00:00Z'),
    updated_at: Timestamp('The same as `modified_at`.', '2024-01-10T09:00:00Z'),
  },
  {
    description: 'A user.',
    additionalProperties: false,
    examples: [
      {
        unique_id: 'user_xyz789',
        id: '0199f3a0-7a2f-7c63-8d2b-5e4f9a0b1c2d',
        name: 'John Smith',
        email: 'john@company.com',
        permission: 'user',
        organization_id: 'org_abc123',
        tenant_id: '0199f3a0-5f1b-7a11-8c0d-7a5e9b3c1d2e',
        status: 'active',
        phone: null,
        created_at: '2024-01-10T09:00:00Z',
        modified_at: '2024-01-10T09:00:00Z',
        updated_at: '2024-01-10T09:00:00Z',
      },
    ],
  },
);

export function userBody(row: UserRow): Static<typeof User> {
  const modified = timestamp(row.modified_at);
  return {
    unique_id: row.unique_id,
    id: row.id,
    name: row.name,
    email: row.email,
    permission: row.permission,
    organization_id: row.organization_unique_id,
    tenant_id: row.tenant_id,
    status: row.status,
    phone: row.phone,
    created_at: timestamp(row.created_at),
    modified_at: modified,
    updated_at: modified,
  };
}
