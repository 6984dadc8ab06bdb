import type { FakeResponse } from '../testing/fake.ts';
import type { FakeAccount, FakeNumber } from './fake-account.ts';

// The fake Twilio's answers, with the fields of Twilio's published description. Latitude and longitude are left out: the
// description calls them numbers, and Twilio sends text.

export const accountSid = `AC${'0123456789abcdef'.repeat(2)}`;
export const token = 'fake-auth-token-2f7c';

/** In the body of every error. It must not leave the adapter. */
export const errorText = 'words-of-the-fake-twilio';

export const error = (status: number, code: number, message: string): FakeResponse => ({
  status,
  body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}?${errorText}`, status },
});

export const notFound = error(404, 20404, 'The requested resource was not found');
export const invalid = error(400, 21421, 'PhoneNumber is invalid');
export const taken = error(400, 21422, 'PhoneNumber requested is not available');

export const accountUri = `/2010-04-01/Accounts/${accountSid}`;
export const numbersUri = `${accountUri}/IncomingPhoneNumbers.json`;
export const serviceUri = (service: string) => `/v1/Services/${service}/PhoneNumbers`;

const dated = (date: string) => ({ date_created: date, date_updated: date });

export const showAccount = ({ status }: FakeAccount) => ({
  sid: accountSid,
  owner_account_sid: accountSid,
  // Twilio sends the token in every answer about the account.
  auth_token: token,
  friendly_name: 'A fake account',
  status,
  type: 'Full',
  uri: `${accountUri}.json`,
  subresource_uris: { incoming_phone_numbers: numbersUri },
  ...dated('Thu, 30 Jul 2015 20:00:00 +0000'),
});

export const showBalance = () => ({ account_sid: accountSid, balance: '-12.05', currency: 'USD' });

export const showAvailable = (phoneNumber: string) => ({
  phone_number: phoneNumber,
  friendly_name: phoneNumber,
  iso_country: 'US',
  lata: '722',
  rate_center: 'SNFC CNTRL',
  locality: 'San Francisco',
  region: 'CA',
  postal_code: '94103',
  address_requirements: 'none',
  beta: false,
  capabilities: { voice: true, SMS: true, MMS: true },
});

export const showNumber = ({ sid, phone_number, friendly_name, created }: FakeNumber) => ({
  sid,
  account_sid: accountSid,
  phone_number,
  friendly_name,
  address_requirements: 'none',
  address_sid: null,
  api_version: '2010-04-01',
  beta: false,
  bundle_sid: null,
  capabilities: { voice: true, sms: true, mms: true, fax: false },
  emergency_address_sid: null,
  emergency_status: 'Inactive',
  identity_sid: null,
  origin: 'twilio',
  sms_method: 'POST',
  status: 'in-use',
  trunk_sid: null,
  type: 'local',
  uri: `${accountUri}/IncomingPhoneNumbers/${sid}.json`,
  voice_caller_id_lookup: false,
  voice_method: 'POST',
  ...dated(created.toUTCString().replace('GMT', '+0000')),
});

/** A number in a Messaging Service. */
export const showMember = ({ sid, phone_number }: FakeNumber, service: string) => ({
  sid,
  account_sid: accountSid,
  service_sid: service,
  phone_number,
  country_code: 'US',
  capabilities: ['Voice', 'SMS', 'MMS'],
  url: `https://messaging.twilio.com${serviceUri(service)}/${sid}`,
  ...dated('2015-07-30T20:12:31Z'),
});

export function numbersPage(all: FakeNumber[], query: URLSearchParams): FakeResponse {
  const size = Number(query.get('PageSize') ?? 50);
  const page = Number(query.get('Page') ?? 0);
  // Twilio requires the token of a later page.
  const isLost = page > 0 && !query.has('PageToken');
  if (!(size >= 1 && size <= 1000) || isLost) return error(400, 20001, 'Invalid paging');
  const end = (page + 1) * size;
  const link = (to: number, more = '') => `${numbersUri}?PageSize=${size}&Page=${to}${more}`;
  const body = {
    incoming_phone_numbers: all.slice(page * size, end).map(showNumber),
    uri: link(page),
    first_page_uri: link(0),
    next_page_uri: end < all.length ? link(page + 1, `&PageToken=PA${all[end - 1]?.sid}`) : null,
    previous_page_uri: null,
    page,
    page_size: size,
    start: page * size,
    end: Math.min(end, all.length) - 1,
  };
  return { status: 200, body };
}
