import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import { invalidFields, Problem, type WrongField } from '../errors.ts';

// A reference to a user of an organization is a unique_id, or an e-mail address in any case. A unique_id wins over an
// e-mail address. Organizations are named by the id of their row.

/** The user that a reference means: the id of the row, and the id in the API. */
export type ReferencedUser = { id: string; unique_id: string };

/**
 * The SQL condition for a user to be the one whom a reference means, active or not.
 * @param u the alias of the user
 * @param reference SQL for the reference
 */
export const isMeant = (u: string, reference: string): string => `(${u}.unique_id = ${reference}
  or (lower(${u}.email) = lower(${reference}) and not exists (select from users other
    where other.tenant_id = ${u}.tenant_id and other.organization_id = ${u}.organization_id and other.unique_id = ${reference})))`;

/** The same in a statement of Kysely's. */
export const isMeantBy = (u: string, reference: string): RawBuilder<boolean> =>
  sql.join(
    isMeant(u, '?')
      .split('?')
      .map(part => sql.raw(part)),
    sql`${reference}`,
  );

/**
 * Finds the active user that a number is to be given to.
 *
 * The joins of findActiveUsers() would do this too, but take twice as long, and a claim holds its organization's lock
 * meanwhile.
 * @throws Problem assignee_not_found
 */
export async function findAssignee(
  db: Db,
  caller: Caller,
  organizationId: string,
  user: string,
): Promise<ReferencedUser> {
  const { rows } = await sql<ReferencedUser>`
    select id, unique_id from users
    where tenant_id = ${caller.tenantId} and organization_id = ${organizationId} and status = 'active'
      and (unique_id = ${user} or lower(email) = lower(${user}))
    order by unique_id = ${user} desc limit 1`.execute(db);
  if (!rows[0]) throw new Problem('assignee_not_found');
  return rows[0];
}

/**
 * Finds the active users that many references mean, in any number of organizations.
 * @returns the users in the order of the references; undefined for a reference that means no active user
 */
export async function findActiveUsers(
  db: Db,
  caller: Caller,
  references: { organizationId: string; user: string }[],
): Promise<(ReferencedUser | undefined)[]> {
  if (references.length === 0) return [];
  const organizations = references.map(({ organizationId }) => organizationId);
  const texts = references.map(({ user }) => user);
  const user = activeUserOf(caller, sql.ref('r.organization_id'), sql.ref('r.reference'));
  const { rows } = await sql<{ id: string | null; unique_id: string }>`
    select ${user.id} as id, ${user.uniqueId} as unique_id
    from unnest(${organizations}::uuid[], ${texts}::text[]) with ordinality as r (organization_id, reference, place)
    ${user.joins}
    order by r.place`.execute(db);
  return rows.map(({ id, unique_id }) => (id === null ? undefined : { id, unique_id }));
}

/**
 * The same as a part of a statement: joins that find the active user of each row, and the columns that they yield, null
 * for nobody. They are two joins because PostgreSQL cannot hash a join with `or`, and an import joins a million rows.
 */
export function activeUserOf(
  caller: Caller,
  organizationId: RawBuilder<unknown>,
  reference: RawBuilder<unknown>,
) {
  const isActive = (user: string) => sql`${sql.ref(`${user}.tenant_id`)} = ${caller.tenantId}
    and ${sql.ref(`${user}.organization_id`)} = ${organizationId} and ${sql.ref(`${user}.status`)} = 'active'`;
  return {
    joins: sql`
      left join users by_id on ${isActive('by_id')} and by_id.unique_id = ${reference}
      left join users by_email on ${isActive('by_email')} and lower(by_email.email) = lower(${reference})`,
    id: sql<string | null>`coalesce(by_id.id, by_email.id)`,
    uniqueId: sql<string | null>`coalesce(by_id.unique_id, by_email.unique_id)`,
  };
}

/**
 * Finds the active users that the fields of a request body mean in one organization.
 * @returns the users by reference
 * @throws Problem invalid_request, naming the fields that mean nobody
 */
export async function resolveUsers(
  db: Db,
  caller: Caller,
  organizationId: string,
  references: { user: string; field: string }[],
): Promise<Map<string, ReferencedUser>> {
  const found = await findActiveUsers(
    db,
    caller,
    references.map(({ user }) => ({ organizationId, user })),
  );
  const wrong: WrongField[] = [];
  const users = new Map<string, ReferencedUser>();
  for (const [index, { user, field }] of references.entries()) {
    const referenced = found[index];
    if (referenced) users.set(user, referenced);
    else wrong.push({ field, error: `${field}: no active user ${user} in this organization` });
  }
  if (wrong.length > 0) throw invalidFields(wrong);
  return users;
}
