import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { credentials, startTwilio } from '../../carriers/twilio/fake.ts';
import { type Reply, startTestServer, type TestServer } from '../testing/server.ts';

export const path = '/v1/carrier-accounts';

/** Valid at the fake of withTwilio(). */
export const twilioAccount = { carrier: 'twilio', credentials: credentials.token };

/** A server for one test, on the database of another server, with its own tenant and a fake of Twilio. */
export async function withTwilio(t: TestContext, server: TestServer) {
  const twilio = await startTwilio(t);
  const own = await startTestServer(server.database, { urls: { twilio: twilio.urls } });
  t.after(() => own.app.close());
  return { own, twilio };
}

let names = 0;

/** Requests a new account with a unique name. */
export const add = (on: TestServer, body: object, headers = {}): Promise<Reply> =>
  on.call('POST', path, { body: { name: `account ${names++}`, ...body }, headers });

/** @returns a new account, as the API shows it */
export async function added(on: TestServer, body: object = { carrier: 'sandbox' }) {
  const reply = await add(on, body);
  assert.equal(reply.status, 201, reply.text);
  return reply.body.carrier_account;
}
