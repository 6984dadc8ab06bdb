import type pg from 'pg';

/** The checked-in description of the schema that all migrations make. */
export const schemaFile = new URL('./schema.sql', import.meta.url);

const header = `-- The schema that all migrations together make, for reading and for review: nothing runs this file.
-- Written by \`npm run schema\`, and compared with the migrations by a test.
`;

type Table = { id: number; name: string; options: string[] | null };

/** Describes the tables of the database. The text is the same on every version of PostgreSQL. */
export async function describeSchema(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<Table>(`
    select c.oid::int8 as id, c.relname as name, c.reloptions as options from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by c.relname collate "C"`);
  const tables: string[] = [];
  for (const table of rows) tables.push(await describeTable(pool, table));
  return [header, ...tables].join('\n');
}

async function describeTable(pool: pg.Pool, { id, name, options }: Table): Promise<string> {
  const lines = [...(await describeColumns(pool, id)), ...(await describeConstraints(pool, id))];
  const tail = options ? ` with (${options.sort().join(', ')})` : '';
  const indexes = await describeIndexes(pool, id);
  const triggers = await describeTriggers(pool, id);
  return `create table ${name} (\n${lines.map(line => `  ${line}`).join(',\n')}\n)${tail};\n${indexes.join('')}${triggers.join('')}`;
}

type Column = {
  name: string;
  type: string;
  collation: string | null;
  required: boolean;
  generated: boolean;
  expression: string | null;
};

/** In the table's own order. */
async function describeColumns(pool: pg.Pool, table: number): Promise<string[]> {
  const { rows } = await pool.query<Column>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required,
       case when a.attcollation <> t.typcollation then l.collname end as collation,
       a.attgenerated <> '' as generated, pg_get_expr(d.adbin, d.adrelid, true) as expression
     from pg_attribute a
     join pg_type t on t.oid = a.atttypid
     left join pg_collation l on l.oid = a.attcollation
     left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
     order by a.attnum`,
    [table],
  );
  return rows.map(({ name, type, collation, required, generated, expression }) =>
    [
      `${name} ${type}`,
      collation && `collate "${collation}"`,
      required && 'not null',
      expression &&
        (generated ? `generated always as (${oneLine(expression)}) stored` : `default ${expression}`),
    ]
      .filter(Boolean)
      .join(' '),
  );
}

const oneLine = (text: string) => text.trim().replace(/\s+/g, ' ');

/** Leaves out `not null` ('n'): only PostgreSQL 18 has such constraints, and the columns show it. */
async function describeConstraints(pool: pg.Pool, table: number): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; definition: string }>(
    `select conname as name, pg_get_constraintdef(oid, true) as definition from pg_constraint
     where conrelid = $1 and contype <> 'n'
     order by position(contype in 'pufc'), conname collate "C"`,
    [table],
  );
  return rows.map(({ name, definition }) => `constraint ${name} ${definition}`);
}

/** Leaves out the indexes of constraints. */
async function describeIndexes(pool: pg.Pool, table: number): Promise<string[]> {
  const { rows } = await pool.query<{ definition: string }>(
    `select pg_get_indexdef(i.indexrelid) as definition from pg_index i
     join pg_class c on c.oid = i.indexrelid
     where i.indrelid = $1 and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = $1)
     order by c.relname collate "C"`,
    [table],
  );
  return rows.map(({ definition }) => `${definition};\n`);
}

async function describeTriggers(pool: pg.Pool, table: number): Promise<string[]> {
  const { rows } = await pool.query<{ definition: string }>(
    `select pg_get_triggerdef(oid) as definition from pg_trigger
     where tgrelid = $1 and not tgisinternal order by tgname collate "C"`,
    [table],
  );
  return rows.map(({ definition }) => `${definition};\n`);
}
