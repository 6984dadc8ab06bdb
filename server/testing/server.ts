import type { AddressInfo } from 'node:net';
import { type DestinationStream, pino } from 'pino';
import { unhurried } from '../../carriers/testing/time-outs.ts';
import type { CarrierSettings } from '../accounts/open.ts';
import { type AppOptions, createApp } from '../app.ts';
import { openDatabase } from '../db/database.ts';
import type { App } from '../http/operation.ts';
import type { NewKey } from '../keys/keys.ts';
import { createTenant } from '../tenants/tenants.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { type CallOptions, callApi, type Reply } from './request.ts';

export type { CallOptions, Reply } from './request.ts';

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

const hour = 3_600_000;
const nowhere = 'http://127.0.0.1:9';
export const secretKey = Buffer.alloc(32, 'test');

/**
 * Nothing that is to succeed runs out of time, and nobody loses what they work on to another: a test lets time pass by
 * moving it. Looks are frequent.
 */
const testCarriers = {
  ...{ secretKeys: [secretKey], ...unhurried, settleMs: hour, patienceMs: hour, pollMs: 100 },
  // Nothing listens on port 9: a test that has no fake of a carrier does not speak to the carrier instead.
  urls: { twilio: { api: nowhere, messaging: nowhere }, telnyx: { api: nowhere } },
};

/** A server on a database of its own, on a loopback port that the system chooses. */
export async function startTestServer(
  shared?: TestDatabase,
  carriers: Partial<CarrierSettings> = {},
  more: Partial<AppOptions> = {},
): Promise<TestServer> {
  const database = shared ?? (await createTestDatabase());
  const logged: string[] = [];
  const sink: DestinationStream = { write: line => void logged.push(line) };
  const app = await createApp({
    database,
    brand: 'Teli',
    log: pino({ level: 'debug' }, sink),
    carriers: { ...testCarriers, ...carriers },
    ...{ waitMsMax: hour, silentMsMax: hour },
    // Tests try wrong keys by the thousand.
    wrongKeys: { rate: 1_000_000, burst: 1_000_000, waitingMax: 1_000_000 },
    ...more,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const newTenant = async () => (await createTenant(database.db, 'Test', 'test')).secret;
  const ownKey = await newTenant();

  const call = (method: string, path: string, { key = ownKey, ...more }: CallOptions = {}) =>
    callApi(url, method, path, { key, ...more });

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
  more: Partial<AppOptions> = {},
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
