import { Type } from '../../schema/schema.ts';
import type { AccountFacts, CarrierKind } from '../carrier.ts';
import { type Client, createClient } from '../http.ts';
import { attach, attachment } from './messaging.ts';
import { editNumber, findNumber, getNumber, listNumbers, releaseNumber } from './numbers.ts';
import { buy, findPurchase } from './orders.ts';
import { hold } from './reservations.ts';
import { search } from './search.ts';
import { Balance, telnyxApi } from './wire.ts';

export const telnyx: CarrierKind = {
  title: 'Telnyx',
  credentials: Type.Object({
    api_key: Type.String({
      // It goes into a header.
      pattern: '^[\\x21-\\x7e]{1,200}$',
      writeOnly: true,
      description: 'An API v2 key, without spaces.',
    }),
  }),
  can: { buy: true, hold: true, tags: true, messaging: ['service', 'campaign'] },
  connect(credentials, surroundings) {
    const url = surroundings.urls.api ?? 'https://api.telnyx.com/v2';
    const client = createClient(telnyxApi(url, credentials.api_key ?? ''), surroundings);
    return {
      check: () => check(client, surroundings.account),
      search: wanted => search(client, wanted),
      buy: (phoneNumber, reference) => buy(client, phoneNumber, reference),
      findPurchase: (phoneNumber, reference) => findPurchase(client, phoneNumber, reference),
      findNumber: phoneNumber => findNumber(client, phoneNumber),
      getNumber: id => getNumber(client, id),
      list: next => listNumbers(client, next),
      edit: (id, edit) => editNumber(client, id, edit),
      release: id => releaseNumber(client, id),
      attach: (number, to) => attach(client, number, to),
      attachment: (number, to) => attachment(client, number, to),
      hold: phoneNumber => hold(client, phoneNumber, surroundings.retryMs),
    };
  },
};

/** Telnyx says nothing of whose the key is, so the account goes by the name that we have for it. */
async function check(client: Client, account: string): Promise<AccountFacts> {
  const { data } = await client({ method: 'GET', path: '/balance' }, Balance);
  return { account, balance: { amount: data.balance, currency: data.currency } };
}
