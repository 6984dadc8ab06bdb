import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { appendFile, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  ask,
  emptyHome,
  endPostmaster,
  exampleList,
  newFolder,
  newHome,
  postmasterPid,
  projectRoot,
  type ServerProcess,
  startServer,
} from '../testing/process.ts';
import { startEmbedded } from './embedded.ts';

const isRoot = process.getuid?.() === 0;
const onlyAsRoot = isRoot ? {} : { skip: 'only root can run this: the tests run as an ordinary user' };
const onlyWithProc = process.platform === 'linux' ? {} : { skip: 'needs /proc, which only Linux has' };

async function assertServes(server: ServerProcess): Promise<void> {
  const { status, body } = await server.call('GET', exampleList);
  assert.equal(status, 200);
  assert.equal(body.count, 2);
}

/** The user that the PostgreSQL of `home` runs as. */
async function postmasterUser(home: string): Promise<number> {
  return statSync(join(home, 'data', 'postmaster.pid')).uid;
}

async function assertUnprivileged(home: string): Promise<void> {
  const user = await postmasterUser(home);
  assert.notEqual(user, 0);
  if (process.platform !== 'linux') return;
  const status = readFileSync(`/proc/${await postmasterPid(home)}/status`, 'utf8');
  assert.match(status, new RegExp(`^Uid:(\t${user}){4}$`, 'm'));
}

/** A copy of the project in a folder of this mode. Its packages are the same files where the file system allows that. */
async function copyCheckout(t: TestContext, mode: number): Promise<string> {
  const copy = await newFolder(t, mode);
  const entries = (await readdir(projectRoot)).filter(name => name !== '.git' && name !== 'node_modules');
  const from = (names: string[]) => names.map(name => join(projectRoot, name));
  execFileSync('cp', ['-a', ...from(entries), copy]);
  try {
    execFileSync('cp', ['-al', ...from(['node_modules']), copy], { stdio: 'ignore' });
  } catch {
    execFileSync('cp', ['-a', ...from(['node_modules']), copy]);
  }
  return copy;
}

const userId = (name: string) => Number(execFileSync('id', ['-u', name], { encoding: 'utf8' }));

test('it serves on a socket that only its user can reach, and on no TCP port', async t => {
  const home = await emptyHome(t);
  const server = await startServer(home);
  await assertServes(server);
  const [row] = await ask(home, `select current_setting('listen_addresses') as addresses`);
  assert.deepEqual(row, { addresses: '' });
  assert.equal(statSync(join(home, 'run')).mode & 0o777, 0o700);
  if (isRoot) await assertUnprivileged(home);
  assert.equal(await server.stop(), 0);
  assert.equal(await postmasterPid(home), undefined, 'PostgreSQL stops with the server');
});

test(
  'it serves from a checkout that only root can enter, and stops when its launcher is killed',
  onlyAsRoot,
  async t => {
    const home = await emptyHome(t);
    const root = await copyCheckout(t, 0o700);
    // The checkout's own Node is another one than ours, so this is the launcher with the server as its child.
    const launcher = await startServer(home, { root });
    await assertServes(launcher);
    await assertUnprivileged(home);
    assert.equal(await launcher.stop(), 0);
    assert.equal(await postmasterPid(home), undefined);

    const again = await startServer(home, { root });
    await again.kill();
    while ((await postmasterPid(home)) !== undefined) await sleep(20);
  },
);

test('it serves an ordinary user from a checkout of another', onlyAsRoot, async t => {
  const home = await emptyHome(t);
  const root = await copyCheckout(t, 0o755);
  const uid = userId('nobody');
  const gid = statSync('/').gid; // a group that owns nothing of ours is enough, but it must exist
  await chown(home, uid, gid);
  const node = join(root, relative(projectRoot, process.execPath));
  const closed = join(await newFolder(t, 0o755), 'state');
  await assert.rejects(startServer(closed, { root, uid, gid, node }), (error: Error) => {
    assert.ok(error.message.includes(`${closed} cannot be used as LINEKEEPER_HOME: EACCES`), error.message);
    return true;
  });
  const server = await startServer(home, { root, uid, gid, node });
  await assertServes(server);
  assert.equal(await postmasterUser(home), uid);
  assert.equal(await server.stop(), 0);
});

