import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { credentials, startTwilio } from '../../carriers/twilio/fake.ts';
import { type Reply, startTestServer, type TestServer } from '../testing/server.ts';

export const path = '/v1/carrier-accounts';

/** Right for the fake of withTwilio(). */
export const twilioAccount = { carrier: 'twilio', credentials: credentials.token };

/** A server on the database of another one, with a tenant of its own, whose Twilio is a fake; for as long as a test. */
export async function withTwilio(t: TestContext, server: TestServer) {
  const twilio = await startTwilio(t);
  const own = await startTestServer(server.database, { urls: { twilio: twilio.urls }, timeoutMs: 300 });
  t.after(() => own.app.close());
  return { own, twilio };
}

let names = 0;

/** Asks for an account with a name that no other has. */
export const add = (on: TestServer, body: object, headers = {}): Promise<Reply> =>
  on.call('POST', path, { body: { name: `account ${names++}`, ...body }, headers });

/** @returns a new account, as the API shows it */
export async function added(on: TestServer, body: object = { carrier: 'sandbox' }) {
  const reply = await add(on, body);
  assert.equal(reply.status, 201, reply.text);
  return reply.body.carrier_account;
}
