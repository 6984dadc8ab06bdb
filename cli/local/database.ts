import { join } from 'node:path';
import pg from 'pg';
import { type Config, readConfig } from '../../server/config.ts';
import { type Database, openDatabase } from '../../server/db/database.ts';
import { HomeInUseError, startEmbedded } from '../../server/db/embedded.ts';
import { migrate } from '../../server/db/migrate.ts';
import { isUnavailable } from '../../server/errors.ts';
import { assertVersion } from '../../server/serve.ts';
import { describe, Failure } from '../terminal/failure.ts';
import { note } from '../terminal/output.ts';

/**
 * Does some work on the database that a server with this environment would use, migrated; whether that server runs
 * or not.
 */
export async function withDatabase<T>(
  work: (database: Database, applied: string[]) => Promise<T>,
): Promise<T> {
  const { connection, release } = await findDatabase(readConfig());
  const database = openDatabase(connection);
  // A Ctrl-C must not leave behind a PostgreSQL that only we have started.
  const stop = () => void release().finally(() => process.exit(130));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    await assertVersion(database.pool);
    return await work(database, await migrate(database));
  } catch (error) {
    return explainUnreachable(error);
  } finally {
    await database.close();
    // Kysely ends the pool only if it has used it, and an idle connection would keep this process for ten seconds.
    if (!database.pool.ended) await database.pool.end();
    await release();
    for (const signal of signals) process.off(signal, stop);
  }
}

/** A database that is not there has one sentence, not the driver's. */
export function explainUnreachable(error: unknown): never {
  // The embedded one reports for itself what is wrong with it.
  if (!process.env.DATABASE_URL || !isUnavailable(error)) throw error;
  throw new Failure(`The database that DATABASE_URL names cannot be reached: ${describe(error)}`);
}

type Found = { connection: pg.ClientConfig; release(): Promise<void> };

const releaseNothing = async () => {};

async function findDatabase({ databaseUrl, home }: Config): Promise<Found> {
  if (databaseUrl) return { connection: { connectionString: databaseUrl }, release: releaseNothing };
  const socket = { host: join(home, 'run'), user: 'linekeeper', database: 'linekeeper' };
  const running: Found = { connection: socket, release: releaseNothing };
  if (await answers(socket)) return running;
  try {
    const embedded = await startEmbedded(home, note);
    return { connection: embedded.connection, release: () => embedded.stop() };
  } catch (error) {
    // A server has come up meanwhile.
    if (error instanceof HomeInUseError && (await answers(socket))) return running;
    throw error;
  }
}

/** Whether a server is running there, or has left its PostgreSQL running. */
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
