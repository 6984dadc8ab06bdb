import type { Field } from './field.ts';
import { type FieldName, field, fieldNames } from './state.ts';

/**
 * A number as JSON text, made by PostgreSQL: of `n` (a row of phone_numbers), `a` (its open assignment), `u.holder` (the
 * user who has it) and, for more than the list's fields, `o` (its organization). A list passes from the database to the
 * client as text that nobody takes apart on the way, which is a third of the work of rows that become objects that
 * become text. No value is ever null, or the whole would be: `||` is so, and yet a fifth of the list faster than concat().
 */
/** How each kind of value is printed, of the SQL that reads it. */
const printers: Record<Field['print'], (value: string) => string> = {
  text: value => `to_json(${value})::text`,
  // Without anything that JSON would escape: ids, E.164, pretty numbers, our own words.
  plain: value => `'"' || ${value} || '"'`,
  boolean: value => `case when ${value} then 'true' else 'false' end`,
  // ISO 8601 in UTC to the second.
  moment: value => `'"' || to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"'`,
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
    // Two constants that meet are one.
    .replaceAll("' || '", '');

const holder = object(
  ['unique_id', 'email', 'name'].map(column => [
    column === 'unique_id' ? 'user_id' : column,
    printers.text(`u.${column}`),
  ]),
);

const views = ['list', 'full', 'detail'] as const;
export type View = (typeof views)[number];

/** The fields that a view shows, in their order; each view has those of the one before it. */
export const fieldsOf = (view: View): FieldName[] =>
  fieldNames.filter(name => {
    const narrowest = field(name).view;
    return narrowest !== undefined && views.indexOf(narrowest) <= views.indexOf(view);
  });

const jsonOf = (view: View) => object(fieldsOf(view).map(name => [name, printed(name)]));

/**
 * `detail` is what one call for one number shows: also what is under way at its carrier, which is no revision, so that
 * a list's ETag could not tell of it.
 */
export const numberJson = { list: jsonOf('list'), full: jsonOf('full'), detail: jsonOf('detail') };

/** Changes whenever the detail of a number does. */
export const detailVersion =
  "concat_ws(' ', o.id, o.revision, n.release_due_at is not null, n.release_problem)";

/**
 * Joins the holder of each `n`, by look-ups of its own: whatever the size of the organization, there is no plan for
 * PostgreSQL to choose that reads the holders of others too. It keeps the users that it has found, and so their JSON.
 * @param tenant the tenant's and the organization's own ids, as SQL
 * @param holds that an assignment `a` of the tenant is the one that counts
 */
export const joinHolder = (tenant: string, organization: string, holds: string) => `
  left join lateral (
    select a.user_id, a.assigned_at from assignments a
    where n.status <> 'available' and a.tenant_id = ${tenant} and ${holds} limit 1) a on true
  left join lateral (
    select ${holder} as holder from users u
    where u.tenant_id = ${tenant} and u.organization_id = ${organization} and u.id = a.user_id limit 1) u on true`;

/** That an assignment is the open one of `n` in its organization. */
export const holdsNow = (organization: string) =>
  `a.open_organization_id = ${organization} and a.phone_number_id = n.id and a.ended_at is null`;
