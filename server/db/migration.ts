import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';

/** A file of migrations/. */
export type Migration = {
  name: string;
  text: string;
  checksum: string;
  /** Whether a server that does not know it cannot work beside it. */
  breaking: boolean;
  /** Whether all of it is one transaction. Otherwise each statement is one of its own, and can run again. */
  transaction: boolean;
};

const values: Record<string, string[]> = { breaking: ['yes', 'no'], transaction: ['one', 'none'] };

/** @returns the migrations of a folder, in order */
export async function readMigrations(folder: URL): Promise<Migration[]> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async name => {
      const text = await readFile(new URL(name, folder), 'utf8');
      const checksum = createHash('sha256').update(text).digest('hex');
      const { breaking, transaction } = readHeader(name, text);
      return { name, text, checksum, breaking: breaking !== 'no', transaction: transaction !== 'none' };
    }),
  );
}

/** The lines `-- breaking: no` and `-- transaction: none` before everything else. Without them it breaks, in one transaction. */
function readHeader(name: string, text: string): Record<string, string> {
  const header: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, key, value] = /^-- (\w+): *(\S*) *$/.exec(line) ?? [];
    if (key === undefined) break;
    if (!values[key]?.includes(value!))
      throw new Error(`${name}: the header "${line}" must be one of ${describeHeaders()}`);
    header[key] = value!;
  }
  return header;
}

const describeHeaders = () =>
  Object.entries(values)
    .flatMap(([key, each]) => each.map(value => `-- ${key}: ${value}`))
    .join(', ');

/** The statements of a migration without a transaction. Each ends with a `;` at the end of a line. */
export const statementsOf = ({ text }: Migration): string[] =>
  text
    .split(/;[ \t]*$/m)
    .map(statement => statement.trim())
    .filter(statement => statement.replace(/^--.*$/gm, '').trim() !== '');
