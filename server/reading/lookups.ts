import type pg from 'pg';
import { hashSecret } from '../access/secret.ts';
import type { Permission } from '../db/tables.ts';
import type { Subject } from '../http/operation.ts';
import type { OwnLimits } from '../limits/meter.ts';
import { detailVersion, holdsNow, joinHolder, numberJson } from '../numbers/json.ts';
import { versionOf } from '../revisions/version.ts';
import { batched } from './batched.ts';

/** What a request must look up: its caller and its subject. */
export type Question = Subject & { key?: string | undefined; token?: string | undefined };

/** A field is undefined if it was not asked for, does not exist, or is not visible to the caller. */
export type LookupResult = OwnLimits & {
  key: { id: string; tenantId: string; organizationId: string | null; permission: Permission } | undefined;
  user:
    | { id: string; uniqueId: string; tenantId: string; organizationId: string; permission: 'admin' | 'user' }
    | undefined;
  /** With its version: revisions/version.ts. */
  organization: { id: string; version: string } | undefined;
  /** The live number and the version of its detail. The detail itself is undefined if that version is known. */
  number: { e164: string; version: string; json: string | undefined } | undefined;
};

declare module 'fastify' {
  interface FastifyRequest {
    /** The subject of the request, as far as the caller may see it. Set with `caller`. */
    lookup: LookupResult;
  }
}

export type Lookups = (question: Question) => Promise<LookupResult>;

const inFlightMax = 2;

/**
 * Looks up all that a request needs before it can be answered from the cache: whether the key or token is valid, whose
 * it is, and the revision of the organization or the detail of the number.
 *
 * Requests of one turn share one statement, which is sent after the last of them has arrived. It sees every change that
 * was committed before any of them was sent. So no reply is ever stale, with any number of processes, and processes need
 * not notify each other of changes.
 * @param pool connections for look-ups alone, so that no slow statement delays them
 */
export const createLookups = (pool: pg.Pool): Lookups =>
  batched(
    questions => lookUp(pool, questions),
    // Only the last two can contain a line break, so no two questions share a name.
    ({ key, token, number, known = '', organization = '' }) =>
      `${key}\n${token}\n${number}\n${known.length}\n${known}${organization}`,
    inFlightMax,
  );

/** The parts of a statement that a batch needs. Every batch looks up keys. */
type Parts = Record<Exclude<keyof Question, 'key' | 'known'> | 'detail', boolean>;

/**
 * The statement of a batch, and the fields of its questions that are its parameters. Joins that no question needs are
 * left out: to set up a join costs PostgreSQL as much as to answer ten questions with it.
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
  const limited = token
    ? `coalesce(${limitedBy('k', 'k.id')}, ${limitedBy('t', 'null')})`
    : limitedBy('k', 'k.id');
  const text = `
    select k.id, k.tenant_id, k.organization_id, k.permission, (select version from limits_version), ${limited},
      ${organization ? `o.id, ${versionOf('o')}` : 'null, null'}, ${number ? 'number.version, number.json' : 'null, null'}
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

/** Most keys have no limits, and then it is null. */
const limitedBy = (table: string, own: string) => `
      case when ${table}.limits is not null
        then jsonb_build_object('keyId', coalesce(${table}.limits_of, ${own}), 'limits', ${table}.limits) end`;

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
  ...[string | null, string, string | null, Permission, number, OwnLimits['limited'] | null],
  ...[string | null, string, string | null, string | null],
  ...([string | null, string, string, string, 'admin' | 'user'] | []),
];

/** By their parts. */
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
  [keyId, keyTenant, keyOrganization, keyPermission, limitsVersion, limited, ...rest]: Row,
  { number }: Question,
): LookupResult {
  const [id, organizationVersion, version, json, ...user] = rest;
  const [userId = null, uniqueId, tenantId, organizationId, permission] = user;
  const key =
    keyId === null ? undefined : { id: keyId, tenantId: keyTenant, organizationId: keyOrganization };
  return {
    limitsVersion,
    limited: limited ?? undefined,
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
    organization: id === null ? undefined : { id, version: organizationVersion },
    number: version === null ? undefined : { e164: number!, version, json: json ?? undefined },
  };
}
