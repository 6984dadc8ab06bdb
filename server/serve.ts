import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyListenOptions } from 'fastify';
import type pg from 'pg';
import type { Logger } from 'pino';
import { pino } from 'pino';
import { reseal } from './accounts/reseal.ts';
import { createVault, readSecretKeys } from './accounts/vault.ts';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { type Database, openDatabase } from './db/database.ts';
import { startEmbedded } from './db/embedded.ts';
import { migrate } from './db/migrate.ts';
import { createDemo } from './demo/demo.ts';
import { readGiven, startProcesses, tellListening } from './processes.ts';
import { createLookups } from './reading/lookups.ts';

const stoppingMsMax = 30_000;

/** Something that listens: where, and how it ends. */
type Listening = { url: string; close(): Promise<void> };

/** The running server: resolves when it listens and has said so on stdout; it ends with SIGTERM or SIGINT. */
export async function serve(config: Config): Promise<void> {
  const log = pino(
    { level: config.logLevel, base: { pid: process.pid } },
    pino.destination({ fd: 2, sync: true }),
  );
  const given = readGiven();
  const embedded =
    given || config.databaseUrl ? undefined : await startEmbedded(config.home, message => log.info(message));
  const connection = given?.connection ?? embedded?.connection ?? { connectionString: config.databaseUrl! };
  const database = openDatabase(connection);
  const listening = await listen().catch(async error => {
    await database.close();
    await embedded?.stop();
    throw error;
  });

  async function listen(): Promise<Listening> {
    if (given) return listenHere({ ...config, port: given.port }, database, log, true);
    await prepare(config, database, log);
    if (config.processes === 1) return listenHere(config, database, log);
    return startProcesses(config.processes, { connection, port: config.port }, log);
  }

  let stopping = false;
  async function stop(reason: string) {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping: finishing what is under way');
    setTimeout(() => {
      log.error('what was under way did not finish in time');
      process.exit(1);
    }, stoppingMsMax).unref();
    await listening.close();
    await database.close();
    await embedded?.stop();
    log.info('stopped');
    process.exit(0);
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));
  // Under the launcher, or one of several processes: it is gone, and nobody else would stop us.
  process.on('disconnect', () => void stop('the launcher is gone'));

  if (given) tellListening(listening.url);
  else {
    await embedded?.announce(listening.url);
    console.log(await banner(config, database, listening.url));
  }
}

/** Brings the database to where every process can work with it. */
async function prepare(config: Config, database: Database, log: Logger): Promise<void> {
  await assertVersion(database.pool);
  const applied = await migrate(database);
  if (applied.length > 0) log.info({ applied }, 'migrated the database');
  if (config.demo && (await createDemo(database.db, secret => keepDemoKey(config, secret)))) {
    log.info('created the demonstration tenant');
  }
  const resealed = await reseal(database.db, createVault(await secretKeysOf(config)));
  if (resealed > 0) log.info({ accounts: resealed }, 'sealed credentials with the newest key');
}

async function listenHere(
  config: Config,
  database: Database,
  log: Logger,
  reusePort = false,
): Promise<Listening> {
  const carriers = { secretKeys: await secretKeysOf(config), urls: config.carrierUrls };
  const { brand, cacheBytes } = config;
  const app = await createApp({ database, brand, cacheBytes, log, carriers });
  try {
    const { host, port } = config;
    // Fastify hands on what its types do not know of.
    await app.listen({ host, port, reusePort } as FastifyListenOptions);
  } catch (error) {
    await app.close();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new Error(`Port ${config.port} of ${config.host} is in use: set PORT to another one`);
    if (code === 'EACCES')
      throw new Error(
        `Port ${config.port} needs rights that this user does not have: set PORT to one above 1023`,
      );
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new Error(`HOST ${config.host} is not an address of this machine`);
    throw error;
  }
  const { address, family, port } = app.server.address() as AddressInfo;
  const everywhere = address === '0.0.0.0' || address === '::';
  const host = everywhere ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  return { url: `http://${host}:${port}`, close: () => app.close() };
}

export async function assertVersion(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query('show server_version');
  const version: string = rows[0].server_version;
  if (Number.parseInt(version, 10) < 15)
    throw new Error(`Linekeeper needs PostgreSQL 15 or newer, and this is ${version}`);
}

const demoKeyFile = (config: Config) => join(config.home, 'demonstration-key');

/** The one key whose text is kept, so that every start can print a command that works. Only its owner can read it. */
async function keepDemoKey(config: Config, secret: string): Promise<void> {
  await mkdir(config.home, { recursive: true });
  await writeFile(demoKeyFile(config), `${secret}\n`, { mode: 0o600 });
}

const secretKeysOf = async (config: Config): Promise<Buffer[]> =>
  config.secretKeys ?? (config.databaseUrl ? [] : [await keepSecretKey(config)]);

/** With the embedded database the key that seals credentials lies beside it, unless the environment has one. */
async function keepSecretKey(config: Config): Promise<Buffer> {
  const file = join(config.home, 'secret-key');
  if (!existsSync(file)) await makeSecretKey(file);
  return readSecretKeys(await readFile(file, 'utf8'))[0]!;
}

async function makeSecretKey(file: string): Promise<void> {
  const made = `${file}.${process.pid}`;
  await writeFile(made, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true });
  // It comes to its place whole, and never over another one: only the first server to come here makes it.
  await link(made, file).catch(error => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(made);
}

async function banner(config: Config, database: Database, url: string): Promise<string> {
  const lines = [
    'Linekeeper is running. Stop it with Ctrl-C.',
    '',
    `  API        ${url}/v1`,
    `  Reference  ${url}/docs`,
    config.databaseUrl
      ? `  State      in the database that DATABASE_URL names`
      : `  State      ${config.home}`,
    '',
  ];
  const key = config.demo ? await readFile(demoKeyFile(config), 'utf8').catch(() => '') : '';
  if (key && (await createLookups(database.lookups)({ key: key.trim() })).key) {
    lines.push(
      'The numbers of the demonstration organization:',
      '',
      `curl "${url}/v1/sms/phone-numbers?organization_id=org_abc123" -H "X-API-Key: ${key.trim()}"`,
      '',
      'On the command line, in another terminal:',
      '',
      `  export LINEKEEPER_URL=${url} LINEKEEPER_API_KEY=${key.trim()}`,
      '  npx linekeeper numbers list --organization org_brightpath',
      '',
    );
  } else {
    lines.push(
      'A tenant of your own, with its first key:',
      '',
      '  npx linekeeper tenants create "Your name"',
      '',
    );
  }
  return lines.join('\n');
}
