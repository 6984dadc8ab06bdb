import type pg from 'pg';
import { hashSecret } from '../access/secret.ts';
import type { Permission } from '../db/tables.ts';
import type { Subject } from '../http/operation.ts';
import { detailVersion, holdsNow, joinHolder, numberJson } from '../numbers/json.ts';
import { batched } from './batched.ts';

/** What a request says of itself: whose it is, and what it is about. */
export type Question = Subject & { key?: string | undefined; token?: string | undefined };

/** What is known of it; what is not there, or not theirs to see, is undefined. */
export type LookupResult = {
  key: { id: string; tenantId: string; organizationId: string | null; permission: Permission } | undefined;
  user:
    | { id: string; uniqueId: string; tenantId: string; organizationId: string; permission: 'admin' | 'user' }
    | undefined;
  organization: { id: string; revision: number } | undefined;
  /** The live number, the version that its detail is at, and the detail itself unless that version is known. */
  number: { e164: string; version: string; json: string | undefined } | undefined;
};

export type Lookups = (question: Question) => Promise<LookupResult>;

const inFlightMax = 2;

/**
 * Everything that a request must know before it can be answered from what is at hand: is the key or token good, whose
 * is it, does the organization exist there, at which revision; or the number that it asks for.
 *
 * Requests that wait in the same turn share one statement, which is sent after the last of them has come. So it sees
 * whatever was committed before any of them was sent: nothing is ever answered from an older state, in any number of
 * processes, and no process has to be told of a change.
 * @param pool connections for this alone, so that nothing that takes long stands in its way
 */
export const createLookups = (pool: pg.Pool): Lookups =>
  batched(
    questions => lookUp(pool, questions),
    // Only the last two can have a line break in them.
    ({ key, token, number, known = '', organization = '' }) =>
      `${key}\n${token}\n${number}\n${known.length}\n${known}${organization}`,
    inFlightMax,
  );

/** What a batch asks; a key is always looked for. */
type Parts = Record<Exclude<keyof Question, 'key' | 'known'> | 'detail', boolean>;

/**
 * The statement of a batch, and which fields of its questions it takes. What none of them asks is left out: to set up a
 * join costs PostgreSQL as much as to answer ten questions by it.
 */
function statement({ token, organization, number, detail }: Parts) {
  const fields = (['key', 'token', 'organization', 'number', 'known'] as const).filter(
    field =>
      field === 'key' ||
      (field === 'token' && token) ||
      (field === 'organization' && organization) ||
      (field === 'number' && number) ||
      (field === 'known' && detail),
  );
  const arrays = fields.map((field, index) => `$${index + 1}::${secrets.has(field) ? 'bytea' : 'text'}[]`);
  const caller = token
    ? `coalesce(u.tenant_id, k.tenant_id) as tenant_id, coalesce(u.organization_id, k.organization_id) as organization_id,
        case u.permission when 'user' then u.id end as own_user_id`
    : 'k.tenant_id, k.organization_id, null::uuid as own_user_id';
  const text = `
    select k.id, k.tenant_id, k.organization_id, k.permission,
      ${organization ? 'o.id, o.revision' : 'null, null'}, ${number ? 'number.version, number.json' : 'null, null'}
      ${token ? ', u.id, u.unique_id, u.tenant_id, u.organization_id, u.permission' : ''}
    from unnest(${arrays.join(', ')}) with ordinality as q (${fields.join(', ')}, place)
    left join api_keys k on k.hash = q.key and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    ${token ? joinUser : ''}
    cross join lateral (select ${caller}) caller
    ${organization ? joinOrganization : ''}
    ${number ? joinNumber(detail) : ''}
    order by q.place`;
  return { name: `lookups ${fields}`, text, fields };
}

const secrets: ReadonlySet<keyof Question> = new Set(['key', 'token']);

const joinUser = `
  left join user_tokens t on t.hash = q.token and t.revoked_at is null and t.expires_at > now()
  left join users u on u.tenant_id = t.tenant_id and u.organization_id = t.organization_id and u.id = t.user_id and u.status = 'active'`;

const joinOrganization = `
  left join organizations o on o.tenant_id = caller.tenant_id and o.unique_id = q.organization
    and (caller.organization_id is null or o.id = caller.organization_id)`;

function joinNumber(detail: boolean): string {
  const wanted = `q.known is distinct from ${detailVersion}`;
  const holder = joinHolder(
    'n.tenant_id',
    'n.organization_id',
    `${holdsNow('n.organization_id')} and ${wanted}`,
  );
  return `
  left join lateral (
    select ${detailVersion} as version, ${detail ? `case when ${wanted} then ${numberJson.detail} end` : 'null'} as json
    from phone_numbers n
    join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
    ${detail ? holder : ''}
    where n.tenant_id = caller.tenant_id and n.phone_number = q.number and n.released_at is null
      and (caller.organization_id is null or n.organization_id = caller.organization_id)
      and (caller.own_user_id is null or exists (
        select from assignments a
        where a.tenant_id = n.tenant_id and a.phone_number_id = n.id and a.ended_at is null and a.user_id = caller.own_user_id))
  ) number on true`;
}

type Row = [
  ...[string | null, string, string | null, Permission],
  ...[string | null, number, string | null, string | null],
  ...([string | null, string, string, string, 'admin' | 'user'] | []),
];

/** Those that were needed so far, by their parts. */
const statements = new Map<string, ReturnType<typeof statement>>();

function statementFor(questions: Question[]): ReturnType<typeof statement> {
  const parts = { token: false, organization: false, number: false, detail: false };
  for (const { token, organization, number, known } of questions) {
    if (token !== undefined) parts.token = true;
    if (organization !== undefined) parts.organization = true;
    if (number === undefined) continue;
    parts.number = true;
    if (known === undefined) parts.detail = true;
  }
  const name = Object.values(parts).join();
  const needed = statements.get(name) ?? statement(parts);
  statements.set(name, needed);
  return needed;
}

async function lookUp(pool: pg.Pool, questions: Question[]): Promise<LookupResult[]> {
  const { name, text, fields } = statementFor(questions);
  const hashes = new Map<string, Buffer | undefined>();
  const hash = (secret: string | undefined) => {
    if (secret === undefined) return undefined;
    if (!hashes.has(secret)) hashes.set(secret, hashSecret(secret));
    return hashes.get(secret);
  };
  const values = fields.map(field =>
    secrets.has(field)
      ? questions.map(question => hash(question[field]))
      : questions.map(question => question[field]),
  );
  const { rows } = await pool.query<Row>({ name, text, values, rowMode: 'array' });
  return rows.map((row, index) => readResult(row, questions[index]!));
}

function readResult(
  [keyId, keyTenant, keyOrganization, keyPermission, ...rest]: Row,
  { number }: Question,
): LookupResult {
  const [id, revision, version, json, userId = null, uniqueId, tenantId, organizationId, permission] = rest;
  const key =
    keyId === null ? undefined : { id: keyId, tenantId: keyTenant, organizationId: keyOrganization };
  return {
    key: key && { ...key, permission: keyPermission },
    user:
      userId === null
        ? undefined
        : {
            id: userId,
            uniqueId: uniqueId!,
            tenantId: tenantId!,
            organizationId: organizationId!,
            permission: permission!,
          },
    organization: id === null ? undefined : { id, revision },
    number: version === null ? undefined : { e164: number!, version, json: json ?? undefined },
  };
}