test('a server that is killed leaves PostgreSQL running, and the next one adopts it', async t => {
  const home = await newHome(t);
  const first = await startServer(home);
  const postmaster = await postmasterPid(home);
  const phone_numbers = [{ phone_number: '+14155550200' }];
  const added = await first.call('POST', '/v1/sms/phone-numbers', {
    organization_id: 'org_abc123',
    phone_numbers,
  });
  assert.equal(added.status, 201);
  await first.kill();
  assert.equal(await postmasterPid(home), postmaster, 'it outlives the server');

  const second = await startServer(home);
  assert.equal(await postmasterPid(home), postmaster, 'the same one');
  assert.equal(second.key, first.key);
  assert.equal((await second.call('GET', exampleList)).body.count, 3);
  assert.equal(await second.stop(), 0);
  assert.equal(await postmasterPid(home), undefined, 'it stops with the server that adopted it');
});

test('a second server on the same folder is refused, and told of the first', async t => {
  const home = await newHome(t);
  const first = await startServer(home);
  const refusal = await startServer(home).then(
    () => assert.fail('it serves'),
    (error: Error) => error.message,
  );
  assert.match(refusal, /^it ended with 1: /);
  assert.ok(refusal.includes(`process ${first.pid}, ${first.url}`), refusal);
  await assertServes(first);
});

test('of servers that start at the same time on a new folder, exactly one serves', async t => {
  const home = await emptyHome(t);
  const starts = await Promise.allSettled([1, 2, 3].map(() => startServer(home)));
  const serving = starts.flatMap(start => (start.status === 'fulfilled' ? [start.value] : []));
  const refusals = starts.flatMap(start => (start.status === 'rejected' ? [String(start.reason)] : []));
  assert.equal(serving.length, 1, refusals.join('\n'));
  for (const refusal of refusals) assert.ok(refusal.includes(`process ${serving[0]!.pid}`), refusal);
  await assertServes(serving[0]!);
});

/** What shows how far a first start has come, in the order of its steps. */
const signs = [
  /^postgresql-[\d.a-z-]+\.\d+$/, // the programs are being copied
  /^data\.\d+$/, // initdb is at work
  /^data\/postmaster\.pid$/,
  /^demonstration-key$/, // kept before the demonstration is committed
  /^secret-key/,
];

async function untilSeen(home: string, sign: RegExp, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    const inData = await readdir(join(home, 'data')).catch(() => []);
    const names = [...(await readdir(home)), ...inData.map(name => `data/${name}`)];
    if (names.some(name => sign.test(name))) return;
    await sleep(1);
  }
}

test('a first start that is killed anywhere leaves nothing half-made', async t => {
  const home = await emptyHome(t);
  for (const sign of signs) {
    const [kill, ready] = [new AbortController(), new AbortController()];
    const starting = startServer(home, { signal: kill.signal }).catch(() => undefined);
    starting.finally(() => ready.abort());
    await untilSeen(home, sign, ready.signal);
    kill.abort();
    await (await starting)?.kill();
  }
  const server = await startServer(home);
  await assertServes(server);
  assert.equal(await server.stop(), 0);
});

test(
  'after a power cut, a process that has got the number of the old PostgreSQL is no obstacle',
  onlyWithProc,
  async t => {
    const home = await newHome(t);
    const first = await startServer(home);
    const pid = (await postmasterPid(home))!;
    await first.kill();
    await endPostmaster(home, pid, 'SIGKILL');
    const file = join(home, 'data', 'postmaster.pid');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/^\d+/, '1'));
    const second = await startServer(home);
    await assertServes(second);
    assert.equal(await second.stop(), 0);
    process.kill(1, 0); // it is still there
  },
);

