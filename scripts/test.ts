// `npm test`: every check there is, on every PostgreSQL there is. Words after `--` choose test files by their path,
// and then only they run: `npm test -- revisions`. `npm run soak` is the same with all of what is heavy by nature
// (server/testing/runs.ts).
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import pg from 'pg';
import { openDatabase } from '../server/db/database.ts';
import { startEmbedded } from '../server/db/embedded.ts';
import { migrate } from '../server/db/migrate.ts';
import { templateName } from '../server/testing/database.ts';
import { preparedVariable, prepareHome } from '../server/testing/process.ts';
import { createReport } from './report.ts';

const root = join(import.meta.dirname, '..');
const chosen = process.argv.slice(2).filter(word => word !== '--soak');
if (process.argv.includes('--soak')) process.env.SOAK ??= '1';
// Each test file has up to 70 connections, and PostgreSQL 200.
const atOnceMax = 4;

const { follow, fail, conclude } = createReport();
const title = (text: string) => console.log(`\n── ${text}`);

function check(text: string, program: string, args: string[]): void {
  title(text);
  const { status } = spawnSync(join(root, 'node_modules', '.bin', program), args, { stdio: 'inherit' });
  if (status !== 0) fail(text);
}

/** A throw-away PostgreSQL, whose data need not survive anything, with a migrated template that tests clone. */
async function testOn(where: string, binaries: string | undefined, files: string[]): Promise<void> {
  title(`Tests ${where}`);
  const home = await mkdtemp(join(tmpdir(), 'lk-test-'));
  const embedded = await startEmbedded(home, () => {}, binaries);
  const leave = async () => {
    await embedded.stop();
    await rm(home, { recursive: true, force: true });
  };
  const interrupted = (signal: string) => {
    console.error(`\n${signal}: stopping PostgreSQL`);
    void leave().then(() => process.exit(1));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupted);
  try {
    const admin = new pg.Client(embedded.connection);
    await admin.connect();
    for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes'])
      await admin.query(`alter system set ${setting} = off`);
    await admin.query('select pg_reload_conf()');
    await admin.query(`create database ${templateName}`);
    await admin.end();
    const template = openDatabase({ ...embedded.connection, database: templateName });
    await migrate(template);
    await template.close();
    const prepared = join(home, 'prepared');
    if (files.some(isProcessTest)) await prepareHome(prepared);
    Object.assign(process.env, {
      TEST_POSTGRES: JSON.stringify(embedded.connection),
      [preparedVariable]: prepared,
      NODE_ENV: 'test',
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'),
    });
    const concurrency = Math.min(Math.max(availableParallelism(), 2), atOnceMax);
    await follow(where, run({ files: files.map(file => join(root, file)), concurrency }));
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
    await leave();
  }
}

const isProcessTest = (file: string) => file.includes('.process.test.');

// Those that start servers take longest, so they come first.
const all = globSync('{server,bin,schema,phone-numbers,carriers,cli,bench}/**/*.test.ts', { cwd: root }).sort(
  (one, other) => Number(isProcessTest(other)) - Number(isProcessTest(one)) || (one < other ? -1 : 1),
);
const files = chosen.length === 0 ? all : all.filter(file => chosen.some(word => file.includes(word)));
if (files.length === 0) {
  console.error(`no test file has ${chosen.join(' or ')} in its path`);
  process.exit(1);
}

if (chosen.length === 0) {
  const colors = process.stdout.isTTY ? 'force' : 'off';
  check('Format and lint', 'biome', ['ci', '--error-on-warnings', `--colors=${colors}`, '.']);
  check('Types', 'tsc', []);
}
await testOn('on the embedded PostgreSQL', undefined, files);

// What depends on the database's version is the SQL, which is the server's. What starts servers of its own starts the
// embedded one. Kills, races and models go through statements that the other tests send, too.
const isHeavy = (file: string) =>
  /(schedules|killed|large|model|sequences|concurrent|freshness|revoked|isolation)\.test\./.test(file);
const onAnyVersion = files.filter(
  file => file.startsWith('server/') && !isProcessTest(file) && !(isHeavy(file) && !process.env.SOAK),
);
const older = ['15', '16', '17']
  .map(version => `/usr/lib/postgresql/${version}/bin`)
  .find(path => existsSync(join(path, 'initdb')));
if (!older)
  console.log(
    '\n── Tests on an older PostgreSQL: none is installed in /usr/lib/postgresql, so these are left out',
  );
else if (onAnyVersion.length > 0) await testOn(`on the PostgreSQL in ${older}`, older, onAnyVersion);
if (!conclude()) process.exitCode = 1;
