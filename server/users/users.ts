import { randomUUIDv7 } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { Caller } from '../access/caller.ts';
import type { Db } from '../db/database.ts';
import type { Tables, UserPermission, UserStatus } from '../db/tables.ts';
import { Problem, translateViolations } from '../errors.ts';
import { changesBetween, findOrganization, newUniqueId } from '../organizations/organizations.ts';
import { type Revision, revise } from '../revisions/revise.ts';
import { isMeantBy } from './references.ts';

export type User = Selectable<Tables['users']> & { organization_unique_id: string };

export type NewUser = {
  name: string;
  email: string;
  phone?: string | null;
  permission?: UserPermission;
  unique_id?: string;
};

export type UserEdit = {
  name?: string;
  email?: string;
  phone?: string | null;
  permission?: UserPermission;
  status?: UserStatus;
};

const constraintProblems = (email = '') => ({
  users_email_key: () =>
    new Problem('email_taken', `A user with email ${email} already exists in this organization`),
  users_unique_id_key: () => new Problem('user_id_taken'),
});

export async function createUser(
  db: Db,
  caller: Caller,
  organizationId: string,
  input: NewUser,
): Promise<User> {
  const uniqueId = input.unique_id ?? newUniqueId('user');
  await revise(db, caller, { unique_id: organizationId }, revision =>
    insertUsers(revision, caller, [{ ...input, unique_id: uniqueId }]),
  );
  return getUser(db, caller, organizationId, uniqueId);
}

const usersPerStatement = 1000;

/** Creates users in a revision that is being made, and records them. */
export async function insertUsers(revision: Revision, caller: Caller, users: NewUser[]): Promise<void> {
  const { tx, organization, at, record } = revision;
  const key = { tenant_id: caller.tenantId, organization_id: organization.id };
  for (let from = 0; from < users.length; from += usersPerStatement) {
    const created = users.slice(from, from + usersPerStatement).map(user => ({
      id: randomUUIDv7(),
      unique_id: user.unique_id ?? newUniqueId('user'),
      name: user.name,
      email: user.email,
      phone: user.phone ?? null,
      permission: user.permission ?? ('user' as const),
    }));
    const rows = created.map(fields => ({ ...key, ...fields, created_at: at, modified_at: at }));
    const insert = tx.insertInto('users').values(rows).execute();
    await translateViolations(constraintProblems(created[0]?.email), insert);
    for (const fields of created) record('user.created', fields);
  }
}

export async function editUser(
  db: Db,
  caller: Caller,
  organizationId: string,
  reference: string,
  edit: UserEdit,
): Promise<User> {
  let uniqueId = reference;
  await revise(db, caller, { unique_id: organizationId }, async ({ tx, organization, at, record }) => {
    const user = await tx
      .selectFrom('users')
      .selectAll()
      .where('tenant_id', '=', caller.tenantId)
      .where('organization_id', '=', organization.id)
      .where(isMeantBy('users', reference))
      .executeTakeFirst();
    if (!user) throw new Problem('user_not_found');
    // The e-mail address may be what is edited.
    uniqueId = user.unique_id;
    const changes = changesBetween(user, edit);
    if (!changes) return;
    const update = tx
      .updateTable('users')
      .set({ ...edit, modified_at: at })
      .where('tenant_id', '=', caller.tenantId)
      .where('organization_id', '=', organization.id)
      .where('id', '=', user.id);
    await translateViolations(constraintProblems(edit.email), update.execute());
    record('user.edited', { id: user.id, user_id: uniqueId, changes });
  });
  return getUser(db, caller, organizationId, uniqueId);
}

/** The oldest users of an organization. @param organizationId the id of its row */
export function listUsers(db: Db, caller: Caller, organizationId: string, limit: number): Promise<User[]> {
  return usersOf(db, caller)
    .where('u.organization_id', '=', organizationId)
    .orderBy('u.created_at')
    .orderBy('u.id')
    .limit(limit)
    .execute();
}

/** @param ids as userIds() has them */
export function listUsersById(db: Db, caller: Caller, organizationId: string, ids: string): Promise<User[]> {
  return usersOf(db, caller)
    .where('u.organization_id', '=', organizationId)
    .where('u.id', '=', sql<string>`any(string_to_array(${ids}, ',')::uuid[])`)
    .orderBy('u.created_at')
    .orderBy('u.id')
    .execute();
}

/** The ids of all users of an organization, the oldest first, as one text. */
export async function userIds(db: Db, caller: Caller, organizationId: string): Promise<string> {
  const { ids } = await db
    .selectFrom('users')
    .select(sql<string | null>`string_agg(id::text, ',' order by created_at, id)`.as('ids'))
    .where('tenant_id', '=', caller.tenantId)
    .where('organization_id', '=', organizationId)
    .executeTakeFirstOrThrow();
  return ids ?? '';
}

/** @param reference the unique_id or e-mail address */
export async function getUser(
  db: Db,
  caller: Caller,
  organizationId: string,
  reference: string,
): Promise<User> {
  const organization = await findOrganization(db, caller, organizationId);
  const user = await usersOf(db, caller)
    .where('u.organization_id', '=', organization.id)
    .where(isMeantBy('u', reference))
    .executeTakeFirst();
  if (!user) throw new Problem('user_not_found');
  return user;
}

const usersOf = (db: Db, caller: Caller) =>
  db
    .selectFrom('users as u')
    .innerJoin('organizations as o', join =>
      join.onRef('o.tenant_id', '=', 'u.tenant_id').onRef('o.id', '=', 'u.organization_id'),
    )
    .selectAll('u')
    .select('o.unique_id as organization_unique_id')
    .where('u.tenant_id', '=', caller.tenantId);
