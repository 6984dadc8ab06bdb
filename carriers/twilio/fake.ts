import { type Fake, type FakeRequest, startFake, type Wire } from '../testing/fake.ts';
import type { World } from '../testing/world.ts';
import { createAccount, type FakeAccount, own, stock } from './fake-account.ts';
import { accountSid, accountUri, error, notFound, taken, token } from './fake-answers.ts';
import { routes, services } from './fake-routes.ts';

/** Credentials of the fake: the account's token, and one of its keys. */
export const credentials = {
  token: { account_sid: accountSid, secret: token },
  key: {
    account_sid: accountSid,
    key_sid: `SK${'fedcba9876543210'.repeat(2)}`,
    secret: 'fake-key-secret-91ab',
  },
};

/** The value after `Basic` in the Authorization header. */
export const basic = (user: string, secret: string) => Buffer.from(`${user}:${secret}`).toString('base64');

/** A Twilio on the loopback with one account. It has the calls that we use of https://www.twilio.com/docs/usage/api. */
export async function startTwilio(t: { after(done: () => unknown): void }) {
  const account = createAccount();
  const fake = await startFake(t, wireOf(account));
  const urls = { api: fake.url('api'), messaging: fake.url('messaging') };
  return { fake, account, urls, world: worldOf(account, fake) };
}

const wireOf = (account: FakeAccount): Wire => ({
  routes: routes(account),
  admits,
  errors: {
    not_found: notFound,
    authentication_failed: error(401, 20003, 'Authenticate'),
    rate_limited: error(429, 20429, 'Too Many Requests'),
    out_of_funds: error(400, 21404, 'Trial accounts are allowed only one Twilio number.'),
    needs_compliance: error(400, 21631, 'Phone Number Requires an Address'),
    unavailable: taken,
    transient: error(503, 20503, 'Service is unavailable, please try again'),
    error: error(500, 20500, 'Internal Server Error'),
  },
  shorten(body, to) {
    const { incoming_phone_numbers: all } = body as { incoming_phone_numbers: unknown[] };
    const kept = to === 'nothing' ? 0 : all.length / 2;
    return { ...(body as object), incoming_phone_numbers: all.slice(0, kept), next_page_uri: null };
  },
  ids: /PN[0-9a-f]{32}/g,
});

/** A key may do everything except read the account itself. */
function admits({ path, headers }: FakeRequest): boolean {
  const { token, key } = credentials;
  const isKey = headers.authorization === `Basic ${basic(key.key_sid, key.secret)}`;
  const isToken = headers.authorization === `Basic ${basic(token.account_sid, token.secret)}`;
  return isToken || (isKey && path !== `${accountUri}.json`);
}

const worldOf = (account: FakeAccount, fake: Fake): World => ({
  stock: async areaCode => stock(account, areaCode),
  takeAway: async phoneNumber => void account.forSale.delete(phoneNumber),
  own: async numbers => {
    for (const number of numbers) own(account, number);
  },
  owned: async () => [...account.numbers.keys()],
  charges: async phoneNumber => account.charges.filter(charged => charged === phoneNumber).length,
  // The answer to a release has no body, so it cannot be about another number.
  fault: async fault => !(fault.call === 'release' && fault.kind === 'other_number') && fake.fault(fault),
  calm: async () => fake.calm(),
  registrations: {
    open: { service: services.open, campaign: null },
    closed: { service: services.full, campaign: null },
  },
});
