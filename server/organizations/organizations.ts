import { randomBytes, randomUUIDv7 } from 'node:crypto';
import { type ExpressionBuilder, sql } from 'kysely';
import { carriers } from '../../carriers/carriers.ts';
import { assertTenantKey, type Caller } from '../access/caller.ts';
import { noSuchAccount } from '../accounts/reference.ts';
import { type Db, type Tx, transact } from '../db/database.ts';
import type { OrganizationStatus, RegistrationStatus, Tables } from '../db/tables.ts';
import { Problem, translateViolations } from '../errors.ts';
import { assertDollars } from '../http/money.ts';
import { type Organization, revise } from '../revisions/revise.ts';

export type NewOrganization = {
  name: string;
  contact_email?: string | null;
  unique_id?: string;
  /** Not in the API. An import knows the id of the row before it creates the organization. */
  id?: string;
};

export type OrganizationEdit = { name?: string; contact_email?: string | null } & TenantDecisions;

/** Fields that the tenant decides, not the organization's own users or bound keys: it pays, and it suspends. */
type TenantDecisions = {
  status?: OrganizationStatus;
  sms_active?: boolean;
  sms_registration_status?: RegistrationStatus;
  carrier_account_id?: string | null;
  monthly_spending_cap?: number | null;
  messaging_service_id?: string | null;
  campaign_id?: string | null;
};

export type OrganizationWithNumber = Organization & { first_number: string | null };

/** An opaque id: a prefix for the kind of record, and 80 random bits. */
export const newUniqueId = (prefix: string): string => `${prefix}_${randomBytes(10).toString('hex')}`;

const constraintProblems = {
  organizations_unique_id_key: () => new Problem('organization_id_taken'),
  organizations_carrier_account_fkey: noSuchAccount,
};

export async function createOrganization(
  db: Db,
  caller: Caller,
  input: NewOrganization,
): Promise<OrganizationWithNumber> {
  if (caller.organizationId !== null) throw new Problem('key_bound');
  const uniqueId = input.unique_id ?? newUniqueId('org');
  await transact(db, async tx => {
    const id = input.id ?? randomUUIDv7();
    const fields = { unique_id: uniqueId, name: input.name, contact_email: input.contact_email ?? null };
    const dates = caller.at ? { created_at: caller.at, modified_at: caller.at } : {};
    const row = { tenant_id: caller.tenantId, id, ...fields, ...dates };
    await translateViolations(constraintProblems, tx.insertInto('organizations').values(row).execute());
    await revise(tx, caller, { id }, async ({ record }) => record('organization.created', { id, ...fields }));
  });
  return getOrganization(db, caller, uniqueId);
}

export async function editOrganization(
  db: Db,
  caller: Caller,
  uniqueId: string,
  edit: OrganizationEdit,
): Promise<OrganizationWithNumber> {
  const { name, contact_email, ...decisions } = edit;
  if (Object.values(decisions).some(decision => decision !== undefined)) assertTenantKey(caller);
  assertDollars(edit.monthly_spending_cap, 'monthly_spending_cap');
  await revise(db, caller, { unique_id: uniqueId }, async ({ tx, organization, at, record }) => {
    const changes = changesBetween(organization, edit);
    if (!changes) return;
    const registration = changes.sms_registration_status?.to;
    const update = tx
      .updateTable('organizations')
      .set({
        ...edit,
        modified_at: at,
        ...(registration === 'pending_approval' && { registration_submitted_at: at }),
        ...(registration === 'approved' && { registration_approved_at: at }),
      })
      .where('tenant_id', '=', caller.tenantId)
      .where('id', '=', organization.id);
    await translateViolations(constraintProblems, update.execute());
    if (changes.messaging_service_id || changes.campaign_id) await attachAnew(tx, caller, organization, at);
    record('organization.edited', { changes });
  });
  return getOrganization(db, caller, uniqueId);
}

/** The kinds of carrier that attach numbers to a registration. */
const attachingCarriers = Object.entries(carriers).flatMap(([name, { can }]) =>
  can.messaging.length > 0 ? [name] : [],
);

/**
 * The organization's registration at its carrier has changed. Its numbers are taken off the former one and attached to
 * the new one (decision 26). They stay in use. A number whose attachment has failed waits until a caller resumes it.
 */
