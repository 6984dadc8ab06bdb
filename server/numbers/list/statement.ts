import { beginningAtHome, digitsOf, readBeginning } from '../../../phone-numbers/beginnings.ts';
import type { Caller } from '../../access/caller.ts';
import type { Format } from '../../http/formats.ts';
import { versionOf } from '../../revisions/version.ts';
import { isMeant } from '../../users/references.ts';
import { fields } from '../fields.ts';
import { fieldsOf, holdsNow, joinHolder, numberJson, type View } from '../json.ts';
import { type FilterName, filterNames, type NumberStatus } from '../state.ts';
import { frameOf } from './formats.ts';

export const sorts = ['phone_number', '-phone_number', 'created_at', '-created_at'] as const;

/** The filters of a list. A number must match all that are given. */
export type ListFilter = { [Name in FilterName]?: string } & {
  include_assigned: boolean;
  status?: NumberStatus;
  area_code?: string;
  /** Digits, in any formatting. So are the next two. */
  starts_with?: string;
  contains?: string;
  ends_with?: string;
  /** The country of those that are given without `+`. */
  default_country?: string;
  tag?: string;
  /** A user's unique_id or e-mail address. */
  assigned_to?: string;
  /** A part of the nickname; upper and lower case match. */
  nickname?: string;
  created_after?: string;
  created_before?: string;
  unassigned_since?: string;
};

export type ListOptions = ListFilter & {
  organization_id: string;
  sort: (typeof sorts)[number];
  view: 'list' | 'full';
  /** A revision or a timestamp. */
  as_of?: string;
  total: boolean;
  /** JSON by default. The others only have whole lists, without a total. */
  format?: Format;
  limit?: number;
  cursor?: string;
};

/** They choose no numbers, or choose them by status and area code. */
export const countedOptions: (keyof ListOptions)[] = [
  ...(['organization_id', 'include_assigned', 'status', 'area_code', 'default_country'] as const),
  ...(['sort', 'view', 'format', 'total', 'limit', 'cursor'] as const),
];

export const givesOnly = (query: ListOptions, names: (keyof ListOptions)[]): boolean =>
  Object.entries(query).every(
    ([name, value]) => value === undefined || names.includes(name as keyof ListOptions),
  );

/** Whether the list's total need not be counted: it is in number_counts. */
export const isCounted = (caller: Caller, query: ListOptions): boolean =>
  caller.ownUserId === undefined && givesOnly(query, countedOptions);

/** The last number of a page: the value that the list is sorted by, and the number itself. */
export type PageEnd = { value: string; phone_number: string };

/** A page, as the one row of its statement. */
export type Page = {
  /** The version of the organization that the page shows. */
  version: string;
  /** Only if the query asks for it. */
  total?: number;
  /** Only with `as_of`: whether it is in the future, and the time of the database's clock. */
  ahead?: boolean;
  now?: Date;
  /** How many rows were read: one more than the limit if another page follows. */
  row_count: number;
  /** The numbers as JSON, joined by the format's separator; null if there are none. */
  items: string | null;
  /** The number at the limit, and its created_at to the microsecond; null if there are fewer numbers. */
  last_number: string | null;
  last_created_at: string | null;
};

/** The columns that a view needs. The status is always needed: is_available and the join of the user depend on it. */
const columnsOf = (view: View): string[] => [
  ...new Set(['status', ...fieldsOf(view).filter(name => 'column' in fields[name])]),
];

/**
 * The statement of a page, or of a whole list if it is short. Its one row has the numbers as text and the revision of
 * the same snapshot. The page is first cut from the list's index; then its users are joined.
 * @param organizationId the organization's internal id; the caller must be known to see the organization
 * @returns the SQL and its parameters
 */
