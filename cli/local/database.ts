import { join } from 'node:path';
import pg from 'pg';
import { type Config, readConfig } from '../../server/config.ts';
import { type Database, openDatabase } from '../../server/db/database.ts';
import { HomeInUseError, startEmbedded } from '../../server/db/embedded.ts';
import { readHosts } from '../../server/db/hosts.ts';
import { migrate } from '../../server/db/migrate.ts';
import { assertUsable } from '../../server/db/requirements.ts';
import { isUnavailable } from '../../server/errors.ts';
import { describe, Failure } from '../terminal/failure.ts';
import { note } from '../terminal/output.ts';

/** Migrates the database that a server with this environment uses, and works on it. That server may run meanwhile. */
export async function withDatabase<T>(
  work: (database: Database, applied: string[]) => Promise<T>,
): Promise<T> {
  const { servers, release } = await findDatabase(readConfig());
  const database = openDatabase(servers);
  // A PostgreSQL that this command started must not outlive a Ctrl-C.
  const stop = () => void release().finally(() => process.exit(130));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    await database.findPrimary();
    await assertUsable(database);
    return await work(database, await migrate(database, { log: note }));
  } catch (error) {
    return explainUnreachable(error);
  } finally {
    await database.close();
    await release();
    for (const signal of signals) process.off(signal, stop);
  }
}

/** Says which database cannot be reached, where the driver's own error does not. */
export function explainUnreachable(error: unknown): never {
  // The embedded PostgreSQL explains its own failures.
  if (!process.env.DATABASE_URL || !isUnavailable(error)) throw error;
  throw new Failure(`The database of DATABASE_URL cannot be reached: ${describe(error)}`);
}

type DatabaseAccess = { servers: pg.ClientConfig | pg.ClientConfig[]; release(): Promise<void> };

const releaseNothing = async () => {};

async function findDatabase({ databaseUrl, home }: Config): Promise<DatabaseAccess> {
  if (databaseUrl) return { servers: readHosts(databaseUrl), release: releaseNothing };
  const socket = { host: join(home, 'run'), user: 'linekeeper', database: 'linekeeper' };
  const running: DatabaseAccess = { servers: socket, release: releaseNothing };
  if (await answers(socket)) return running;
  try {
    const embedded = await startEmbedded(home, note);
    return { servers: embedded.connection, release: () => embedded.stop() };
  } catch (error) {
    // A server started meanwhile.
    if (error instanceof HomeInUseError && (await answers(socket))) return running;
    throw error;
  }
}

/** Whether a PostgreSQL accepts connections there: that of a running server, or one that a server left behind. */
async function answers(connection: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client(connection);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
