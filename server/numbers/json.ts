import { versionOf } from '../revisions/version.ts';
import type { Field } from './field.ts';
import { type FieldName, field, fieldNames } from './state.ts';

/*
 * PostgreSQL prints numbers as JSON, and the server passes the text on to the client unparsed. That is a third of the
 * work of turning rows into objects and objects into text.
 *
 * The expressions read `n` (a row of phone_numbers), `a` (its open assignment), `u.holder` (the user who has it) and,
 * in wider views than `list`, `o` (its organization). They concatenate with `||`, which makes a list a fifth faster
 * than concat() does. Since `||` returns null if any operand is null, every value is printed as non-null text.
 */

/** The SQL that prints each kind of value. */
const printers: Record<Field['print'], (value: string) => string> = {
  text: value => `to_json(${value})::text`,
  // Ids, E.164, formatted numbers and statuses: JSON escapes none of their characters.
  plain: value => `'"' || ${value} || '"'`,
  boolean: value => `case when ${value} then 'true' else 'false' end`,
  // ISO 8601 in UTC: to the second, as the API family prints moments, and to the millisecond, as they are stored.
  moment: value => `'"' || to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"'`,
  instant: value => `'"' || to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"'`,
  json: value => `${value}::text`,
};

function printed(name: FieldName): string {
  const { from, print, nullable } = field(name);
  const value = printers[print](from ?? `n.${name}`);
  return nullable ? `coalesce(${value}, 'null')` : value;
}

type Printed = [name: string, value: string][];

const object = (entries: Printed) =>
  `${entries.map(([name, value], index) => `'${index === 0 ? '{' : ','}"${name}":' || ${value}`).join(' || ')} || '}'`
    // Joins adjacent constants.
    .replaceAll("' || '", '');

const holder = object(
  ['unique_id', 'email', 'name'].map(column => [
    column === 'unique_id' ? 'user_id' : column,
    printers.text(`u.${column}`),
  ]),
);

const views = ['list', 'full', 'detail'] as const;
export type View = (typeof views)[number];

/** The fields that a view shows, in order. Each view includes the narrower ones. */
export const fieldsOf = (view: View): FieldName[] =>
  fieldNames.filter(name => {
    const narrowest = field(name).view;
    return narrowest !== undefined && views.indexOf(narrowest) <= views.indexOf(view);
  });

const jsonOf = (view: View) => object(fieldsOf(view).map(name => [name, printed(name)]));

/**
 * Only `detail`, the view of a single number, shows work in progress at the carrier. That work makes no revision, so a
 * list's ETag, which is made from the revision, would not change with it.
 */
export const numberJson = { list: jsonOf('list'), full: jsonOf('full'), detail: jsonOf('detail') };

/** Changes whenever the detail of a number does. */
export const detailVersion = `concat_ws(' ', o.id, ${versionOf('o')}, n.release_due_at is not null, n.release_problem)`;

/**
 * Joins the user who has each `n`. Lateral look-ups leave the planner no plan that reads the users of other numbers, in
 * an organization of any size. PostgreSQL memoizes the users that it finds, and with them their JSON.
 * @param tenant SQL for the tenant's internal id
 * @param organization SQL for the organization's internal id
 * @param holds the SQL condition for an assignment `a` of the tenant to be the current one
 */
export const joinHolder = (tenant: string, organization: string, holds: string) => `
  left join lateral (
    select a.user_id, a.assigned_at from assignments a
    where n.status <> 'available' and a.tenant_id = ${tenant} and ${holds} limit 1) a on true
  left join lateral (
    select ${holder} as holder from users u
    where u.tenant_id = ${tenant} and u.organization_id = ${organization} and u.id = a.user_id limit 1) u on true`;

/** The SQL condition for `a` to be the open assignment of `n` in its organization. */
export const holdsNow = (organization: string) =>
  `a.open_organization_id = ${organization} and a.phone_number_id = n.id and a.ended_at is null`;