test('what keeps PostgreSQL from starting is said at once, in its words', async t => {
  const home = await newHome(t);
  await writeFile(join(home, 'data', 'postmaster.pid'), '');
  await assert.rejects(startServer(home), {
    message: `it ended with 1: error: The embedded PostgreSQL in ${home} does not start: lock file "postmaster.pid" is empty\n`,
  });
  const said = await readFile(join(home, 'postgresql.log'), 'utf8');
  assert.equal(said.match(/is empty/g)?.length, 3);
});

test('what starts that were killed left half-made is removed, and nothing of one that runs', async t => {
  const home = await newHome(t);
  const running = `data.${process.pid}`;
  const gone = ['data.4194999', 'postgresql-18.4.0.4194999', 'postgresql-18.4.0-beta.17.4194999'];
  const older = 'postgresql-17.2.0-beta.4194999';
  for (const name of [running, older, ...gone]) await mkdir(join(home, name));
  await writeFile(join(home, 'secret-key.4194999'), '');
  await (await startServer(home)).stop();
  const left = (await readdir(home)).filter(name => /4194999|^data\./.test(name));
  assert.deepEqual(left.sort(), [running, older]);
});

test("PostgreSQL's log stays small, and quotes no row", async t => {
  const home = await newHome(t);
  const log = join(home, 'postgresql.log');
  await appendFile(log, `${'x'.repeat(1000)}\n`.repeat(10_001));
  const server = await startServer(home);
  assert.ok(statSync(log).size < 100_000);
  assert.ok(statSync(`${log}.1`).size > 10_000_000);
  const user = { name: 'Ann', email: 'ann.secret@example.com' };
  const path = '/v1/organizations/org_abc123/users';
  const statuses = [];
  for (let i = 0; i < 2; i++) statuses.push((await server.call('POST', path, user)).status);
  assert.deepEqual(statuses, [201, 400]);
  await server.stop();
  assert.doesNotMatch(await readFile(log, 'utf8'), /ann\.secret/);
});

test('the server is no superuser, and takes a folder over from a version in which it was', async t => {
  const home = await newHome(t);
  const postgres = await startEmbedded(home, () => {});
  const old = new pg.Client(postgres.connection);
  await old.connect();
  const { rows } = await old.query<{ statement: string }>(
    `select format('alter table %s owner to linekeeper', oid::regclass) as statement from pg_class
     where relnamespace = 'public'::regnamespace and relkind = 'r'
     union all select format('alter function %s owner to linekeeper', oid::regprocedure) from pg_proc
     where pronamespace = 'public'::regnamespace
     union all select 'alter database linekeeper owner to linekeeper'
     union all select 'drop role linekeeper_server'`,
  );
  for (const { statement } of rows) await old.query(statement);
  await old.end();
  await postgres.stop();

  const server = await startServer(home);
  await assertServes(server);
  const path = '/v1/sms/phone-numbers/+14155551234';
  assert.equal((await server.call('PATCH', path, { nickname: 'Taken over' })).status, 200);
  const connected = await ask(
    home,
    `select distinct usename as name, usesuper as super from pg_stat_activity join pg_user using (usename)
     where datname = 'linekeeper' and pid <> pg_backend_pid() order by 1`,
  );
  assert.deepEqual(connected, [{ name: 'linekeeper_server', super: false }]);
  const owners = await ask(
    home,
    `select relowner::regrole::text as name from pg_class where relnamespace = 'public'::regnamespace
     union select proowner::regrole::text from pg_proc where pronamespace = 'public'::regnamespace
     union select datdba::regrole::text from pg_database where datname = 'linekeeper'`,
  );
  assert.deepEqual(owners, [{ name: 'linekeeper_server' }]);
  assert.equal(await server.stop(), 0);
});
