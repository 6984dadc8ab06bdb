import { Type } from '../../schema/schema.ts';
import { textLike } from '../../schema/shapes.ts';
import type { Carrier, CarrierKind, ConnectOptions } from '../carrier.ts';
import { createClient, headerRule, headerText } from '../http.ts';
import { checkAccount, checkKey } from './account.ts';
import { attach, attachment, detach } from './messaging.ts';
import { findNumber, getNumber, listNumbers, releaseNumber, type TwilioAccount } from './numbers.ts';
import { buy, findPurchase } from './purchase.ts';
import { search } from './search.ts';
import { accountSid, twilioApi } from './wire.ts';

/** Twilio's numbers: https://www.twilio.com/docs/phone-numbers. A subaccount is an account of its own here. */
export const twilio: CarrierKind = {
  title: 'Twilio',
  credentials: Type.Object(
    {
      account_sid: textLike(accountSid, 'AC and 32 hexadecimal digits, as Twilio shows it', {
        description: 'The account (AC…) that owns the numbers.',
      }),
      key_sid: Type.Optional(
        textLike('^SK[0-9a-fA-F]{32}$', 'SK and 32 hexadecimal digits, as Twilio shows it', {
          description: "An API key (SK…) of the account; without one, `secret` is the account's auth token.",
        }),
      ),
      secret: textLike(headerText, headerRule, {
        writeOnly: true,
        description: "The API key's secret, or the account's auth token.",
      }),
    },
    { additionalProperties: false },
  ),
  can: { buy: true, messaging: ['service'] },
  connect,
};

function connect(credentials: Record<string, string>, options: ConnectOptions): Carrier {
  const { account_sid = '', key_sid, secret = '' } = credentials;
  const apiAt = (url: string) => twilioApi(url, key_sid ?? account_sid, secret);
  const api = apiAt(options.urls.api ?? 'https://api.twilio.com');
  const account: TwilioAccount = { accountSid: account_sid, api, client: createClient(api, options) };
  const messagingUrl = options.urls.messaging ?? 'https://messaging.twilio.com';
  const messaging = createClient(apiAt(messagingUrl), options);
  return {
    check: () => (key_sid === undefined ? checkAccount(account) : checkKey(account)),
    search: wanted => search(account, wanted),
    buy: (phoneNumber, reference, begin) => buy(account, phoneNumber, reference, begin),
    findPurchase: (phoneNumber, reference, attemptedAt) =>
      findPurchase(account, phoneNumber, reference, attemptedAt),
    findNumber: phoneNumber => findNumber(account, phoneNumber),
    getNumber: id => getNumber(account, id),
    list: next => listNumbers(account, next),
    release: id => releaseNumber(account, id),
    attach: (number, to) => attach(messaging, number, to),
    detach: (number, from, to) => detach(messaging, number, from, to),
    attachment: (number, to) => attachment(messaging, number, to),
  };
}
