import { randomUUIDv7 } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { Db } from '../db/database.ts';
import type { Permission, Tables } from '../db/tables.ts';
import { invalid, Problem } from '../errors.ts';
import { readMoment } from '../http/operation.ts';
import { findOrganization } from '../organizations/organizations.ts';
import { hashSecret, newSecret, secretPrefix } from './secret.ts';
import { assertKey, type Who } from './who.ts';

export type ApiKey = Omit<Selectable<Tables['api_keys']>, 'hash' | 'tenant_id'> & {
  organization_unique_id: string | null;
};

export type NewKey = { name: string; permission: Permission; organization_id?: string; expires_at?: string };

/** @returns the key as it is shown ever after, and its secret, which is shown now and never again */
export async function createKey(db: Db, who: Who, input: NewKey): Promise<{ key: ApiKey; secret: string }> {
  const expiresAt = input.expires_at === undefined ? null : readMoment(input.expires_at, 'expires_at');
  if (expiresAt && expiresAt.getTime() <= Date.now()) throw invalid('expires_at must be in the future');
  assertKey(who);
  // A bound key makes only keys that see no more than it does.
  if (who.organizationId !== null && input.organization_id === undefined)
    throw new Problem(
      'key_bound',
      undefined,
      'Name its organization_id: a bound key can create only keys with the same binding',
    );
  const organization =
    input.organization_id === undefined ? undefined : await findOrganization(db, who, input.organization_id);
  const secret = newSecret();
  const id = randomUUIDv7();
  await db
    .insertInto('api_keys')
    .values({
      tenant_id: who.tenantId,
      id,
      name: input.name,
      hash: hashSecret(secret)!,
      prefix: secretPrefix(secret),
      permission: input.permission,
      organization_id: organization?.id ?? null,
      expires_at: expiresAt,
    })
    .execute();
  return { key: (await findKey(db, who, id))!, secret };
}

export function listKeys(db: Db, who: Who): Promise<ApiKey[]> {
  assertKey(who);
  return keysOf(db, who).orderBy('k.id').execute();
}

/** Revokes a key for good; revoking it again changes nothing. */
export async function revokeKey(db: Db, who: Who, id: string): Promise<ApiKey> {
  assertKey(who);
  if (!(await findKey(db, who, id))) throw new Problem('key_not_found');
  await db
    .updateTable('api_keys')
    .set({ revoked_at: sql`now()` })
    .where('tenant_id', '=', who.tenantId)
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute();
  return (await findKey(db, who, id))!;
}

const findKey = (db: Db, who: Who, id: string) => keysOf(db, who).where('k.id', '=', id).executeTakeFirst();

function keysOf(db: Db, who: Who) {
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
    ])
    .select('o.unique_id as organization_unique_id')
    .where('k.tenant_id', '=', who.tenantId)
    .$if(who.organizationId !== null, query => query.where('k.organization_id', '=', who.organizationId));
}

/**
 * When keys were last used, written down now and then instead of at each request: a minute's precision is what an
 * operator needs to know which key is dead.
 */
export function recordKeyUse(db: Db) {
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
  // What a database that is away loses here is the precision of a hint.
  const timer = setInterval(() => flush().catch(() => {}), 15_000).unref();
  return {
    touch(who: Who) {
      const { id } = who.actor;
      if (!used.has(id)) used.set(id, { tenantId: who.tenantId, at: new Date() });
    },
    async stop() {
      clearInterval(timer);
      await flush().catch(() => {});
    },
  };
}
