// `npm run schema`: writes server/db/schema.sql anew, from the migrations.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../server/db/database.ts';
import { startEmbedded } from '../server/db/embedded.ts';
import { migrate } from '../server/db/migrate.ts';
import { describeSchema, schemaFile } from '../server/db/schema.ts';

const home = await mkdtemp(join(tmpdir(), 'lk-schema-'));
const embedded = await startEmbedded(home, () => {});
const database = openDatabase(embedded.connection);
try {
  await migrate(database);
  await writeFile(schemaFile, await describeSchema(database.pool));
} finally {
  await database.close();
  await embedded.stop();
  await rm(home, { recursive: true, force: true });
}
