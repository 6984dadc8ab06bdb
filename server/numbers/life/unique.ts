import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { type Edit, type Editable, type EditableName, uniqueNames } from '../state.ts';

/* Fields whose values are unique among the live numbers of a tenant. Unique indexes enforce it. */

/** The Problem of each index. PostgreSQL's detail is `Key (tenant_id, external_id)=(…, A-1) already exists.` */
export const takenValueProblems = Object.fromEntries(
  uniqueNames.map(name => [
    `phone_numbers_${name}_key`,
    (detail: string) => valueTaken(name, /=\([^,]+, (.*)\) already exists/.exec(detail)?.[1] ?? ''),
  ]),
);

export const valueTaken = (name: EditableName, value: unknown): Problem =>
  new Problem('value_taken', `${name} ${value} is already in use by another number`);

/** The fields whose values are in use by other live numbers of the tenant. */
export async function takenNames(db: Db, caller: Caller, values: Partial<Editable>): Promise<EditableName[]> {
  const taken: EditableName[] = [];
  for (const name of uniqueNames) {
    const value = values[name] ?? null;
    if (value === null) continue;
    const { rows } = await sql`
      select from phone_numbers
      where tenant_id = ${caller.tenantId} and ${sql.ref(name)} = ${value} and released_at is null`.execute(
      db,
    );
    if (rows.length > 0) taken.push(name);
  }
  return taken;
}

export type UniqueValues = { give(numberId: string, values: Partial<Editable>): void };

/**
 * Gives unique values to the numbers of one change, each to one number at most. A value that a number gives up is free
 * for others only after the change.
 * @param edits all edits of the change
 */
export async function uniqueValues(db: Db, caller: Caller, edits: Edit[]): Promise<UniqueValues> {
  const holders = new Map<string, string>();
  for (const name of uniqueNames) {
    const values = edits.flatMap(values => values[name] ?? []);
    if (values.length === 0) continue;
    const { rows } = await sql<{ id: string; value: string }>`
      select id, ${sql.ref(name)} as value from phone_numbers
      where tenant_id = ${caller.tenantId} and ${sql.ref(name)} = any(${values}::text[]) and released_at is null`.execute(
      db,
    );
    for (const { id, value } of rows) holders.set(`${name} ${value}`, id);
  }
  return {
    /** @throws Problem `value_taken` */
    give(numberId, values) {
      for (const name of uniqueNames) {
        const value = values[name] ?? null;
        if (value === null) continue;
        const holder = holders.get(`${name} ${value}`);
        if (holder !== undefined && holder !== numberId) throw valueTaken(name, value);
        holders.set(`${name} ${value}`, numberId);
      }
    },
  };
}
