import { Type } from '../../schema/schema.ts';
import type { Carrier, CarrierKind, Surroundings } from '../carrier.ts';
import { createClient } from '../http.ts';
import { checkAccount, checkKey } from './account.ts';
import { attach, attachment } from './messaging.ts';
import { findNumber, getNumber, listNumbers, type Reach, releaseNumber } from './numbers.ts';
import { buy, findPurchase } from './purchase.ts';
import { search } from './search.ts';
import { accountSid, twilioApi } from './wire.ts';

/** Twilio's numbers: https://www.twilio.com/docs/phone-numbers. An account below another one is an account of its own. */
export const twilio: CarrierKind = {
  title: 'Twilio',
  credentials: Type.Object(
    {
      account_sid: Type.String({
        pattern: accountSid,
        description: 'The account (AC…) that owns the numbers.',
      }),
      key_sid: Type.Optional(
        Type.String({
          pattern: '^SK[0-9a-fA-F]{32}$',
          description: "An API key (SK…) of the account; without one, `secret` is the account's auth token.",
        }),
      ),
      secret: Type.String({
        // It goes into a header.
        pattern: '^[\\x21-\\x7e]{1,200}$',
        writeOnly: true,
        description: "The API key's secret, or the account's auth token.",
      }),
    },
    { additionalProperties: false },
  ),
  can: { buy: true, messaging: ['service'] },
  connect,
};

function connect(credentials: Record<string, string>, surroundings: Surroundings): Carrier {
  const { account_sid = '', key_sid, secret = '' } = credentials;
  const apiAt = (url: string) => twilioApi(url, key_sid ?? account_sid, secret);
  const api = apiAt(surroundings.urls.api ?? 'https://api.twilio.com');
  const reach: Reach = { accountSid: account_sid, api, client: createClient(api, surroundings) };
  const messagingUrl = surroundings.urls.messaging ?? 'https://messaging.twilio.com';
  const messaging = createClient(apiAt(messagingUrl), surroundings);
  return {
    check: () => (key_sid === undefined ? checkAccount(reach) : checkKey(reach)),
    search: wanted => search(reach, wanted),
    buy: (phoneNumber, reference) => buy(reach, phoneNumber, reference),
    findPurchase: (phoneNumber, reference) => findPurchase(reach, phoneNumber, reference),
    findNumber: phoneNumber => findNumber(reach, phoneNumber),
    getNumber: id => getNumber(reach, id),
    list: next => listNumbers(reach, next),
    release: id => releaseNumber(reach, id),
    attach: (number, to) => attach(messaging, number, to),
    attachment: (number, to) => attachment(messaging, number, to),
  };
}
