import { type Static, Type } from '../../schema/schema.ts';
import { nullable, OrganizationId, oneOf, Timestamp } from '../../schema/shapes.ts';
import { Moment } from '../http/moments.ts';
import { timestamp } from '../http/operation.ts';
import { KeyLimitsEdit, keyLimits } from '../limits/limits.ts';
import type { ApiKey as ApiKeyRow } from './keys.ts';

export const KeyParams = Type.Object({
  key_id: Type.String({ format: 'uuid', description: 'The id of the key.' }),
});

const Name = Type.String({ minLength: 1, maxLength: 200, description: 'The purpose of the key.' });
const Permission = oneOf(['admin', 'read'], {
  description: '`read` can only read, `admin` can also change.',
});

export const NewKeyBody = Type.Object(
  {
    name: Name,
    permission: Permission,
    organization_id: Type.Optional(OrganizationId),
    expires_at: Type.Optional(Moment('When the key expires. By default never.')),
    limits: Type.Optional(KeyLimitsEdit),
  },
  { additionalProperties: false, examples: [{ name: 'inbound router', permission: 'read' }] },
);

export const KeyEditBody = Type.Object(
  { limits: KeyLimitsEdit },
  {
    additionalProperties: false,
    examples: [{ limits: { requests_per_second: 50, requests_per_day: null } }],
  },
);

export const ApiKey = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'The id of the key.' }),
    name: Name,
    prefix: Type.String({ description: 'The first characters of the secret.' }),
    permission: Permission,
    organization_id: nullable(
      Type.String({ description: 'The organization that the key is bound to. Null: it sees all.' }),
    ),
    created_at: Timestamp('When the key was created.'),
    expires_at: nullable(Timestamp('When the key expires.')),
    revoked_at: nullable(Timestamp('When the key was revoked.')),
    last_used_at: nullable(Timestamp('When the key was last used, up to a minute late.')),
    limits: Type.Object(keyLimits, { description: 'The limits of the key that are set.' }),
    limits_of: nullable(
      Type.String({
        format: 'uuid',
        description:
          'The key whose limits these are: calls with both count together. A bound key passes its limits on to what it creates. Null: they are its own.',
      }),
    ),
  },
  {
    description: 'An API key, without its secret.',
    additionalProperties: false,
    examples: [
      {
        id: '0199f3a0-8b30-7d74-9e3c-6f5a0b1c2d3e',
        name: 'inbound router',
        prefix: 'lk_live_4fQz',
        permission: 'read',
        organization_id: null,
        created_at: '2024-01-15T10:30:00Z',
        expires_at: null,
        revoked_at: null,
        last_used_at: null,
        limits: { requests_per_second: 50 },
        limits_of: null,
      },
    ],
  },
);

export const keyBody = (row: ApiKeyRow): Static<typeof ApiKey> => ({
  id: row.id,
  name: row.name,
  prefix: row.prefix,
  permission: row.permission,
  organization_id: row.organization_unique_id,
  created_at: timestamp(row.created_at),
  expires_at: timestamp(row.expires_at),
  revoked_at: timestamp(row.revoked_at),
  last_used_at: timestamp(row.last_used_at),
  limits: row.limits ?? {},
  limits_of: row.limits_of,
});
