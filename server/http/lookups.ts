import type pg from 'pg';
import type { Permission } from '../db/tables.ts';
import { hashSecret } from '../keys/secret.ts';
import { detailVersion } from '../numbers/number-json.ts';
import { batched } from './batched.ts';

/** What a request says of itself: whose it is, and what it is about. */
export type Question = {
  key?: string | undefined;
  token?: string | undefined;
  /** An organization's unique_id. */
  organization?: string | undefined;
  /** A number in E.164. */
  number?: string | undefined;
};

/** What is known of it; what is not there, or not theirs to see, is undefined. */
export type Answer = {
  key: { id: string; tenantId: string; organizationId: string | null; permission: Permission } | undefined;
  user:
    | { id: string; uniqueId: string; tenantId: string; organizationId: string; permission: 'admin' | 'user' }
    | undefined;
  organization: { id: string; revision: number } | undefined;
  /** The live number: its record's id, and the version that its detail is at. */
  number: { id: string; version: string } | undefined;
};

export type Lookups = (question: Question) => Promise<Answer>;

const onTheWayMax = 2;

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
    // Only the last can have a line break in it.
    ({ key, token, number, organization }) => `${key}\n${token}\n${number}\n${organization ?? ''}`,
    onTheWayMax,
  );

/**
 * The statement of a batch. What none of its questions has is left out: to set up a join costs PostgreSQL as much as to
 * answer ten questions by it.
 */
function statement(tokens: boolean, organizations: boolean, numbers: boolean): string {
  const who = tokens
    ? `coalesce(u.tenant_id, k.tenant_id) as tenant_id, coalesce(u.organization_id, k.organization_id) as organization_id,
        case u.permission when 'user' then u.id end as own_user_id`
    : 'k.tenant_id, k.organization_id, null::uuid as own_user_id';
  const user = 'u.id, u.unique_id, u.tenant_id, u.organization_id, u.permission';
  return `
    select k.id, k.tenant_id, k.organization_id, k.permission,
      ${organizations ? 'o.id, o.revision' : 'null, null'}, ${numbers ? 'number.id, number.version' : 'null, null'}${tokens ? `, ${user}` : ''}
    from unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[]) with ordinality as q (key_hash, token_hash, organization, number, place)
    left join api_keys k on k.hash = q.key_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    ${tokens ? joinUser : ''}
    cross join lateral (select ${who}) who
    ${organizations ? joinOrganization : ''}
    ${numbers ? joinNumber : ''}
    order by q.place`;
}

const joinUser = `
  left join user_tokens t on t.hash = q.token_hash and t.revoked_at is null and t.expires_at > now()
  left join users u on u.tenant_id = t.tenant_id and u.organization_id = t.organization_id and u.id = t.user_id and u.status = 'active'`;

const joinOrganization = `
  left join organizations o on o.tenant_id = who.tenant_id and o.unique_id = q.organization
    and (who.organization_id is null or o.id = who.organization_id)`;

const joinNumber = `
  left join lateral (
    select n.id, ${detailVersion} as version
    from phone_numbers n
    join organizations o on o.tenant_id = n.tenant_id and o.id = n.organization_id
    where n.tenant_id = who.tenant_id and n.phone_number = q.number and n.released_at is null
      and (who.organization_id is null or n.organization_id = who.organization_id)
      and (who.own_user_id is null or exists (
        select from assignments a
        where a.tenant_id = n.tenant_id and a.phone_number_id = n.id and a.ended_at is null and a.user_id = who.own_user_id))
  ) number on true`;

type Row = [
  ...[string | null, string, string | null, Permission],
  ...[string | null, number, string | null, string],
  ...([string | null, string, string, string, 'admin' | 'user'] | []),
];

/** Of the statements that were needed so far, by their names. */
const texts = new Map<string, string>();

async function lookUp(pool: pg.Pool, questions: Question[]): Promise<Answer[]> {
  const hashes = new Map<string, Buffer | undefined>();
  const hash = (secret: string | undefined) => {
    if (secret === undefined) return null;
    if (!hashes.has(secret)) hashes.set(secret, hashSecret(secret));
    return hashes.get(secret);
  };
  const has = (field: keyof Question) => questions.some(question => question[field] !== undefined);
  const parts = [has('token'), has('organization'), has('number')] as const;
  const name = `lookups ${parts}`;
  const text = texts.get(name) ?? statement(...parts);
  texts.set(name, text);
  const { rows } = await pool.query<Row>({
    name,
    text,
    values: [
      questions.map(({ key }) => hash(key)),
      questions.map(({ token }) => hash(token)),
      questions.map(({ organization }) => organization),
      questions.map(({ number }) => number),
    ],
    rowMode: 'array',
  });
  return rows.map(readAnswer);
}

function readAnswer([keyId, keyTenant, keyOrganization, keyPermission, ...rest]: Row): Answer {
  const [id, revision, numberId, version, userId = null, uniqueId, tenantId, organizationId, permission] =
    rest;
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
    number: numberId === null ? undefined : { id: numberId, version },
  };
}
