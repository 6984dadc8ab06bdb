import { randomUUIDv7 } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type RawBuilder, sql } from 'kysely';
import { carriers } from '../../../carriers/carriers.ts';
import type { Caller } from '../../access/caller.ts';
import { charge, type NewCharge } from '../../charges/charges.ts';
import { translateViolations } from '../../errors.ts';
import { runsOf } from '../../http/pieces/write-json.ts';
import type { Revision } from '../../revisions/revise.ts';
import { field, stateNames } from '../state.ts';
import type { NumberState, Step } from './rules.ts';
import { takenValueProblems } from './unique.ts';

/** The carriers that must release the numbers they sold. */
const releasingCarriers = Object.entries(carriers).flatMap(([name, { can }]) => (can.buy ? [name] : []));

/** The columns of a number's state, for statements that read, write and copy it. */
const stateOf = (table: string) => sql.raw(stateNames.map(name => `${table}.${name}`).join(', '));
const state = sql.raw(stateNames.join(', '));
const assignments = sql.raw(stateNames.map(name => `${name} = s.${name}`).join(', '));
const columns = sql.raw(stateNames.map(name => `${name} ${field(name).column}`).join(', '));

/** The states of an organization's live numbers, read under its lock. @param condition over `n`, the number */
export async function findStates(
  revision: Revision,
  caller: Caller,
  condition: RawBuilder<unknown>,
): Promise<NumberState[]> {
  const { rows } = await sql<NumberState>`
    select n.id, n.phone_number, ${stateOf('n')}, c.id is not null as managed, c.carrier,
           n.attach_due_at is not null as attaching, n.release_due_at is not null as leaving,
           a.user_id as user_record_id, u.unique_id as user_id, false as unassigned
    from phone_numbers n
    left join carrier_accounts c on c.tenant_id = n.tenant_id and c.id = n.carrier_account_id and c.carrier = any(${releasingCarriers})
    left join assignments a on a.tenant_id = n.tenant_id and a.phone_number_id = n.id and a.ended_at is null
    left join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id
    where n.tenant_id = ${caller.tenantId} and n.organization_id = ${revision.organization.id} and n.released_at is null
      and ${condition}`.execute(revision.tx);
  return rows;
}

export const loadStates = (revision: Revision, caller: Caller, ids: string[]): Promise<NumberState[]> =>
  findStates(revision, caller, sql`n.id ${among(ids)}`);

/** Use `=` for one id: PostgreSQL assumes ten elements for an array parameter and replans. */
const among = (ids: string[]) => (ids.length === 1 ? sql`= ${ids[0]}` : sql`= any(${ids}::uuid[])`);

/** A number and the step that it takes. */
export type Change = { number: NumberState; step: Step };

/** The fields that a change alters, as an event shows them: `{field: {from, to}}`. */
export type Difference = Record<string, { from: unknown; to: unknown }>;

/** Writes and records steps of numbers in one organization. A step that changes nothing is not recorded. */
export async function applyChanges(revision: Revision, caller: Caller, changes: Change[]): Promise<void> {
  const events = changes.map(eventOf).filter(event => event !== undefined);
  if (events.length === 0) return;
  await writeStates(
    revision,
    revision,
    caller,
    changes.map(({ number, step }) => ({ before: number, after: { ...number, ...step.set } })),
  );
  for (const { type, data } of events) revision.record(type, data);
}

/** The event of a change. Undefined if it changes nothing. */
export function eventOf({ number, step }: Change) {
  const changes = differenceOf(number, step);
  if (Object.keys(changes).length === 0) return undefined;
  return {
    type: step.type,
    data: { id: number.id, phone_number: number.phone_number, changes, ...step.note },
  };
}

/** Fields that only this process knows. */
const unlogged = ['user_record_id', 'unassigned', 'attaching'];

function differenceOf(number: NumberState, step: Step): Difference {
  const difference: Difference = {};
  for (const [field, to] of Object.entries(step.set)) {
    const from = number[field as keyof NumberState];
    if (!unlogged.includes(field) && !isDeepStrictEqual(from, to)) difference[field] = { from, to };
  }
  return difference;
}

/**
 * Writes the states `after`, and keeps the states `before` as versions.
 * @param leaving the revision of the organization that has the numbers
 * @param arriving the same revision, or the revision of the organization that the numbers move to
 */
