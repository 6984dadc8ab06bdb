import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { reseal } from './accounts/reseal.ts';
import { createVault, readSecretKeys } from './accounts/vault.ts';
import { createApp } from './app.ts';
import { type Config, unknownVariables } from './config.ts';
import { type Database, openDatabase } from './db/database.ts';
import { startEmbedded } from './db/embedded.ts';
import { readHosts } from './db/hosts.ts';
import { migrate } from './db/migrate.ts';
import { assertUsable } from './db/requirements.ts';
import { createDemo } from './demo/demo.ts';
import { createLog } from './log.ts';
import { createLookups } from './reading/lookups.ts';

const stoppingMsMax = 30_000;

/** Something that listens: where, and how it ends. */
type Listening = { url: string; close(): Promise<void> };

/** The running server: resolves when it listens and has said so on stdout; it ends with SIGTERM or SIGINT. */
export async function serve(config: Config): Promise<void> {
  const log = createLog(config.logLevel);
  const unknown = unknownVariables();
  if (unknown.length > 0)
    log.warn(`ignoring environment variables that Linekeeper does not know: ${unknown.join(', ')}`);
  await tryPort(config);
  const embedded = config.databaseUrl
    ? undefined
    : await startEmbedded(config.home, message => log.info(message));
  const database = openDatabase(embedded?.serving ?? readHosts(config.databaseUrl!));
  const listening = await prepare(config, database, log)
    .then(() => listen(config, database, log))
    .catch(async error => {
      await database.close();
      await embedded?.stop();
      throw error;
    });

  let stopping = false;
  async function stop(reason: string) {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping: finishing what is under way');
    setTimeout(async () => {
      log.error('what was under way did not finish in time');
      // Nothing is lost: what PostgreSQL has not committed was not acknowledged.
      await embedded?.stop();
      process.exit(1);
    }, stoppingMsMax).unref();
    await listening.close();
    await database.close();
    await embedded?.stop();
    log.info('stopped');
    process.exit(0);
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));
  // Nobody else stops the server when the launcher that started it has died.
  process.on('disconnect', () => void stop('the launcher is gone'));

  await embedded?.announce(listening.url);
  console.log(await banner(config, database, listening.url));
}

/** Brings the database to where the server can work with it. */
async function prepare(config: Config, database: Database, log: Logger): Promise<void> {
  await database.findPrimary();
  // The embedded one is, and nothing stands before it.
  if (config.databaseUrl) await assertUsable(database);
  const applied = await migrate(database, { log: message => log.warn(message) });
  if (applied.length > 0) log.info({ applied }, 'migrated the database');
  if (config.demo && (await createDemo(database.db, secret => keepDemoKey(config, secret)))) {
    log.info('created the demonstration tenant');
  }
  const resealed = await reseal(database.db, createVault(await secretKeysOf(config)));
  if (resealed > 0) log.info({ accounts: resealed }, 'sealed credentials with the newest key');
}

/** Binds the port and lets go of it: a port that is taken ends the start before a database is created or migrated. */
async function tryPort({ host, port }: Config): Promise<void> {
  // A client that connects in this moment must not hold up the close.
  const trial = createServer(socket => socket.destroy());
  try {
    await once(trial.listen({ host, port }), 'listening');
  } catch (error) {
    throw explainListening(error, host, port);
  }
  await once(trial.close(), 'close');
}

async function listen(config: Config, database: Database, log: Logger): Promise<Listening> {
  const { carrierUrls: urls, sandbox } = config;
  const carriers = { secretKeys: await secretKeysOf(config), urls, sandbox };
  const { brand, cacheBytes } = config;
  const app = await createApp({ database, brand, cacheBytes, log, carriers });
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await app.close();
    throw explainListening(error, config.host, config.port);
  }
  const { address, family, port } = app.server.address() as AddressInfo;
  const everywhere = address === '0.0.0.0' || address === '::';
  const host = everywhere ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  return { url: `http://${host}:${port}`, close: () => app.close() };
}

function explainListening(error: unknown, host: string, port: number): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new Error(
        `Port ${port} of ${host} is in use, perhaps by a Linekeeper that is running: stop it, or set PORT to another one`,
      );
    case 'EACCES':
      return new Error(`Port ${port} needs rights that this user does not have: set PORT to one above 1023`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Error(`HOST ${host} is not an address of this machine`);
    default:
      return error;
  }
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
  try {
    return readSecretKeys(await readFile(file, 'utf8'))[0]!;
  } catch (cause) {
    throw new Error(
      `${file} is not a key (base64 of 32 bytes): put it back from a backup. Without it the credentials of carriers that it sealed cannot be read; if there are none, remove the file`,
      { cause },
    );
  }
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
