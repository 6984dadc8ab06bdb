import { join } from 'node:path';
import pg from 'pg';
import { type Config, readConfig } from '../../server/config.ts';
import { type Database, openDatabase } from '../../server/db/database.ts';
import { servingRole } from '../../server/db/embedded/role.ts';
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
  const config = readConfig();
  const { servers, release } = await findDatabase(config);
  const database = openDatabase(servers);
  // A PostgreSQL that this command started must not outlive a Ctrl-C.
  const stop = () => void release().finally(() => process.exit(130));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    await database.findPrimary();
    if (config.databaseUrl) await assertUsable(database);
    return await work(database, await migrate(database, { log: note }));
  } catch (error) {
    return explainUnreachable(error);
  } finally {
    await database.close();
    await release();
    for (const signal of signals) process.off(signal, stop);
  }
}

/** Says what is wrong with DATABASE_URL, where the driver's own error does not. */
export function explainUnreachable(error: unknown): never {
  // The embedded PostgreSQL explains its own failures.
  if (!process.env.DATABASE_URL) throw error;
  const { code = '', message } = error as { code?: string; message: string };
  const remedy = remedies.find(([pattern]) => pattern.test(code) || pattern.test(message))?.[1];
  if (remedy) throw new Failure(`DATABASE_URL: ${describe(error)}. ${remedy}`);
  if (!isUnavailable(error)) throw error;
  throw new Failure(`The database of DATABASE_URL cannot be reached: ${describe(error)}`);
}

/** By PostgreSQL's code, Node's code, or the words of node-postgres. */
const remedies: [RegExp, string][] = [
  [
    /^28P01$/,
    'Correct the user or the password; characters such as @ and / of a password are written %40 and %2F',
  ],
  [
    /client password must be a string/,
    'The server asks for a password: write postgresql://user:password@host/database',
  ],
  [/^28000$/, "Correct the user, or let PostgreSQL's pg_hba.conf admit it from this machine"],
  [/^3D000$/, 'Correct the name of the database, or create it: createdb --owner=USER NAME'],
  [/^42704$|^22023$/, 'Correct options=… or the other parameters'],
  [
    /^42501$/,
    'The role needs rights: docs/operations.md has them. `linekeeper migrate` may run as the owner of the tables',
  ],
  [/does not support SSL/, 'Take sslmode away, or switch SSL on in PostgreSQL'],
  [
    /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/,
    "Name the server's certificate authority with sslrootcert=/path/to/ca.pem",
  ],
  [/no pg_hba.conf entry/, 'Let pg_hba.conf admit this user from this machine, or add sslmode=require'],
];

type DatabaseAccess = { servers: pg.ClientConfig | pg.ClientConfig[]; release(): Promise<void> };

const releaseNothing = async () => {};

async function findDatabase({ databaseUrl, home }: Config): Promise<DatabaseAccess> {
  if (databaseUrl) return { servers: readHosts(databaseUrl), release: releaseNothing };
  const socket = { host: join(home, 'run'), user: servingRole, database: 'linekeeper' };
  const running: DatabaseAccess = { servers: socket, release: releaseNothing };
  if (await answers(socket)) return running;
  try {
    const embedded = await startEmbedded(home, note);
    return { servers: embedded.serving, release: () => embedded.stop() };
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
