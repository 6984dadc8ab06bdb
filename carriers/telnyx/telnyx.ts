import { Type } from '../../schema/schema.ts';
import { textLike } from '../../schema/shapes.ts';
import type { AccountFacts, CarrierKind } from '../carrier.ts';
import { type Client, createClient, headerRule, headerText } from '../http.ts';
import { attach, attachment, detach } from './messaging.ts';
import { findNumber, getNumber, listNumbers, releaseNumber } from './numbers.ts';
import { buy, findPurchase } from './orders.ts';
import { search } from './search.ts';
import { Balance, telnyxApi } from './wire.ts';

export const telnyx: CarrierKind = {
  title: 'Telnyx',
  credentials: Type.Object({
    api_key: textLike(headerText, headerRule, {
      writeOnly: true,
      description: 'An API v2 key, without spaces.',
    }),
  }),
  can: { buy: true, messaging: ['service', 'campaign'] },
  connect(credentials, options) {
    const url = options.urls.api ?? 'https://api.telnyx.com/v2';
    const client = createClient(telnyxApi(url, credentials.api_key ?? ''), options);
    return {
      check: () => check(client, options.account),
      search: wanted => search(client, wanted),
      buy: (phoneNumber, reference, begin) => buy(client, phoneNumber, reference, begin),
      findPurchase: (phoneNumber, reference) => findPurchase(client, phoneNumber, reference),
      findNumber: phoneNumber => findNumber(client, phoneNumber),
      getNumber: id => getNumber(client, id),
      list: next => listNumbers(client, next),
      release: id => releaseNumber(client, id),
      attach: (number, to) => attach(client, number, to),
      detach: (number, from, to) => detach(client, number, from, to),
      attachment: (number, to) => attachment(client, number, to),
    };
  },
};

/** Telnyx does not say whose key it is, so the account has our own name for it. */
async function check(client: Client, account: string): Promise<AccountFacts> {
  const { data } = await client({ method: 'GET', path: '/balance' }, Balance);
  return { account, balance: { amount: data.balance, currency: data.currency } };
}
