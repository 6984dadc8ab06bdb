import { sql } from 'kysely';
import type { Caller } from '../../../access/caller.ts';
import type { Db } from '../../../db/database.ts';
import type { Revision } from '../../../revisions/revise.ts';
import { findActiveUsers } from '../../../users/references.ts';
import { loadStates } from '../changes.ts';
import type { User } from '../rules.ts';
import type { BulkItem, NumberInBulk } from './items.ts';

/** A number and its organization, before the organization is locked. */
type LocatedNumber = { id: string; phone_number: string; organization_id: string };

/** @param numbers in E.164 */
export async function locateNumbers(db: Db, caller: Caller, numbers: string[]): Promise<LocatedNumber[]> {
  const { rows } = await sql<LocatedNumber>`
    select id, phone_number, organization_id from phone_numbers
    where tenant_id = ${caller.tenantId} and phone_number = any(${numbers}::text[]) and released_at is null
      and (${caller.organizationId}::uuid is null or organization_id = ${caller.organizationId})`.execute(db);
  return rows;
}

/** The internal ids of the organizations that numbers are to move to, by unique_id. */
export async function findDestinations(
  db: Db,
  caller: Caller,
  items: BulkItem[],
): Promise<Map<string, string>> {
  const uniqueIds = items.flatMap(item => (item.action === 'transfer' ? [item.to_organization_id] : []));
  const { rows } = await sql<{ id: string; unique_id: string }>`
    select id, unique_id from organizations where tenant_id = ${caller.tenantId} and unique_id = any(${uniqueIds}::text[])
      and (${caller.organizationId}::uuid is null or id = ${caller.organizationId})`.execute(db);
  return new Map(rows.map(row => [row.unique_id, row.id]));
}

/** The numbers in E.164, read under the locks. One that has left its organization in the meantime is missing. */
export async function loadNumbers(
  revisions: Map<string, Revision>,
  caller: Caller,
  located: LocatedNumber[],
): Promise<Map<string, NumberInBulk>> {
  const numbers = new Map<string, NumberInBulk>();
  for (const [organizationId, revision] of revisions) {
    const ids = located.filter(number => number.organization_id === organizationId).map(({ id }) => id);
    if (ids.length === 0) continue;
    for (const state of await loadStates(revision, caller, ids))
      numbers.set(state.phone_number, { before: state, now: state, from: revision, in: revision });
  }
  return numbers;
}

/** The active users that the items name, by the organization's internal id and the reference. */
export async function findUsers(
  revisions: Revision[],
  caller: Caller,
  items: BulkItem[],
): Promise<Map<string, User>> {
  if (!revisions[0]) return new Map();
  const named = new Set(items.flatMap(item => (item.action === 'assign' ? [item.user_id] : [])));
  const references = revisions.flatMap(({ organization }) =>
    [...named].map(user => ({ organizationId: organization.id, user })),
  );
  const users = await findActiveUsers(revisions[0].tx, caller, references);
  return new Map(
    references.flatMap(({ organizationId, user }, index) =>
      users[index] ? [[`${organizationId} ${user}`, users[index]] as const] : [],
    ),
  );
}
