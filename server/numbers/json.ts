/**
 * A number as JSON text, made by PostgreSQL: of `n` (a row of phone_numbers), `a` (its open assignment), `u.holder` (the
 * user who has it) and, for more than the list's fields, `o` (its organization). A list passes from the database to the
 * client as text that nobody takes apart on the way, which is a third of the work of rows that become objects that
 * become text. No value is ever null, or the whole would be: `||` is so, and yet a fifth of the list faster than concat().
 */
const text = (column: string) => `to_json(${column})::text`;
const textOrNull = (column: string) => `coalesce(to_json(${column})::text, 'null')`;
const bool = (condition: string) => `case when ${condition} then 'true' else 'false' end`;
/** Without anything that JSON would escape: ids, E.164, what libphonenumber prints, our own words. */
const plain = (column: string) => `'"' || ${column} || '"'`;
const plainOrNull = (column: string) => `coalesce('"' || ${column} || '"', 'null')`;
/** ISO 8601 in UTC to the second. */
const moment = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

type Fields = [name: string, value: string][];

const object = (fields: Fields) =>
  `${fields.map(([name, value], index) => `'${index === 0 ? '{' : ','}"${name}":' || ${value}`).join(' || ')} || '}'`
    // Two constants that meet are one.
    .replaceAll("' || '", '');

const holder = object([
  ['user_id', text('u.unique_id')],
  ['email', text('u.email')],
  ['name', text('u.name')],
]);

/** The eight fields of the list, in their order. */
const listFields: Fields = [
  ['id', plain('n.id')],
  ['phone_number', plain('n.phone_number')],
  ['pretty_phone_number', plain('n.pretty_phone_number')],
  ['nickname', textOrNull('n.nickname')],
  ['is_available', bool("n.status = 'available'")],
  ['assigned_to', "coalesce(u.holder, 'null')"],
  ['assigned_at', plainOrNull(moment('a.assigned_at'))],
  ['created_at', plain(moment('n.created_at'))],
];

/** Every field that changes with the revision of the number's organization alone. */
const fullFields: Fields = [
  ...listFields,
  ['status', plain('n.status')],
  ['until', plainOrNull(moment('n.until'))],
  ['reservation_id', plainOrNull('n.reservation_id')],
  ['reservation_note', textOrNull('n.reservation_note')],
  ['tags', text('n.tags')],
  ['locked', bool('n.locked')],
  ['metadata', 'n.metadata::text'],
  ['carrier_account_id', plainOrNull('n.carrier_account_id')],
  ['pending_reason', textOrNull('n.pending_reason')],
  ['organization_id', text('o.unique_id')],
  ['organization_name', text('o.name')],
  ['country', plainOrNull('n.country')],
  ['area_code', plainOrNull('n.area_code')],
  ['modified_at', plain(moment('n.modified_at'))],
];

const namesOf = (fields: Fields) => fields.map(([name]) => name);

export const fieldNames = { list: namesOf(listFields), full: namesOf(fullFields) };

export const numberJson = {
  list: object(listFields),
  full: object(fullFields),
  /** What one call for one number shows: also what is under way at its carrier, which is no revision. */
  detail: object([
    ...fullFields,
    ['leaving', bool('n.release_due_at is not null')],
    ['release_problem', textOrNull('n.release_problem')],
  ]),
};

/** What the detail hangs on beside the number's own id: it is the same as long as this is. */
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