export async function writeStates(
  leaving: Revision,
  arriving: Revision,
  caller: Caller,
  states: { before: NumberState; after: NumberState }[],
): Promise<void> {
  if (states.length === 0) return;
  const moves = ({ before, after }: (typeof states)[number]) =>
    leaving !== arriving || before.user_id !== after.user_id || after.unassigned;
  const left = states.filter(state => state.before.user_id !== null && moves(state));
  // First end, then open: a unique index allows one open assignment of a number.
  await endAssignments(
    leaving,
    caller,
    left.map(({ before }) => before.id),
  );
  const joined = new Set(
    states.filter(state => state.after.user_id !== null && moves(state)).map(({ after }) => after),
  );
  const after = states.map(state => state.after);
  for await (const { items, json } of runsOf(after, 2500)) {
    const holders = items.filter(state => joined.has(state));
    await updateNumbers(
      leaving,
      arriving,
      caller,
      { ids: items.map(({ id }) => id), json },
      holders.map(({ id, user_record_id }) => ({ phone_number_id: id, user_id: user_record_id! })),
    );
  }
  const feesForAll = arriving.policy.weekly_fee_for === 'all';
  const released = states.filter(
    ({ after }) => after.status === 'released' && (after.carrier_account_id || feesForAll),
  );
  await charge(
    arriving,
    caller,
    released.map(({ after }) => releaseOf(after, arriving.at)),
  );
}

/** A charge of 0 that marks the end of a number's charges. */
const releaseOf = ({ id, phone_number }: NumberState, at: Date): NewCharge => ({
  type: 'number.released',
  phone_number_id: id,
  phone_number,
  amount: 0,
  period_start: at,
});

/** All parts of one statement see the numbers as they were before it. */
async function updateNumbers(
  leaving: Revision,
  arriving: Revision,
  caller: Caller,
  { ids, json }: { ids: string[]; json: string },
  holders: Holder[],
): Promise<void> {
  const { tx, organization, number, at } = arriving;
  const update = sql`
    with kept as (${insertVersions(leaving, caller, ids)}),
    opened as (${insertAssignments(arriving, caller, holders)})
    update phone_numbers n
    set organization_id = ${organization.id}, ${assignments},
        transferred_at = case when n.organization_id = ${organization.id} then n.transferred_at else ${at} end,
        available_since = case when s.status = 'available' then coalesce(n.available_since, ${at}) end,
        released_at = case when s.status = 'released' then ${at}::timestamptz end,
        attach_due_at = case when ${isAttaching} then
          case when n.organization_id = ${organization.id} then coalesce(n.attach_due_at, ${at}) else ${at} end end,
        attach_attempts = case when n.organization_id = ${organization.id} then n.attach_attempts else 0 end,
        left_registrations = case
          when ${isAttaching} and n.organization_id <> ${organization.id}
            then coalesce(n.left_registrations, '{}') || ${registrations(leaving)}::text[]
          when s.attaching or s.status in ('pending', 'releasing') then n.left_registrations end,
        release_due_at = case
          when s.status = 'releasing' and s.until is null then coalesce(n.release_due_at, ${at})
          when s.status <> 'released' then n.release_due_at end,
        release_problem = case when s.status <> 'released' then n.release_problem end,
        since_revision = ${number}, modified_at = ${at}
    from jsonb_to_recordset(${json}::jsonb) as s(id uuid, attaching boolean, ${columns})
    where n.tenant_id = ${caller.tenantId} and n.id ${among(ids)} and n.id = s.id`;
  await translateViolations(takenValueProblems, update.execute(tx));
}

const isAttaching = sql`s.attaching and s.pending_reason is null and s.status <> 'released'`;

/** The names of an organization's registration at its carrier. */
const registrations = ({ organization: { messaging_service_id, campaign_id } }: Revision): string[] =>
  [messaging_service_id, campaign_id].filter(name => name !== null);

/** Copies the current states to number_versions. */
const insertVersions = ({ number, at }: Revision, caller: Caller, ids: string[]) => sql`
  insert into number_versions (tenant_id, organization_id, phone_number_id, from_revision, to_revision, from_at, to_at,
    phone_number, pretty_phone_number, created_at, ${state})
  select tenant_id, organization_id, id, since_revision, ${number}, modified_at, ${at},
    phone_number, pretty_phone_number, created_at, ${state}
  from phone_numbers where tenant_id = ${caller.tenantId} and id ${among(ids)}`;

async function endAssignments({ tx, number, at }: Revision, caller: Caller, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    update assignments set ended_at = ${at}, to_revision = ${number}
    where tenant_id = ${caller.tenantId} and phone_number_id ${among(ids)} and ended_at is null`.execute(tx);
}

type Holder = { phone_number_id: string; user_id: string };

export async function openAssignments(revision: Revision, caller: Caller, holders: Holder[]): Promise<void> {
  if (holders.length > 0) await insertAssignments(revision, caller, holders).execute(revision.tx);
}

function insertAssignments({ organization, number, at }: Revision, caller: Caller, holders: Holder[]) {
  const rows = JSON.stringify(holders.map(holder => ({ id: randomUUIDv7(), ...holder })));
  return sql`
    insert into assignments (tenant_id, organization_id, id, phone_number_id, user_id, assigned_at, from_revision)
    select ${caller.tenantId}, ${organization.id}, s.id, s.phone_number_id, s.user_id, ${at}, ${number}
    from jsonb_to_recordset(${rows}::jsonb) as s(id uuid, phone_number_id uuid, user_id uuid)`;
}
