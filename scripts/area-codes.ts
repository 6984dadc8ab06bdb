// `npm run area-codes -- LIST.csv YYYY-MM`: writes phone-numbers/area-codes.ts from a list of all area codes in service
// in that month (phone-numbers/table.ts says what the list looks like).
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTable, writeTable } from '../phone-numbers/table.ts';

const [list, month] = process.argv.slice(2);
if (!list || !/^\d{4}-(0[1-9]|1[0-2])$/.test(month ?? '')) {
  console.error('Which list, and of which month? npm run area-codes -- LIST.csv YYYY-MM');
  process.exit(2);
}
const table = readTable(await readFile(list, 'utf8'));
await writeFile(join(import.meta.dirname, '..', 'phone-numbers', 'area-codes.ts'), writeTable(table, month!));
console.log(`${Object.values(table).flat().length} area codes`);