export function pageStatement(
  caller: Caller,
  organizationId: string,
  options: ListOptions,
  after: PageEnd | undefined,
  limit: number,
): [string, unknown[]] {
  const values: unknown[] = [caller.tenantId, organizationId];
  const parameter = (value: unknown) => `$${values.push(value)}`;
  const revision = options.as_of === undefined ? undefined : revisionOf(options.as_of, parameter);
  const filters = filterConditions(caller, options, revision, parameter)
    .map(filter => ` and ${filter}`)
    .join('');
  const descending = options.sort.startsWith('-');
  const column = options.sort.replace('-', '') as 'phone_number' | 'created_at';
  const sorted = [...new Set([column, 'phone_number'])];
  const orderOf = (table: string) =>
    sorted.map(name => `${table}.${name}${descending ? ' desc' : ''}`).join(', ');
  const order = orderOf('n');
  let afterEnd = '';
  if (after) {
    const end = { phone_number: parameter(after.phone_number), created_at: '' };
    if (column === 'created_at') end.created_at = `${parameter(after.value)}::timestamptz`;
    const names = sorted.map(name => `n.${name}`).join(', ');
    afterEnd = ` and (${names}) ${descending ? '<' : '>'} (${sorted.map(name => end[name as keyof typeof end]).join(', ')})`;
  }
  const rowLimit = `${parameter(limit)}::int`;
  const sources = numberSources(revision).map(source => `from (${source}) n where true${filters}`);
  const names = columnsOf(options.view)
    .map(name => `n.${name}`)
    .join(', ');
  const page = sources.map(
    source => `(select ${names} ${source}${afterEnd} order by ${order} limit ${rowLimit} + 1)`,
  );
  let total = '';
  if (options.total && isCounted(caller, options)) total = `${keptCount(options, parameter)} as total,`;
  else if (options.total)
    total = `${sources.map(source => `(select count(n.id) ${source})`).join(' + ')} as total,`;
  const text = `
    select (select ${versionOf('o')} from organizations o where o.tenant_id = $1 and o.id = $2) as version,
      ${options.as_of === undefined ? '' : aheadOf(options.as_of, parameter)}
      ${total}
      count(place)::int as row_count,
      string_agg(item, '${frameOf(options).separator}' order by ${orderOf('page')}) filter (where place <= ${rowLimit}) as items,
      max(phone_number) filter (where place = ${rowLimit}) as last_number,
      to_char(max(created_at) filter (where place = ${rowLimit}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as last_created_at
    from (
      select n.phone_number, n.created_at, row_number() over (order by ${order}) as place, ${numberJson[options.view]} as item
      from (select ${names} from (${page.join(' union all ')}) n order by ${order} limit ${rowLimit} + 1) n
      ${joinHolder('$1', '$2', holds(revision))}
      ${options.view === 'full' ? 'join organizations o on o.tenant_id = $1 and o.id = $2' : ''}) page`;
  return [text, values];
}

/**
 * SQL for the organization's numbers. At a revision they come from two tables: numbers that have not changed since then
 * from phone_numbers, the others from number_versions. The order of each table has its own index, so a page is cut from
 * each.
 */
