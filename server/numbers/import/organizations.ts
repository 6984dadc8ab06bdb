import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Tx } from '../../db/database.ts';
import { createOrganization } from '../../organizations/organizations.ts';
import { isOrganizationName, isOwnUniqueId } from '../../organizations/schemas.ts';
import type { Revision } from '../../revisions/revise.ts';
import type { OrganizationInFile } from './file/rows.ts';

/* The organizations that a file names. */

/**
 * An organization that numbers go to, under all the names that the file has for it. `target` is the first of their
 * places. A new one is created only if a number comes into it.
 */
export type Target = {
  target: number;
  places: number[];
  organization_id: string;
  unique_id: string | undefined;
  name: string;
  isNew: boolean;
};

/** A name that means no organization, or several. */
export type Unresolved = { place: number; problem: string };

export type Targets = { found: Target[]; unresolved: Unresolved[] };

type Found = { place: number; id: string; unique_id: string; name: string; by_id: boolean };

/** Case and blanks do not count in a name: people write it as they please. */
const plainName = (name: string) => name.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();

/**
 * Finds what the names mean: a unique_id, or else the name of one organization. The caller sees no others.
 * @param create whether a name that nothing has is a new organization
 */
export async function findTargets(
  tx: Tx,
  caller: Caller,
  named: OrganizationInFile[],
  create: boolean,
): Promise<Targets> {
  // Two imports must not create one organization twice: names are not unique.
  if (create)
    await sql`select pg_advisory_xact_lock(hashtextextended(${`organizations ${caller.tenantId}`}, 0))`.execute(
      tx,
    );
  const found = Map.groupBy(await findNamed(tx, caller, named), row => row.place);
  const targets = new Map<string, Target>();
  const unresolved: Unresolved[] = [];
  for (const [place, organization] of named.entries()) {
    const meant = meaningOf(organization, found.get(place) ?? [], create);
    if (typeof meant === 'string') {
      unresolved.push({ place, problem: meant });
      continue;
    }
    const { key, ...target } = meant;
    const known = targets.get(key);
    if (known) known.places.push(place);
    else targets.set(key, { target: place, places: [place], ...target });
  }
  return { found: [...targets.values()], unresolved };
}

type Meaning = Omit<Target, 'target' | 'places'> & { key: string };

/** @returns the organization, or why there is none */
function meaningOf(organization: OrganizationInFile, found: Found[], create: boolean): Meaning | string {
  const { reference } = organization;
  const byId = found.find(row => row.by_id);
  const [first, second] = byId ? [byId] : found;
  if (second)
    return `organization: ${found.length} organizations are named ${reference}: write the unique_id`;
  if (first)
    return {
      key: first.id,
      organization_id: first.id,
      unique_id: first.unique_id,
      name: first.name,
      isNew: false,
    };
  if (!create) return `organization: there is none with the unique_id or name ${reference}`;
  const name = organization.name || reference;
  if (!isOrganizationName(name)) return 'organization is longer than 200 characters, so none can be created';
  const id = organization.id || undefined;
  if (id !== undefined && !isOwnUniqueId(id))
    return 'organization_id must have letters, digits and _.:- only, at most 128, so none can be created';
  const key = id === undefined ? `name ${plainName(name)}` : `id ${id}`;
  return { key, organization_id: randomUUIDv7(), unique_id: id, name: name.trim(), isNew: true };
}

/** By unique_id, or else by name. Names are compared here, because what a letter's other case is depends on the database. */
async function findNamed(tx: Tx, caller: Caller, named: OrganizationInFile[]): Promise<Found[]> {
  const visible = tx
    .selectFrom('organizations')
    .select(['id', 'unique_id', 'name'])
    .where('tenant_id', '=', caller.tenantId)
    .$if(caller.organizationId !== null, query => query.where('id', '=', caller.organizationId!));
  const references = named.map(({ reference }) => reference);
  const withId = await visible.where('unique_id', '=', sql<string>`any(${references}::text[])`).execute();
  const byId = new Map(withId.map(row => [row.unique_id, row]));
  const found = named.flatMap(({ reference }, place): Found[] => {
    const row = byId.get(reference);
    return row ? [{ ...row, place, by_id: true }] : [];
  });
  if (found.length === named.length) return found;
  const byName = Map.groupBy(await visible.execute(), row => plainName(row.name));
  const others = named.flatMap(({ name, reference }, place) =>
    byId.has(reference)
      ? []
      : (byName.get(plainName(name || reference)) ?? []).map(row => ({ ...row, place, by_id: false })),
  );
  return [...found, ...others];
}

/** Creates those new organizations that a good row needs. @returns them */
export async function createNeeded(tx: Tx, caller: Caller, targets: Target[]): Promise<Target[]> {
  const fresh = targets.filter(({ isNew }) => isNew);
  if (fresh.length === 0) return [];
  const { rows } = await sql<{ target: number }>`
    select distinct target from classified where place is not null and target = any(${fresh.map(({ target }) => target)}::int[])`.execute(
    tx,
  );
  const needed = new Set(rows.map(({ target }) => target));
  const created = fresh.filter(({ target }) => needed.has(target));
  for (const target of created) {
    const { organization_id: id, unique_id, name } = target;
    const made = await createOrganization(tx, caller, {
      id,
      name,
      ...(unique_id !== undefined && { unique_id }),
    });
    target.unique_id = made.unique_id;
  }
  return created;
}

/** Tells SQL what each name means, and why those that mean nothing do so. */
export async function storeTargets(
  tx: Tx,
  { found, unresolved }: Targets,
  revisions: Map<string, Revision>,
): Promise<void> {
  const rows = [
    ...found.flatMap(({ target, places, organization_id, unique_id }) => {
      const revision = revisions.get(organization_id);
      const status = revision?.organization.status ?? 'active';
      const problem =
        status === 'active'
          ? { code: null, problem: null }
          : { code: 'organization_not_active', problem: `organization ${unique_id} is ${status}` };
      return places.map(organization => ({ organization, target, organization_id, ...problem }));
    }),
    ...unresolved.map(({ place, problem }) => ({
      ...{ organization: place, target: place, organization_id: null },
      ...{ code: 'unknown_organization', problem },
    })),
  ];
  await sql`truncate named_organizations`.execute(tx);
  await sql`
    insert into named_organizations (organization, target, organization_id, code, problem)
    select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(organization integer, target integer, organization_id uuid, code text, problem text)`.execute(tx);
  await sql`analyze named_organizations`.execute(tx);
}

/** Tells SQL the revisions that the numbers come in with. */
export async function storeRevisions(
  tx: Tx,
  targets: Target[],
  revisions: Map<string, Revision>,
): Promise<void> {
  const rows = targets.flatMap(({ target, organization_id }) => {
    const revision = revisions.get(organization_id);
    return revision ? [{ target, revision: revision.number, at: revision.at }] : [];
  });
  await sql`
    update named_organizations o set revision = r.revision, at = r.at
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(target integer, revision bigint, at timestamptz)
    where o.organization = r.target`.execute(tx);
}
