import { randomUUIDv7 } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { Logger } from 'pino';
import { assertKey, assertTenantKey, type Caller } from '../access/caller.ts';
import { hashSecret, newSecret, secretPrefix } from '../access/secret.ts';
import { timeZoneOf } from '../access/time-zone.ts';
import { type Db, transact } from '../db/database.ts';
import type { Permission, Tables } from '../db/tables.ts';
import { invalid, Problem } from '../errors.ts';
import { readMoment } from '../http/moments.ts';
import { type KeyLimitsEdit, withEdit } from '../limits/limits.ts';
import { assertWithin, editKeyLimits, inheritedLimits, keyLimitsText } from '../limits/stored.ts';
import { findOrganization } from '../organizations/organizations.ts';
import { type Job, startJob } from '../work/jobs.ts';

export type ApiKey = Omit<Selectable<Tables['api_keys']>, 'hash' | 'tenant_id'> & {
  organization_unique_id: string | null;
};

export type NewKey = {
  name: string;
  permission: Permission;
  organization_id?: string;
  expires_at?: string;
  limits?: KeyLimitsEdit;
};

/** @returns the key, and its secret, which is shown only now */
export async function createKey(
  db: Db,
  caller: Caller,
  input: NewKey,
): Promise<{ key: ApiKey; secret: string }> {
  const expiresAt =
    input.expires_at === undefined
      ? null
      : readMoment(input.expires_at, 'expires_at', await timeZoneOf(db, caller));
  if (expiresAt && expiresAt.getTime() <= Date.now()) throw invalid('expires_at must be in the future');
  assertKey(caller);
  // A bound key must not create a key that sees more than itself.
  if (caller.organizationId !== null && input.organization_id === undefined)
    throw new Problem(
      'key_bound',
      undefined,
      'organization_id is required: a bound key can create only keys with the same binding',
    );
  const organization =
    input.organization_id === undefined
      ? undefined
      : await findOrganization(db, caller, input.organization_id);
  const limits = withEdit({}, input.limits ?? {});
  if (input.limits) assertTenantKey(caller);
  await assertWithin(db, caller, limits);
  const secret = newSecret();
  const id = randomUUIDv7();
  return transact(db, async tx => {
    await tx
      .insertInto('api_keys')
      .values({
        tenant_id: caller.tenantId,
        id,
        name: input.name,
        hash: hashSecret(secret)!,
        prefix: secretPrefix(secret),
        permission: input.permission,
        organization_id: organization?.id ?? null,
        expires_at: expiresAt,
        ...(caller.organizationId === null
          ? { limits: keyLimitsText(limits) }
          : await inheritedLimits(tx, caller)),
      })
      .execute();
    return { key: (await findKey(tx, caller, id))!, secret };
  });
}

/**
 * Changes the limits of a key. A key that is bound cannot: it could lift its own.
 * @throws Problem key_bound, key_not_found, key_shares_limits, invalid_request
 */
export async function limitKey(db: Db, caller: Caller, id: string, edit: KeyLimitsEdit): Promise<ApiKey> {
  assertTenantKey(caller);
  await editKeyLimits(db, caller, id, edit);
  return (await findKey(db, caller, id))!;
}

export function listKeys(db: Db, caller: Caller): Promise<ApiKey[]> {
  assertKey(caller);
  return keysOf(db, caller).orderBy('k.id').execute();
}

/** Revokes a key for good. Revoking it again changes nothing. */
export async function revokeKey(db: Db, caller: Caller, id: string): Promise<ApiKey> {
  assertKey(caller);
  if (!(await findKey(db, caller, id))) throw new Problem('key_not_found');
  await db
    .updateTable('api_keys')
    .set({ revoked_at: sql`now()` })
    .where('tenant_id', '=', caller.tenantId)
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute();
  return (await findKey(db, caller, id))!;
}

const findKey = (db: Db, caller: Caller, id: string) =>
  keysOf(db, caller).where('k.id', '=', id).executeTakeFirst();

function keysOf(db: Db, caller: Caller) {
  return db
    .selectFrom('api_keys as k')
    .leftJoin('organizations as o', join =>
      join.onRef('o.tenant_id', '=', 'k.tenant_id').onRef('o.id', '=', 'k.organization_id'),
    )
    .select([
      'k.id',
      'k.name',
      'k.prefix',
      'k.permission',
      'k.organization_id',
      'k.created_at',
      'k.expires_at',
      'k.revoked_at',
      'k.last_used_at',
      'k.limits',
      'k.limits_of',
    ])
    .select('o.unique_id as organization_unique_id')
    .where('k.tenant_id', '=', caller.tenantId)
    .$if(caller.organizationId !== null, query =>
      query.where('k.organization_id', '=', caller.organizationId),
    );
}

/**
 * Records when keys were last used, every 15 seconds instead of at every request. Operators only need to know which keys
 * are dead.
 */
export function recordKeyUse(db: Db, log: Logger): Job & { touch(caller: Caller): void } {
  const used = new Map<string, { tenantId: string; at: Date }>();
  async function flush() {
    const batch = [...used];
    used.clear();
    for (const [id, { tenantId, at }] of batch) {
      await db
        .updateTable('api_keys')
        .set({ last_used_at: sql`greatest(last_used_at, ${at})` })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .execute();
    }
  }
  // A failure loses only some precision of a hint.
  const settled = () => flush().catch(() => {});
  return {
    ...startJob(log, { name: 'writing down the use of keys', everyMs: 15_000, round: flush, settled }),
    touch(caller) {
      const { id } = caller.actor;
      if (!used.has(id)) used.set(id, { tenantId: caller.tenantId, at: new Date() });
    },
  };
}