async function attachAnew(tx: Tx, caller: Caller, former: Organization, at: Date): Promise<void> {
  const names = [former.messaging_service_id, former.campaign_id].filter(name => name !== null);
  await sql`
    update phone_numbers n
    set attach_due_at = case when n.pending_reason is null then ${at}::timestamptz end, attach_attempts = 0,
        left_registrations = coalesce(n.left_registrations, '{}') || ${names}::text[]
    from carrier_accounts c
    where n.tenant_id = ${caller.tenantId} and n.organization_id = ${former.id} and n.released_at is null
      and c.tenant_id = n.tenant_id and c.id = n.carrier_account_id and c.carrier = any(${attachingCarriers})`.execute(
    tx,
  );
}

/** The changes that an edit makes to a record: `{field: {from, to}}`. Undefined if it changes nothing. */
export function changesBetween<T extends object>(
  record: T,
  edit: Partial<T>,
): Record<string, { from: unknown; to: unknown }> | undefined {
  const changes = Object.entries(edit)
    .filter(([field, to]) => to !== undefined && record[field as keyof T] !== to)
    .map(([field, to]) => [field, { from: record[field as keyof T], to }]);
  return changes.length > 0 ? Object.fromEntries(changes) : undefined;
}

/** The oldest organizations. */
export function listOrganizations(db: Db, caller: Caller, limit: number): Promise<OrganizationWithNumber[]> {
  return organizationsOf(db, caller).orderBy('created_at').orderBy('id').limit(limit).execute();
}

/** @param ids as organizationIds() has them */
export function listOrganizationsById(
  db: Db,
  caller: Caller,
  ids: string,
): Promise<OrganizationWithNumber[]> {
  return organizationsOf(db, caller)
    .where('organizations.id', '=', sql<string>`any(string_to_array(${ids}, ',')::uuid[])`)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

/** The ids of all organizations, the oldest first, as one text: rows of their own would take ten times the memory. */
export async function organizationIds(db: Db, caller: Caller): Promise<string> {
  const { ids } = await db
    .selectFrom('organizations')
    .select(sql<string | null>`string_agg(id::text, ',' order by created_at, id)`.as('ids'))
    .where(visibleTo(caller))
    .executeTakeFirstOrThrow();
  return ids ?? '';
}

export async function getOrganization(
  db: Db,
  caller: Caller,
  uniqueId: string,
): Promise<OrganizationWithNumber> {
  const organization = await organizationsOf(db, caller).where('unique_id', '=', uniqueId).executeTakeFirst();
  if (!organization) throw new Problem('organization_not_found');
  return organization;
}

/**
 * Checks that an organization exists and is visible to the caller, without reading all of it.
 * @throws Problem organization_not_found
 */
export async function findOrganization(
  db: Db,
  caller: Caller,
  uniqueId: string,
): Promise<{ id: string; revision: number; revised_at: Date }> {
  const organization = await db
    .selectFrom('organizations')
    .select(['id', 'revision', 'revised_at'])
    .where(visibleTo(caller))
    .where('unique_id', '=', uniqueId)
    .executeTakeFirst();
  if (!organization) throw new Problem('organization_not_found');
  return organization;
}

const organizationsOf = (db: Db, caller: Caller) =>
  db.selectFrom('organizations').selectAll().select(firstNumber.as('first_number')).where(visibleTo(caller));

/**
 * The live number that an organization has had longest: since it was created there, or transferred to it. Of several, the
 * lowest. Each half is the beginning of an index.
 */
const firstNumber = sql<string | null>`(
  select first.phone_number from (
    (select n.phone_number, n.created_at as since from phone_numbers n
     where n.tenant_id = organizations.tenant_id and n.organization_id = organizations.id
       and n.released_at is null and n.transferred_at is null
     order by n.created_at, n.phone_number limit 1)
    union all
    (select n.phone_number, n.transferred_at from phone_numbers n
     where n.tenant_id = organizations.tenant_id and n.organization_id = organizations.id
       and n.released_at is null and n.transferred_at is not null
     order by n.transferred_at, n.phone_number limit 1)) first
  order by first.since, first.phone_number limit 1)`;

const visibleTo = (caller: Caller) => (eb: ExpressionBuilder<Tables, 'organizations'>) =>
  eb.and([
    eb('organizations.tenant_id', '=', caller.tenantId),
    caller.organizationId === null ? sql<boolean>`true` : eb('organizations.id', '=', caller.organizationId),
  ]);
