import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import { assertKey, type Caller } from '../access/caller.ts';
import { hashSecret, newSecret } from '../access/secret.ts';
import { type Db, transact } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { inheritedLimits } from '../limits/stored.ts';
import { getUser } from './users.ts';

export type Token = { id: string; created_at: Date; expires_at: Date; revoked_at: Date | null };

/** @returns the token, and its secret, which is shown only now */
export async function createToken(
  db: Db,
  caller: Caller,
  organizationId: string,
  userId: string,
  expiresIn: number,
) {
  assertKey(caller);
  const user = await getUser(db, caller, organizationId, userId);
  if (user.status !== 'active') throw new Problem('user_not_active', `User is ${user.status}`);
  const secret = newSecret('user');
  const token = await transact(db, async tx =>
    tx
      .insertInto('user_tokens')
      .values({
        tenant_id: caller.tenantId,
        organization_id: user.organization_id,
        user_id: user.id,
        id: randomUUIDv7(),
        hash: hashSecret(secret)!,
        expires_at: sql<Date>`now() + make_interval(secs => ${expiresIn})`,
        ...(await inheritedLimits(tx, caller)),
      })
      .returning(['id', 'created_at', 'expires_at', 'revoked_at'])
      .executeTakeFirstOrThrow(),
  );
  return { token, secret };
}

/** Revokes a token at once. Revoking it again changes nothing. */
export async function revokeToken(
  db: Db,
  caller: Caller,
  organizationId: string,
  userId: string,
  id: string,
): Promise<Token> {
  assertKey(caller);
  const user = await getUser(db, caller, organizationId, userId);
  const token = await db
    .updateTable('user_tokens')
    .set({ revoked_at: sql`coalesce(revoked_at, now())` })
    .where('tenant_id', '=', caller.tenantId)
    .where('organization_id', '=', user.organization_id)
    .where('user_id', '=', user.id)
    .where('id', '=', id)
    .returning(['id', 'created_at', 'expires_at', 'revoked_at'])
    .executeTakeFirst();
  if (!token) throw new Problem('token_not_found');
  return token;
}

const keptDays = 30;

/** Deletes tokens that expired long ago: a platform may make one for each session of its users. */
export async function forgetTokens(db: Db): Promise<void> {
  await sql`delete from user_tokens where expires_at < now() - make_interval(days => ${keptDays})`.execute(
    db,
  );
}
