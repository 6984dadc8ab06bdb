import type { AddressInfo } from 'node:net';
import { type DestinationStream, pino } from 'pino';
import type { CarrierSettings } from '../accounts/open.ts';
import { createApp } from '../app.ts';
import { openDatabase } from '../db/database.ts';
import type { App } from '../http/operation.ts';
import type { NewKey } from '../keys/keys.ts';
import { createTenant } from '../tenants/tenants.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

// biome-ignore lint/suspicious/noExplicitAny: a test looks into the body as it likes
export type Reply = { status: number; headers: Headers; text: string; body: any };

export type CallOptions = { key?: string | undefined; body?: unknown; headers?: Record<string, string> };

export type TestServer = {
  app: App;
  database: TestDatabase;
  url: string;
  /** An admin key of the tenant that the server starts with. */
  key: string;
  /** What the server has logged, a line each. */
  logged: string[];
  /** One real HTTP request, with the tenant's admin key unless told otherwise (`key: ''` for none). */
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  newTenant(): Promise<string>;
  newKey(input?: Partial<NewKey>, key?: string): Promise<string>;
  stop(): Promise<void>;
};

export const secretKey = Buffer.alloc(32, 'test');

/** Carriers are given little time, so that nobody waits for what goes wrong on purpose. */
const testCarriers = {
  secretKeys: [secretKey],
  settleMs: 1000,
  pollMs: 50,
  timeoutMs: 300,
  patienceMs: 60_000,
};

/** A server on a database of its own, on a loopback port that the system chooses. */
export async function startTestServer(
  shared?: TestDatabase,
  carriers: Partial<CarrierSettings> = {},
  more: { cacheBytes?: number } = {},
): Promise<TestServer> {
  const database = shared ?? (await createTestDatabase());
  const logged: string[] = [];
  const sink: DestinationStream = { write: line => void logged.push(line) };
  const app = await createApp({
    database,
    brand: 'Teli',
    log: pino({ level: 'debug' }, sink),
    carriers: { ...testCarriers, ...carriers },
    ...more,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const newTenant = async () => (await createTenant(database.db, 'Test', 'test')).secret;
  const ownKey = await newTenant();

  async function call(
    method: string,
    path: string,
    { key = ownKey, body, headers = {} }: CallOptions = {},
  ): Promise<Reply> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key && { 'x-api-key': key }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text ? JSON.parse(text) : undefined,
    };
  }

  return {
    app,
    database,
    url,
    key: ownKey,
    logged,
    call,
    newTenant,
    async newKey(input = {}, key = ownKey) {
      const reply = await call('POST', '/v1/keys', {
        key,
        body: { name: 'test', permission: 'admin', ...input },
      });
      if (reply.status !== 201) throw new Error(`could not create a key: ${reply.text}`);
      return reply.body.api_key;
    },
    async stop() {
      await app.close();
      if (!shared) await database.drop();
    },
  };
}

/** Another server on the database of the first, with connections of its own, as another process or machine has them. */
export async function startBeside(
  { database: { connection } }: TestServer,
  more: { cacheBytes?: number } = {},
): Promise<TestServer> {
  const database = { ...openDatabase(connection), connection, drop: async () => {} };
  const server = await startTestServer(database, {}, more);
  return {
    ...server,
    async stop() {
      await server.stop();
      await database.close();
    },
  };
}
