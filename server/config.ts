import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readSecretKeys } from './accounts/vault.ts';
import { readHosts } from './db/hosts.ts';

/** The server's configuration, from its environment. README.md has a table of the variables. */
export type Config = {
  host: string;
  port: number;
  /** The operator's PostgreSQL. Undefined: the embedded one, in `home`. */
  databaseUrl: string | undefined;
  /** The folder with all state of the embedded database. */
  home: string;
  /** `powered_by` in every body. */
  brand: string;
  logLevel: string;
  /** The size of the server's body cache. */
  cacheBytes: number;
  /** Whether a new database gets the demonstration tenant. */
  demo: boolean;
  /** Whether tenants can use the sandbox, a carrier of fictional numbers. */
  sandbox: boolean;
  /** The keys that seal carriers' credentials. Undefined: the server makes one beside the embedded database. */
  secretKeys: Buffer[] | undefined;
  /** Addresses to use instead of the carriers' own, by the carrier's name. */
  carrierUrls: Record<string, Record<string, string>>;
};

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/** @throws Error that names the variable and the rule */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const port = Number(env.PORT || 8080);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error('PORT must be a whole number from 0 to 65535');
  const cacheMegabytes = Number(env.LINEKEEPER_CACHE_MB || 64);
  if (!Number.isInteger(cacheMegabytes) || cacheMegabytes < 1)
    throw new Error('LINEKEEPER_CACHE_MB must be a whole number from 1 on');
  const logLevel = env.LOG_LEVEL || 'info';
  if (!logLevels.includes(logLevel)) throw new Error(`LOG_LEVEL must be one of ${logLevels.join(', ')}`);
  const databaseUrl = env.DATABASE_URL || undefined;
  if (databaseUrl && !/^(postgres(ql)?|socket):/.test(databaseUrl)) {
    throw new Error('DATABASE_URL must be a URL that begins with postgresql:// or socket:');
  }
  if (databaseUrl) readHosts(databaseUrl);
  const demo = onOff('LINEKEEPER_DEMO', env.LINEKEEPER_DEMO, databaseUrl === undefined);
  return {
    host: env.HOST || '127.0.0.1',
    port,
    databaseUrl,
    home: resolve(env.LINEKEEPER_HOME || defaultHome(env)),
    brand: env.LINEKEEPER_BRAND || 'Teli',
    logLevel,
    cacheBytes: cacheMegabytes * 1_048_576,
    demo,
    sandbox: onOff('LINEKEEPER_SANDBOX', env.LINEKEEPER_SANDBOX, databaseUrl === undefined || demo),
    secretKeys: env.LINEKEEPER_SECRET_KEY ? readSecretKeys(env.LINEKEEPER_SECRET_KEY) : undefined,
    carrierUrls: {
      twilio: urls({ api: 'LINEKEEPER_TWILIO_URL', messaging: 'LINEKEEPER_TWILIO_MESSAGING_URL' }, env),
      telnyx: urls({ api: 'LINEKEEPER_TELNYX_URL' }, env),
    },
  };
}

const known = new Set([
  'LINEKEEPER_HOME',
  'LINEKEEPER_BRAND',
  'LINEKEEPER_CACHE_MB',
  'LINEKEEPER_DEMO',
  'LINEKEEPER_SANDBOX',
  'LINEKEEPER_SECRET_KEY',
  'LINEKEEPER_TWILIO_URL',
  'LINEKEEPER_TWILIO_MESSAGING_URL',
  'LINEKEEPER_TELNYX_URL',
  // The command line reads these. A shell that starts the server may have them too.
  'LINEKEEPER_URL',
  'LINEKEEPER_API_KEY',
]);

/** The variables that have our prefix and that nothing reads: a typo, or a name of an older version. */
export const unknownVariables = (env: NodeJS.ProcessEnv = process.env): string[] =>
  Object.keys(env).filter(
    name => name.startsWith('LINEKEEPER_') && !known.has(name) && !name.startsWith('LINEKEEPER_CARRIER_'),
  );

/** The addresses among the variables that are set. */
function urls(variables: Record<string, string>, env: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.entries(variables).filter(([, variable]) => env[variable]);
  return Object.fromEntries(
    given.map(([name, variable]) => {
      const url = env[variable]!;
      if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
        throw new Error(`${variable} must be a URL that begins with https:// or http://`);
      return [name, url.replace(/\/+$/, '')];
    }),
  );
}

/** Not in root's home: PostgreSQL runs as an unprivileged user, who usually cannot enter it. */
function defaultHome(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/lib/linekeeper';
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'linekeeper');
}

function onOff(name: string, value: string | undefined, otherwise: boolean): boolean {
  if (!value) return otherwise;
  if (value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false') return false;
  throw new Error(`${name} must be 1 or 0`);
}
