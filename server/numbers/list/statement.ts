import type { Caller } from '../../access/caller.ts';
import type { Format } from '../../http/formats.ts';
import { fields } from '../fields.ts';
import { fieldsOf, holdsNow, joinHolder, numberJson, type View } from '../json.ts';
import { type FilterName, filterNames, type NumberStatus } from '../state.ts';
import { frameOf } from './formats.ts';

export const sorts = ['phone_number', '-phone_number', 'created_at', '-created_at'] as const;

/** What a list can be narrowed down to; everything that is given must be true of a number. */
export type ListFilter = { [Name in FilterName]?: string } & {
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
  /** JSON if it is not said; the others are of whole lists, without a total. */
  format?: Format;
  limit?: number;
  cursor?: string;
};

/** Where the page before ended: the value that it is sorted by, and the number. */
export type After = { value: string; phone_number: string };

/** What the one row of a page says. */
export type PageRow = {
  revision: number;
  /** Only if it was asked for. */
  total?: number;
  /** How many there are up to one more than the limit. */
  found: number;
  /** The numbers as JSON, with what the format puts between them; null for none. */
  items: string | null;
  /** The last number within the limit, and its moment to the microsecond; null if there are fewer. */
  last_number: string | null;
  last_created_at: string | null;
};

/** The columns that a view is printed and ordered from. `is_available` and the holder are read off the status. */
const columnsOf = (view: View): string[] => [
  ...new Set(['status', ...fieldsOf(view).filter(name => 'column' in fields[name])]),
];

/**
 * The one statement of a page, or of a whole list that is short: one row, with the numbers as text and the revision
 * of the same snapshot.
 * The page is cut first, from the index of the list, and then its numbers are given their holders.
 * @param organizationId the organization's own id, which the caller has found to be `who`'s to see
 * @returns the text and its values
 */
export function pageStatement(
  caller: Caller,
  organizationId: string,
  options: ListOptions,
  after: After | undefined,
  limit: number,
): [string, unknown[]] {
  const values: unknown[] = [caller.tenantId, organizationId];
  const value = (given: unknown) => `$${values.push(given)}`;
  const revision = options.as_of === undefined ? undefined : revisionOf(options.as_of, value);
  const filters = filterConditions(caller, options, revision, value)
    .map(filter => ` and ${filter}`)
    .join('');
  const descending = options.sort.startsWith('-');
  const column = options.sort.replace('-', '') as 'phone_number' | 'created_at';
  const sorted = [...new Set([column, 'phone_number'])];
  const order = sorted.map(name => `n.${name}${descending ? ' desc' : ''}`).join(', ');
  let beyond = '';
  if (after) {
    const place = { phone_number: value(after.phone_number), created_at: '' };
    if (column === 'created_at') place.created_at = `${value(after.value)}::timestamptz`;
    const names = sorted.map(name => `n.${name}`).join(', ');
    beyond = ` and (${names}) ${descending ? '<' : '>'} (${sorted.map(name => place[name as keyof typeof place]).join(', ')})`;
  }
  const most = `${value(limit)}::int`;
  const sources = numbers(revision).map(source => `from (${source}) n where true${filters}`);
  const names = columnsOf(options.view)
    .map(name => `n.${name}`)
    .join(', ');
  const page = sources.map(
    source => `(select ${names} ${source}${beyond} order by ${order} limit ${most} + 1)`,
  );
  const total = sources.map(source => `(select count(n.id) ${source})`).join(' + ');
  const text = `
    select (select revision from organizations where tenant_id = $1 and id = $2) as revision,
      ${options.total ? `${total} as total,` : ''}
      count(place)::int as found,
      string_agg(item, '${frameOf(options).between}') filter (where place <= ${most}) as items,
      max(phone_number) filter (where place = ${most}) as last_number,
      to_char(max(created_at) filter (where place = ${most}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as last_created_at
    from (
      select n.phone_number, n.created_at, row_number() over (order by ${order}) as place, ${numberJson[options.view]} as item
      from (select ${names} from (${page.join(' union all ')}) n order by ${order} limit ${most} + 1) n
      ${joinHolder('$1', '$2', holds(revision))}
      ${options.view === 'full' ? 'join organizations o on o.tenant_id = $1 and o.id = $2' : ''}
      order by ${order}) page`;
  return [text, values];
}

/**
 * The numbers that the organization has; or had at a revision, in two parts: as they are since before it, and as they
 * were until after it. Each part is read in its own index's order, so a page is cut from each.
 */
function numbers(revision: string | undefined): string[] {
  const names = [...columnsOf('full'), 'available_since'];
  const own = 'tenant_id = $1 and organization_id = $2 and released_at is null';
  const now = `select ${names.join(', ')} from phone_numbers where ${own}`;
  if (revision === undefined) return [now];
  const elsewhere: Record<string, string> = {
    id: 'v.phone_number_id',
    country: 'p.country',
    area_code: 'p.area_code',
    modified_at: 'v.from_at',
    available_since: 'null::timestamptz',
  };
  const then = `
    select ${names.map(name => `${elsewhere[name] ?? `v.${name}`} as ${name}`).join(', ')}
    from number_versions v join phone_numbers p on p.tenant_id = $1 and p.id = v.phone_number_id
    where v.tenant_id = $1 and v.organization_id = $2 and v.from_revision <= ${revision} and v.to_revision > ${revision}
      and v.status <> 'released'`;
  return [`${now} and since_revision <= ${revision}`, then];
}

/** That an assignment of the tenant is the one by which somebody has the number `n`, or had it at a revision. */
const holds = (revision: string | undefined) =>
  revision === undefined
    ? holdsNow('$2')
    : `a.organization_id = $2 and a.phone_number_id = n.id
        and a.from_revision <= ${revision} and (a.to_revision is null or a.to_revision > ${revision})`;

/** A moment means the last revision that was made by then; revisions and their moments are in one order. */
function revisionOf(asOf: string, value: (given: unknown) => string): string {
  if (/^\d+$/.test(asOf)) return `${value(asOf)}::bigint`;
  return `coalesce((select e.revision from events e
    where e.tenant_id = $1 and e.organization_id = $2 and e.at <= ${value(asOf)}::timestamptz
    order by e.at desc, e.revision desc limit 1), 0)`;
}

function filterConditions(
  caller: Caller,
  filter: ListFilter,
  revision: string | undefined,
  value: (given: unknown) => string,
): string[] {
  const heldBy = (condition: string) => `exists (
    select from assignments a join users u on u.tenant_id = $1 and u.organization_id = $2 and u.id = a.user_id
    where a.tenant_id = $1 and ${holds(revision)} and ${condition})`;
  const conditions = caller.ownUserId === undefined ? [] : [heldBy(`u.id = ${value(caller.ownUserId)}`)];
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
  where(filter.assigned_to, place => heldBy(`(u.unique_id = ${place} or lower(u.email) = lower(${place}))`));
  where(filter.nickname, place => `position(lower(${place}) in lower(n.nickname)) > 0`);
  for (const name of filterNames) where(filter[name], place => `n.${name} = ${place}`);
  where(filter.created_after, place => `n.created_at > ${place}::timestamptz`);
  where(filter.created_before, place => `n.created_at < ${place}::timestamptz`);
  where(filter.unassigned_since, place => `n.available_since <= ${place}::timestamptz`);
  return conditions;
}

/** `(415) 555` means 415555. */
const digits = (text: string | undefined): string | undefined => text?.replace(/\D/g, '');
