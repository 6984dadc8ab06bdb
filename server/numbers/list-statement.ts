import type { NumberStatus } from '../db/tables.ts';
import type { Who } from '../keys/who.ts';

export const sorts = ['phone_number', '-phone_number', 'created_at', '-created_at'] as const;

/** What a list can be narrowed down to; everything that is given must be true of a number. */
export type ListFilter = {
  include_assigned: boolean;
  status?: NumberStatus;
  area_code?: string;
  /** Digits of the number, in any formatting. */
  starts_with?: string;
  contains?: string;
  ends_with?: string;
  tag?: string;
  /** A user's unique_id or e-mail address. */
  assigned_to?: string;
  /** A part of it, in any case. */
  nickname?: string;
  created_after?: string;
  created_before?: string;
  unassigned_since?: string;
};

export type ListOptions = ListFilter & {
  organization_id: string;
  sort: (typeof sorts)[number];
  view: 'list' | 'full';
  /** A revision, or a moment. */
  as_of?: string;
  total: boolean;
  limit?: number;
  cursor?: string;
};

/** Where the page before ended: the value that it is sorted by, and the number. */
export type After = { value: string; phone_number: string };

const listColumns = `n.id, n.phone_number, n.pretty_phone_number, n.nickname, n.status, n.created_at,
  a.assigned_at, u.unique_id as user_id, u.email as user_email, u.name as user_name`;
const fullColumns = `${listColumns}, n.country, n.area_code, n.tags, n.locked, n.metadata, n.until, n.reservation_id,
  n.reservation_note, n.carrier_account_id, n.pending_reason, n.modified_at, o.unique_id as organization_unique_id, o.name as organization_name`;

/**
 * The one statement of a list: a row for each number, each with the organization's id and revision; for an
 * organization that has none, one row without a number; no row at all where there is no such organization.
 * @returns the text and its values
 */
export function listStatement(
  who: Who,
  options: ListOptions,
  after: After | undefined,
  limit: number | undefined,
): [string, unknown[]] {
  const values: unknown[] = [who.tenantId, options.organization_id];
  const value = (given: unknown) => `$${values.push(given)}`;
  const filters = filterConditions(who, options, value)
    .map(filter => ` and ${filter}`)
    .join('');
  const descending = options.sort.startsWith('-');
  const column = options.sort.replace('-', '') as 'phone_number' | 'created_at';
  let page = '';
  if (after) {
    const type = column === 'created_at' ? '::timestamptz' : '';
    const place = `(${value(after.value)}${type}, ${value(after.phone_number)})`;
    page = ` and (n.${column}, n.phone_number) ${descending ? '<' : '>'} ${place}`;
  }
  const direction = descending ? 'desc' : 'asc';
  const order = [...new Set([column, 'phone_number'])].map(name => `n.${name} ${direction}`).join(', ');
  const bound = who.organizationId === null ? '' : `and o.id = ${value(who.organizationId)}`;
  const revision = options.as_of === undefined ? undefined : revisionOf(options.as_of, value);
  const columns = options.view === 'full' ? fullColumns : listColumns;
  const fitting = `from (${numbers(revision)}) n ${holders(revision)} where true${filters}`;
  const text = `
    select o.id as organization_id, o.revision, ${options.total ? `(select count(*) ${fitting}) as total,` : ''} n.*
    from organizations o
    left join lateral (
      select ${columns} ${fitting}${page}
      order by ${order}
      ${limit === undefined ? '' : `limit ${value(limit + 1)}`}
    ) n on true
    where o.tenant_id = $1 and o.unique_id = $2 ${bound}
    order by ${order}`;
  return [text, values];
}

/** The numbers that organization `o` has, or had at a revision: as they are since before it, or were until after it. */
function numbers(revision: string | undefined): string {
  if (revision === undefined) {
    return `select * from phone_numbers where tenant_id = o.tenant_id and organization_id = o.id and released_at is null`;
  }
  const kept = `phone_number, pretty_phone_number, nickname, status, tags, locked, metadata, until, reservation_id, reservation_note,
    carrier_account_id, pending_reason, created_at`;
  const version = kept
    .split(/,\s+/)
    .map(name => `v.${name}`)
    .join(', ');
  return `
    select id, ${kept}, country, area_code, modified_at, available_since from phone_numbers
    where tenant_id = o.tenant_id and organization_id = o.id and released_at is null and since_revision <= ${revision}
    union all
    select v.phone_number_id, ${version}, p.country, p.area_code, v.from_at, null
    from number_versions v join phone_numbers p on p.tenant_id = v.tenant_id and p.id = v.phone_number_id
    where v.tenant_id = o.tenant_id and v.organization_id = o.id and v.from_revision <= ${revision} and v.to_revision > ${revision}
      and v.status <> 'released'`;
}

function holders(revision: string | undefined): string {
  const then =
    revision === undefined
      ? 'a.ended_at is null'
      : `a.organization_id = o.id and a.from_revision <= ${revision} and (a.to_revision is null or a.to_revision > ${revision})`;
  return `
    left join assignments a on a.tenant_id = o.tenant_id and a.phone_number_id = n.id and ${then}
    left join users u on u.tenant_id = a.tenant_id and u.organization_id = a.organization_id and u.id = a.user_id`;
}

/** A moment means the last revision that was made by then. */
function revisionOf(asOf: string, value: (given: unknown) => string): string {
  if (/^\d+$/.test(asOf)) return `${value(asOf)}::bigint`;
  return `(select coalesce(max(e.revision), 0) from events e
    where e.tenant_id = o.tenant_id and e.organization_id = o.id and e.at <= ${value(asOf)}::timestamptz)`;
}

function filterConditions(who: Who, filter: ListFilter, value: (given: unknown) => string): string[] {
  const conditions = who.ownUserId === undefined ? [] : [`a.user_id = ${value(who.ownUserId)}`];
  const where = (given: unknown, condition: (place: string) => string) => {
    if (given !== undefined) conditions.push(condition(value(given)));
  };
  if (!filter.include_assigned) conditions.push("n.status = 'available'");
  where(filter.status, place => `n.status = ${place}`);
  where(filter.area_code, place => `n.area_code = ${place}`);
  where(digits(filter.starts_with), place => `n.phone_number like '+' || ${place} || '%'`);
  where(digits(filter.contains), place => `n.phone_number like '%' || ${place} || '%'`);
  where(digits(filter.ends_with), place => `n.phone_number like '%' || ${place}`);
  where(filter.tag, place => `n.tags @> array[${place}]`);
  where(filter.assigned_to, place => `(u.unique_id = ${place} or lower(u.email) = lower(${place}))`);
  where(filter.nickname, place => `position(lower(${place}) in lower(n.nickname)) > 0`);
  where(filter.created_after, place => `n.created_at > ${place}::timestamptz`);
  where(filter.created_before, place => `n.created_at < ${place}::timestamptz`);
  where(filter.unassigned_since, place => `n.available_since <= ${place}::timestamptz`);
  return conditions;
}

/** `(415) 555` means 415555. */
const digits = (text: string | undefined): string | undefined => text?.replace(/\D/g, '');