function numberSources(revision: string | undefined): string[] {
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

/** The SQL condition for `a` to be the open assignment of `n`, or the one that was open at a revision. */
const holds = (revision: string | undefined) =>
  revision === undefined
    ? holdsNow('$2')
    : `a.organization_id = $2 and a.phone_number_id = n.id
        and a.from_revision <= ${revision} and (a.to_revision is null or a.to_revision > ${revision})`;

/** SQL for `ahead` and `now`. The present second is not in the future, although it may still bring revisions. */
const aheadOf = (asOf: string, parameter: (value: unknown) => string): string =>
  /^\d+$/.test(asOf)
    ? `${parameter(asOf)}::bigint > (select revision from organizations where tenant_id = $1 and id = $2) as ahead, clock_timestamp() as now,`
    : `${parameter(asOf)}::timestamptz > clock_timestamp() + interval '1 second' as ahead, clock_timestamp() as now,`;

/** SQL for the revision at a timestamp: the last one made before it. Later revisions have later timestamps. */
function revisionOf(asOf: string, parameter: (value: unknown) => string): string {
  if (/^\d+$/.test(asOf)) return `${parameter(asOf)}::bigint`;
  return `coalesce((select e.revision from events e
    where e.tenant_id = $1 and e.organization_id = $2 and e.at < ${parameter(asOf)}::timestamptz
    order by e.at desc, e.revision desc limit 1), 0)`;
}

/** SQL for the total of a list that isCounted(). */
function keptCount(filter: ListFilter, parameter: (value: unknown) => string): string {
  const chosen = Object.entries({
    area_code: filter.area_code,
    status: filter.status,
  }).flatMap(([name, value]) => (value === undefined ? [] : ` and c.${name} = ${parameter(value)}`));
  if (!filter.include_assigned) chosen.push(" and c.status = 'available'");
  return `(select coalesce(sum(c.count), 0)::bigint from number_counts c
    where c.tenant_id = $1 and c.organization_id = $2${chosen.join('')})`;
}

function filterConditions(
  caller: Caller,
  filter: ListFilter,
  revision: string | undefined,
  parameter: (value: unknown) => string,
): string[] {
  const heldBy = (condition: string) => `exists (
    select from assignments a join users u on u.tenant_id = $1 and u.organization_id = $2 and u.id = a.user_id
    where a.tenant_id = $1 and ${holds(revision)} and ${condition})`;
  const conditions = caller.ownUserId === undefined ? [] : [heldBy(`u.id = ${parameter(caller.ownUserId)}`)];
  const where = (value: unknown, condition: (parameter: string) => string) => {
    if (value !== undefined) conditions.push(condition(parameter(value)));
  };
  if (!filter.include_assigned) conditions.push("n.status = 'available'");
  // PostgreSQL evaluates this once: nobody looks through all numbers for a status or a user that none of them has.
  const any = (table: string) => `exists (select from ${table}
    where c.tenant_id = $1 and c.organization_id = $2 and c.count > 0 and `;
  const now = revision === undefined;
  where(
    filter.status,
    value => `n.status = ${value}${now ? ` and ${any('number_counts c')}c.status = ${value})` : ''}`,
  );
  const like = (pattern: string) => `n.phone_number like ${parameter(pattern)}`;
  // As area_code is defined, but in the order of the list's index.
  if (filter.area_code !== undefined) conditions.push(like(`+1${filter.area_code}%`));
  const { starts_with, contains, ends_with, default_country } = filter;
  if (starts_with !== undefined)
    conditions.push(anyOf(readBeginning(starts_with, default_country).map(digits => like(`+${digits}%`))));
  if (contains !== undefined) {
    const digits = digitsOf(contains);
    const begins = digits.flatMap(part => beginningAtHome(part, default_country) ?? []);
    conditions.push(
      anyOf([...digits.map(part => `%${part}%`), ...begins.map(part => `+${part}%`)].map(like)),
    );
  }
  if (ends_with !== undefined) conditions.push(anyOf(digitsOf(ends_with).map(digits => like(`%${digits}`))));
  where(filter.tag, value => `n.tags @> array[${value}]`);
  where(filter.assigned_to, value => {
    const holders =
      'holder_counts c join users u on u.tenant_id = $1 and u.organization_id = $2 and u.id = c.user_id';
    const isHeld = heldBy(isMeant('u', value));
    return now ? `${any(holders)}${isMeant('u', value)}) and ${isHeld}` : isHeld;
  });
  where(filter.nickname, value => `position((select fold(${value})) in fold(n.nickname)) > 0`);
  for (const name of filterNames) where(filter[name], value => `n.${name} = ${value}`);
  where(filter.created_after, value => `n.created_at >= ${value}::timestamptz`);
  where(filter.created_before, value => `n.created_at < ${value}::timestamptz`);
  // The index is of available numbers only.
  where(
    filter.unassigned_since,
    value => `n.status = 'available' and n.available_since < ${value}::timestamptz`,
  );
  return conditions;
}

const anyOf = (conditions: string[]): string => `(${conditions.join(' or ') || 'false'})`;
