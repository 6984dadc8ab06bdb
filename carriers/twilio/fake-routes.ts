import type { FakeRequest, FakeResponse, Route } from '../testing/fake.ts';
import { bySid, type FakeAccount, forSale, own } from './fake-account.ts';
import {
  accountUri,
  error,
  invalid,
  notFound,
  numbersPage,
  numbersUri,
  serviceUri,
  showAccount,
  showAvailable,
  showBalance,
  showMember,
  showNumber,
  taken,
} from './fake-answers.ts';

/** Two Messaging Services; the second is full. */
export const services = { open: `MG${'a'.repeat(32)}`, full: `MG${'f'.repeat(32)}` };

/** The calls about an account, its numbers and its Messaging Services. */
export const routes = (account: FakeAccount): Route[] => [
  { method: 'GET', path: `${accountUri}.json`, call: 'check', answer: () => ok(showAccount(account)) },
  { method: 'GET', path: `${accountUri}/Balance.json`, call: 'check', answer: () => ok(showBalance()) },
  {
    method: 'GET',
    path: `${accountUri}/AvailablePhoneNumbers/:country/:kind.json`,
    call: 'search',
    answer: asked => search(account, asked),
  },
  {
    method: 'GET',
    path: numbersUri,
    call: ({ query }) => (query.has('PhoneNumber') ? 'find' : 'list'),
    notFound: numbersPage([], new URLSearchParams()),
    answer: ({ query }) => {
      // A part of a number finds every number that contains it.
      const part = query.get('PhoneNumber') ?? '';
      return numbersPage(
        [...account.numbers.values()].filter(number => number.phone_number.includes(part)),
        query,
      );
    },
  },
  { method: 'POST', path: numbersUri, call: 'buy', answer: ({ form }) => buy(account, form) },
  {
    method: 'GET',
    path: `${accountUri}/IncomingPhoneNumbers/:sid.json`,
    call: 'find',
    answer: ({ params }) => {
      const number = bySid(account, params.sid);
      return number ? ok(showNumber(number)) : notFound;
    },
  },
  {
    method: 'DELETE',
    path: `${accountUri}/IncomingPhoneNumbers/:sid.json`,
    call: 'release',
    answer: ({ params }) => {
      const number = bySid(account, params.sid);
      if (!number) return notFound;
      account.numbers.delete(number.phone_number);
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: serviceUri(':service'),
    call: 'attach',
    answer: asked => addToService(account, asked),
  },
  {
    method: 'DELETE',
    path: `${serviceUri(':service')}/:sid`,
    call: 'attach',
    answer: ({ params }) => {
      const number = bySid(account, params.sid);
      if (!number || number.service !== params.service) return notFound;
      number.service = null;
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: `${serviceUri(':service')}/:sid`,
    call: 'find',
    answer: ({ params }) => {
      const number = bySid(account, params.sid);
      return number?.service === params.service ? ok(showMember(number!, params.service!)) : notFound;
    },
  },
];

const ok = (body: unknown): FakeResponse => ({ status: 200, body });

function search(account: FakeAccount, { params, query }: FakeRequest): FakeResponse {
  const contains = query.get('Contains');
  if (!['Local', 'TollFree'].includes(params.kind!)) return notFound;
  if (contains !== null && !isPattern(contains)) return error(400, 20001, 'Contains is invalid');
  const found = forSale(account, params.kind === 'TollFree', query.get('AreaCode'), contains);
  const available_phone_numbers = found.slice(0, Number(query.get('PageSize') ?? 50)).map(showAvailable);
  return ok({ available_phone_numbers, uri: `${accountUri}/AvailablePhoneNumbers/US/${params.kind}.json` });
}

/**
 * What Twilio's description allows of `Contains`, without letters: 2 to 16 signs, no wildcard between digits, and no two
 * signs that are no digits side by side.
 */
const isPattern = (contains: string): boolean =>
  /^.{2,16}$/.test(contains) &&
  /^[+*%]?\d+[*%$]?$/.test(contains) &&
  (!/[*%]/.test(contains) || /\d\d/.test(contains));

/** For a number that the account has already, Twilio sets the new name, charges nothing and answers as for any other. */
function buy(account: FakeAccount, form: URLSearchParams): FakeResponse {
  const phone_number = form.get('PhoneNumber') ?? '';
  const friendly_name = form.get('FriendlyName') ?? phone_number;
  if (!/^\+1\d{10}$/.test(phone_number)) return invalid;
  const before = account.numbers.get(phone_number);
  if (before) return { status: 201, body: showNumber(Object.assign(before, { friendly_name })) };
  if (!account.forSale.has(phone_number)) return taken;
  account.charges.push(phone_number);
  return { status: 201, body: showNumber(own(account, { phone_number, name: friendly_name })) };
}

function addToService(account: FakeAccount, { params, form }: FakeRequest): FakeResponse {
  const number = bySid(account, form.get('PhoneNumberSid'));
  const service = params.service!;
  if (!number || !Object.values(services).includes(service)) return notFound;
  if (service === services.full) return error(409, 21714, 'The Messaging Service is full');
  if (number.service === service) return error(409, 21710, 'Already in this Messaging Service');
  if (number.service !== null) return error(409, 21712, 'In another Messaging Service');
  number.service = service;
  return { status: 201, body: showMember(number, service) };
}
