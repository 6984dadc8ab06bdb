import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';

const root = join(import.meta.dirname, '..');

/** Prints its arguments. `serve` runs until SIGTERM. */
const program = `
  if (process.argv[2] === 'serve') {
    const running = setInterval(() => {}, 1000);
    process.on('SIGTERM', () => {
      console.log('stopping');
      clearInterval(running);
    });
  }
  console.log('up', process.pid, ...process.argv.slice(2));
`;

/** Writes its arguments down and installs every package of the lockfile. */
const npm = `
  const { appendFileSync, copyFileSync, mkdirSync } = require('node:fs');
  appendFileSync('npm-was-called', process.argv.slice(2).join(' ') + '\\n');
  mkdirSync('node_modules', { recursive: true });
  copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
`;

type Tree = {
  folder: string;
  run(...args: string[]): ReturnType<typeof spawn>;
  npmCalls(): Promise<string[]>;
};

/** A copy of bin/ with a program and a lockfile of its own, and an npm that needs no network. */
async function copyTree(t: TestContext, node = process.execPath): Promise<Tree> {
  const folder = await mkdtemp(join(tmpdir(), 'lk tree-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await mkdir(join(folder, 'cli'));
  await writeFile(join(folder, 'cli', 'main.ts'), program);
  await writeFile(join(folder, 'npm.cjs'), npm);
  await lock(folder, '8.0.0');
  return {
    folder,
    run: (...args) =>
      spawn(node, args, {
        cwd: folder,
        env: { ...process.env, npm_execpath: join(folder, 'npm.cjs') },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    npmCalls: async () =>
      (await readFile(join(folder, 'npm-was-called'), 'utf8').catch(() => '')).split('\n').filter(Boolean),
  };
}

/** The package that brings Node for this machine. */
const nodePackage = `${process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'}-${process.platform}-${process.arch}`;

const lock = (folder: string, version: string) => {
  const packages = {
    'node_modules/pg': { version },
    'node_modules/typescript': { version, dev: true },
    [`node_modules/${nodePackage}`]: { version, optional: true },
  };
  return writeFile(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
};

/** As `npm ci --omit=dev --omit=optional` leaves it. */
async function installForProduction({ folder }: Tree, version = '8.0.0') {
  await mkdir(join(folder, 'node_modules'));
  const packages = { 'node_modules/pg': { version } };
  await writeFile(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
}

async function ended(child: ReturnType<typeof spawn>) {
  const [out, err, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit'),
  ]);
  return { out, err, code };
}

/** @returns whether it was still running */
function endIfRunning(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

test('a production installation stays as it is when the lockfile becomes newer', async t => {
  const tree = await copyTree(t);
  await installForProduction(tree);
  const later = new Date(Date.now() + 3_600_000);
  await utimes(join(tree.folder, 'package-lock.json'), later, later);
  for (const args of [
    ['bin/linekeeper.mjs', 'version'],
    ['bin/run.mjs', '--install', 'cli/main.ts', 'version'],
  ]) {
    const { out, err, code } = await ended(tree.run(...args));
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^up \d+ version\n$/);
  }
  assert.deepEqual(await tree.npmCalls(), []);
});

test('the command never installs: it says what to type', async t => {
  const tree = await copyTree(t);
  const fresh = await ended(tree.run('bin/linekeeper.mjs', '--version'));
  assert.deepEqual([fresh.code, fresh.out], [1, '']);
  assert.match(fresh.err, /^error: Packages .*, type: npm ci --omit=dev --include=optional\n$/);
  await installForProduction(tree, '7.0.0');
  const outdated = await ended(tree.run('bin/run.mjs', 'cli/main.ts'));
  assert.deepEqual([outdated.code, outdated.out], [1, '']);
  assert.match(outdated.err, /^error: Packages .*, type: npm ci --omit=dev --omit=optional\n$/);
  assert.deepEqual(await tree.npmCalls(), []);
});

test('npm start installs what is missing, and leaves out what was left out', async t => {
  const tree = await copyTree(t);
  const start = ['bin/run.mjs', '--install', 'cli/main.ts', 'version'];
  for (const _ of ['installs', 'has it']) assert.equal((await ended(tree.run(...start))).code, 0);
  const options = '--no-audit --no-fund --loglevel=error';
  assert.deepEqual(await tree.npmCalls(), [`ci --omit=dev --include=optional ${options}`]);
  await rm(join(tree.folder, 'node_modules'), { recursive: true });
  await installForProduction(tree, '7.0.0');
  assert.equal((await ended(tree.run(...start))).code, 0);
  assert.equal((await tree.npmCalls())[1], `ci --omit=dev --omit=optional ${options}`);
});

test('npm start passes SIGTERM on to the server', async t => {
  const tree = await copyTree(t);
  await installForProduction(tree);
  const folder = join(tree.folder, 'node_modules', nodePackage);
  await mkdir(join(folder, 'bin'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{}');
  await symlink(process.execPath, join(folder, 'bin', 'node'));
  const child = spawn('npm', ['start', '--silent'], {
    cwd: tree.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const [up, pid, ...args] = ((await lines.next()).value ?? '').split(' ');
  assert.deepEqual([up, args], ['up', ['serve']]);
  t.after(() => endIfRunning(Number(pid)));
  child.kill('SIGTERM');
  await once(child, 'exit');
  // npm ends last, so the server has ended too, and not by a signal of somebody else.
  assert.equal(endIfRunning(Number(pid)), false);
  assert.equal((await lines.next()).value, 'stopping');
});

test('an older Node says why there is no newer one', async t => {
  const version = spawnSync('node', ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  if (!version || Number.parseInt(version.slice(1), 10) >= 26) return t.skip('the machine has no older Node');
  const tree = await copyTree(t, 'node');
  await installForProduction(tree);
  const leftOut = await ended(tree.run('bin/linekeeper.mjs', 'version'));
  assert.deepEqual([leftOut.code, leftOut.out], [1, '']);
  assert.match(
    leftOut.err,
    /This is v\d.* was left out: type npm ci --omit=dev --include=optional, or use Node 26\n$/,
  );
  await writeFile(join(tree.folder, 'package-lock.json'), JSON.stringify({ packages: {} }));
  const none = await ended(tree.run('bin/linekeeper.mjs', 'version'));
  assert.match(none.err, /npm has none for this machine \(\w+ \w+\): use Node 26\n$/);
});
