import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Tx } from '../../db/database.ts';
import { invalid } from '../../errors.ts';
import type { Revision } from '../../revisions/revise.ts';
import { insertUsers } from '../../users/users.ts';
import type { Target } from './organizations.ts';

/** The most users that one file creates: their events are one revision. */
const usersMax = 10_000;

type NewUser = { target: number; email: string; name: string };

/** @throws Problem `invalid_request` if the file has too many new users */
export async function findNewUsers(tx: Tx): Promise<NewUser[]> {
  const { rows } = await sql<NewUser>`
    select distinct on (target, lower(detail)) target, detail as email, new_user_name as name from classified
    where code is null and new_user_name is not null and user_id is null
    order by target, lower(detail), line limit ${usersMax + 1}`.execute(tx);
  if (rows.length > usersMax) throw invalid(`The file names more than ${usersMax} new users: divide it`);
  return rows;
}

/** Creates the users that good rows name, and gives the rows their ids. */
export async function createUsers(
  tx: Tx,
  caller: Caller,
  users: NewUser[],
  targets: Target[],
  revisions: Map<string, Revision>,
): Promise<void> {
  if (users.length === 0) return;
  const byTarget = Map.groupBy(users, user => user.target);
  for (const { target, organization_id } of targets) {
    const created = byTarget.get(target)?.map(({ email, name }) => ({ email, name })) ?? [];
    if (created.length > 0) await insertUsers(revisions.get(organization_id)!, caller, created);
  }
  await sql`
    update classified c set user_id = u.id, user_unique_id = u.unique_id
    from named_organizations o, users u
    where c.code is null and c.new_user_name is not null and c.user_id is null and o.organization = c.target
      and u.tenant_id = ${caller.tenantId} and u.organization_id = o.organization_id and lower(u.email) = lower(c.detail)`.execute(
    tx,
  );
}
