import { startFake, type Wire } from '../testing/fake.ts';
import type { World } from '../testing/world.ts';
import { createAccount, type FakeAccount } from './fake-account.ts';
import { error, notFound, taken } from './fake-answers.ts';
import { routes } from './fake-routes.ts';

export const apiKey = 'KEY0123456789ABCDEF_fakeTelnyxApiKey';

export const registrations = {
  profile: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  openCampaign: '4b300178-131c-4902-954e-72d90ba1620a',
  closedCampaign: '5c411289-242d-4013-a65f-83ea1cb2731b',
};

/** A Telnyx on the loopback with one account. It has the calls that we use of https://developers.telnyx.com/api-reference. */
export async function startTelnyx(t: { after(done: () => unknown): void }) {
  const account = createAccount(registrations);
  const fake = await startFake(t, wireOf(account));
  return { fake, account, world: worldOf(account, fake) };
}

function worldOf(account: FakeAccount, fake: Awaited<ReturnType<typeof startFake>>): World {
  const { profile: service, openCampaign, closedCampaign } = registrations;
  return {
    stock: async areaCode => account.stock(areaCode),
    takeAway: async phoneNumber => void account.takeAway(phoneNumber),
    own: async numbers => account.own(numbers),
    owned: async () => [...account.numbers.keys()].filter(account.isOurs),
    charges: async phoneNumber => account.charges(phoneNumber),
    async fault(fault) {
      // Every order is pending at first.
      return (fault.call === 'buy' && fault.kind === 'pending') || fake.fault(fault);
    },
    calm: async () => fake.calm(),
    registrations: {
      open: { service, campaign: openCampaign },
      closed: { service, campaign: closedCampaign },
    },
  };
}

const wireOf = (account: FakeAccount): Wire => ({
  routes: routes(account),
  admits: ({ headers }) => headers.authorization === `Bearer ${apiKey}`,
  errors: {
    not_found: notFound,
    authentication_failed: error(401, '10009', 'Authentication failed'),
    rate_limited: error(429, '10011', 'Too many requests'),
    out_of_funds: error(403, '20100', 'Insufficient Funds'),
    unavailable: taken,
    error: error(500, '10007', 'Unexpected error'),
  },
  ids: /1293384261075\d{6}/g,
  shorten(body, to) {
    const { data, meta } = body as { data: unknown[]; meta: object };
    if (to === 'nothing') return { data: [], meta: { ...meta, total_pages: 0, total_results: 0 } };
    return { data: data.slice(0, data.length / 2), meta: { ...meta, total_pages: 1 } };
  },
});
