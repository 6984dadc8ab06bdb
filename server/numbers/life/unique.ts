import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { Problem } from '../../errors.ts';
import { type Edit, type Editable, type EditableName, uniqueNames } from '../state.ts';

/* Values that no two live numbers of a tenant have. The indexes see to it; here is what they mean. */

/** The error of a unique index. PostgreSQL says `Key (tenant_id, external_id)=(…, A-1) already exists.` */
export const takenValues = Object.fromEntries(
  uniqueNames.map(name => [
    `phone_numbers_${name}_key`,
    (detail: string) => valueTaken(name, /=\([^,]+, (.*)\) already exists/.exec(detail)?.[1] ?? ''),
  ]),
);

export const valueTaken = (name: EditableName, value: unknown): Problem =>
  new Problem('value_taken', `${name} ${value} is another number's already`);

/** The fields whose given values other live numbers of the tenant have. */
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

export type UniqueHolders = { take(number: string, values: Partial<Editable>): void };

/**
 * Gives values out to the numbers of one change, none to two numbers. A value that a number had when the change began
 * stays its own until the change is over, even if it gives it up.
 * @param wanted all values that the change may give
 */
export async function uniqueHolders(db: Db, caller: Caller, wanted: Edit[]): Promise<UniqueHolders> {
  const holders = new Map<string, string>();
  for (const name of uniqueNames) {
    const values = wanted.flatMap(values => values[name] ?? []);
    if (values.length === 0) continue;
    const { rows } = await sql<{ id: string; value: string }>`
      select id, ${sql.ref(name)} as value from phone_numbers
      where tenant_id = ${caller.tenantId} and ${sql.ref(name)} = any(${values}::text[]) and released_at is null`.execute(
      db,
    );
    for (const { id, value } of rows) holders.set(`${name} ${value}`, id);
  }
  return {
    /** @param number the id of its record @throws Problem `value_taken` */
    take(number, values) {
      for (const name of uniqueNames) {
        const value = values[name] ?? null;
        if (value === null) continue;
        const holder = holders.get(`${name} ${value}`);
        if (holder !== undefined && holder !== number) throw valueTaken(name, value);
        holders.set(`${name} ${value}`, number);
      }
    },
  };
}
