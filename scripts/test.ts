// `npm test`: every check there is, on every PostgreSQL there is. Words after `--` choose test files by their path,
// and then only they run: `npm test -- revisions`.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openDatabase } from '../server/db/database.ts';
import { startEmbedded } from '../server/db/embedded.ts';
import { migrate } from '../server/db/migrate.ts';
import { templateName } from '../server/testing/database.ts';

const chosen = process.argv.slice(2);

function step(title: string, command: string, args: string[], env: NodeJS.ProcessEnv = {}): void {
  console.log(`\n── ${title}`);
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) {
    console.error(`\n${title}: failed`);
    process.exitCode = 1;
  }
}

const bin = (name: string) => join(import.meta.dirname, '..', 'node_modules', '.bin', name);

/** A throw-away PostgreSQL with a migrated template that each test file clones. It need not survive a power cut. */
async function testOn(title: string, binaries: string | undefined, files: string[]): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'lk-test-'));
  const embedded = await startEmbedded(home, () => {}, binaries);
  try {
    const admin = new pg.Client(embedded.connection);
    await admin.connect();
    await admin.query('alter system set fsync = off');
    await admin.query('select pg_reload_conf()');
    await admin.query(`create database ${templateName}`);
    await admin.end();
    const template = openDatabase({ ...embedded.connection, database: templateName });
    await migrate(template);
    await template.close();
    const env = { TEST_POSTGRES: JSON.stringify(embedded.connection), NODE_ENV: 'test' };
    step(title, process.execPath, ['--test', '--test-concurrency=2', ...files], env);
  } finally {
    await embedded.stop();
    await rm(home, { recursive: true, force: true });
  }
}

const all = globSync([
  'server/**/*.test.ts',
  'bin/**/*.test.ts',
  'schema/**/*.test.ts',
  'phone-numbers/**/*.test.ts',
  'carriers/**/*.test.ts',
  'cli/**/*.test.ts',
  'bench/**/*.test.ts',
]).sort();
const files = chosen.length === 0 ? all : all.filter(file => chosen.some(word => file.includes(word)));
if (files.length === 0) {
  console.error(`no test file has ${chosen.join(' or ')} in its path`);
  process.exit(1);
}

if (chosen.length === 0) {
  step('Format and lint', bin('biome'), ['ci', '--error-on-warnings', '.']);
  step('Types', bin('tsc'), []);
}
await testOn('Tests on the embedded PostgreSQL', undefined, files);

// What depends on the database's version is the SQL: carriers have none, what starts servers of its own starts the
// embedded one, and schedules of faults and kills go through statements that other tests try on both.
const onAnyVersion = files.filter(
  file => !/\.process\.test\.|schedules\.test\./.test(file) && !file.startsWith('carriers/'),
);
const older = ['15', '16', '17']
  .map(version => `/usr/lib/postgresql/${version}/bin`)
  .find(path => existsSync(join(path, 'initdb')));
if (!older)
  console.log(
    '\n── Tests on an older PostgreSQL: none is installed in /usr/lib/postgresql, so these are left out',
  );
else if (onAnyVersion.length > 0) await testOn(`Tests on the PostgreSQL in ${older}`, older, onAnyVersion);
