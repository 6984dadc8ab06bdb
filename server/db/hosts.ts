import pg from 'pg';

const answerMsMax = 2000;

/** node-postgres knows these, or may ignore them. It would ignore a typo too, such as `sslmod=verify-full`. */
const parameters = new Set([
  ...['host', 'port', 'user', 'password', 'dbname', 'database', 'options', 'client_encoding', 'encoding'],
  ...['application_name', 'fallback_application_name', 'channel_binding', 'gssencmode', 'uselibpqcompat'],
  ...['ssl', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'sslpassword', 'sslnegotiation'],
  ...['connect_timeout', 'connectionTimeoutMillis', 'query_timeout', 'statement_timeout', 'lock_timeout'],
  ...['idle_in_transaction_session_timeout', 'keepalives', 'keepAlive', 'keepAliveInitialDelayMillis'],
]);

/**
 * The servers that a URL names, as libpq has them: `postgresql://user@one:5432,two:5432/database`. Of several, one is the
 * primary and the others follow it.
 * @throws Error that says what is wrong with DATABASE_URL
 */
export function readHosts(url: string): pg.ClientConfig[] {
  const [, scheme, user = '', hosts = '', rest = ''] =
    /^(postgres(?:ql)?:\/\/)((?:[^/?#]*@)?)([^/?#]*)(.*)$/.exec(url) ?? [];
  // A socket's folder is named in another way.
  if (scheme === undefined) return [{ connectionString: url }];
  const others = rest.replace(/([?&])target_session_attrs=([^&#]*)(&?)/, (_, before, wanted, after) => {
    if (!['any', 'read-write', 'primary'].includes(wanted))
      throw new Error(
        `DATABASE_URL: target_session_attrs must be read-write, primary or any, and is ${wanted}: Linekeeper needs the primary`,
      );
    return after ? before : '';
  });
  for (const parameter of new URLSearchParams(/\?([^#]*)/.exec(others)?.[1]).keys())
    if (!parameters.has(parameter))
      throw new Error(
        `DATABASE_URL: the parameter ${parameter} is not known here: take it away, or correct its name`,
      );
  return hosts.split(',').map(host => {
    const connectionString = scheme + user + host + others;
    // Without a host, a parameter names the socket's folder, as libpq has it.
    const isAlone = host === '' && hosts === '';
    if (!isAlone && (host === '' || !URL.canParse(connectionString)))
      throw new Error(
        'DATABASE_URL is not a valid URL: write postgresql://user:password@host:5432/database, and characters such as @ and / of a password as %40 and %2F',
      );
    return { connectionString };
  });
}

/**
 * Asks all servers at once which of them is the primary.
 * @returns its place
 * @throws Error that names what each of them said
 */
export async function findPrimary(servers: pg.ClientConfig[]): Promise<number> {
  try {
    return await Promise.any(servers.map(assertPrimary));
  } catch (error) {
    const reasons = (error as AggregateError).errors.map(({ message, code }) => message || code);
    throw new Error(`No server in DATABASE_URL is a primary that answers: ${reasons.join('; ')}`);
  }
}

async function assertPrimary(server: pg.ClientConfig, place: number): Promise<number> {
  const client = new pg.Client({
    ...server,
    application_name: 'linekeeper search',
    connectionTimeoutMillis: answerMsMax,
    query_timeout: answerMsMax,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
    if (rows[0]!.standby) throw new Error(`${client.host}:${client.port} is a standby`);
    return place;
  } finally {
    void client.end().catch(() => {});
  }
}
