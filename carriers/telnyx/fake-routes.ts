import { isTollFree } from '../../phone-numbers/toll-free.ts';
import type { FakeRequest, FakeResponse, Route } from '../testing/fake.ts';
import type { FakeAccount, FakeNumber } from './fake-account.ts';
import {
  error,
  notFound,
  ok,
  page,
  showAssignment,
  showAvailable,
  showBalance,
  showMessaging,
  showNumber,
  showOrder,
  showPart,
  showReleased,
  taken,
} from './fake-answers.ts';

export const routes = (account: FakeAccount): Route[] => [
  { method: 'GET', path: '/balance', call: 'check', answer: () => ok(showBalance()) },
  ...inventoryRoutes(account),
  ...orderRoutes(account),
  ...numberRoutes(account),
  ...messagingRoutes(account),
];

const inventoryRoutes = (account: FakeAccount): Route[] => [
  {
    method: 'GET',
    path: '/available_phone_numbers',
    call: 'search',
    answer({ query }) {
      const filter = (name: string) => query.get(`filter${name}`) ?? '';
      const areaCode = filter('[national_destination_code]');
      const kind = filter('[phone_number_type]');
      const digitsOnly = ['contains', 'starts_with', 'ends_with'].every(name =>
        /^\d*$/.test(filter(`[phone_number][${name}]`)),
      );
      if (filter('[country_code]') !== 'US' || query.get('filter[features][]') !== 'sms' || !digitsOnly)
        return error(400, '10015', 'Bad Request');
      const found = account.search(
        phoneNumber => {
          // With an area code, Telnyx looks for the patterns in the digits after it.
          const digits = phoneNumber.slice(areaCode ? 5 : 2);
          return (
            (kind === '' || isTollFree(phoneNumber) === (kind === 'toll_free')) &&
            phoneNumber.startsWith(`+1${areaCode}`) &&
            digits.startsWith(filter('[phone_number][starts_with]')) &&
            digits.includes(filter('[phone_number][contains]')) &&
            digits.endsWith(filter('[phone_number][ends_with]'))
          );
        },
        Number(filter('[limit]') || 100),
      );
      const meta = { total_results: found.length, best_effort_results: 0 };
      return ok(found.map(showAvailable), { meta, metadata: meta });
    },
  },
];

/** A search that finds nothing gets an empty list. A 404 would say that there is no such list. */
const nothing = page([], new URLSearchParams(), String);

const orderRoutes = (account: FakeAccount): Route[] => [
  {
    method: 'POST',
    path: '/number_orders',
    call: 'buy',
    answer({ json }) {
      const { phone_numbers, customer_reference } = json as {
        phone_numbers: [{ phone_number: string }];
        customer_reference: string;
      };
      const order = account.order(phone_numbers[0].phone_number, customer_reference);
      if (order === 'taken') return taken;
      if (order === 'not searched')
        return error(422, '85000', 'Must search phone number via search API first');
      return ok(showOrder(order));
    },
  },
  {
    method: 'GET',
    path: '/number_orders',
    call: 'find',
    notFound: nothing,
    answer: ({ query }) =>
      page(account.ordersWith(query.get('filter[customer_reference]') ?? ''), query, showOrder),
  },
  {
    method: 'PATCH',
    path: '/sub_number_orders/:part/cancel',
    call: 'edit',
    answer({ params }) {
      const order = account.cancel(params.part ?? '');
      return order ? ok(showPart(order)) : notFound;
    },
  },
];

const numberRoutes = (account: FakeAccount): Route[] => [
  {
    method: 'GET',
    path: '/phone_numbers',
    call: ({ query }) => (query.has('filter[phone_number]') ? 'find' : 'list'),
    notFound: nothing,
    answer({ query }) {
      const digits = query.get('filter[phone_number]');
      const all = [...account.numbers.values()].toSorted((a, b) =>
        a.phone_number < b.phone_number ? -1 : 1,
      );
      if (digits === null) return page(all, query, showNumber);
      // The filter takes digits only, at least three.
      const isFound = ({ phone_number }: FakeNumber) =>
        /^\d{3,}$/.test(digits) && phone_number.includes(digits);
      return page(all.filter(isFound), query, showNumber);
    },
  },
  ofOne(account, { method: 'GET', path: '/phone_numbers/:id', call: 'find' }, number =>
    ok(showNumber(number)),
  ),
  ofOne(account, { method: 'PATCH', path: '/phone_numbers/:id', call: 'edit' }, (number, { json }) => {
    number.reference = (json as { customer_reference: string }).customer_reference;
    return ok(showNumber(number));
  }),
  ofOne(account, { method: 'DELETE', path: '/phone_numbers/:id', call: 'release' }, number => {
    account.release(number.phone_number);
    return ok(showReleased(number));
  }),
];

const messagingRoutes = (account: FakeAccount): Route[] => [
  ofOne(account, { method: 'GET', path: '/phone_numbers/:id/messaging', call: 'find' }, number =>
    ok(showMessaging(number)),
  ),
  ofOne(
    account,
    { method: 'PATCH', path: '/phone_numbers/:id/messaging', call: 'attach' },
    (number, { json }) => {
      number.profile = (json as { messaging_profile_id: string }).messaging_profile_id || null;
      return ok(showMessaging(number));
    },
  ),
  {
    method: 'GET',
    path: '/10dlc/phone_number_campaigns/:phoneNumber',
    call: 'find',
    answer({ params }) {
      const assignment = account.advanceAssignment(params.phoneNumber ?? '');
      return assignment ? { status: 200, body: showAssignment(assignment) } : notFound;
    },
  },
  {
    method: 'POST',
    path: '/10dlc/phone_number_campaigns',
    call: 'attach',
    answer: asked => assign(account, asked, false),
  },
  {
    method: 'PUT',
    path: '/10dlc/phone_number_campaigns/:phoneNumber',
    call: 'attach',
    answer: asked => assign(account, asked, true),
  },
  {
    method: 'DELETE',
    path: '/10dlc/phone_number_campaigns/:phoneNumber',
    call: 'attach',
    answer({ params }) {
      const assignment = account.unassign(params.phoneNumber ?? '');
      return assignment ? { status: 200, body: showAssignment(assignment) } : notFound;
    },
  },
];

/** POST makes the first assignment and PUT replaces it. Both need a number that is on a messaging profile. */
function assign(account: FakeAccount, { json }: FakeRequest, again: boolean): FakeResponse {
  const { phoneNumber, campaignId } = json as { phoneNumber: string; campaignId: string };
  if (!account.numbers.get(phoneNumber)?.profile || (account.assignment(phoneNumber) !== undefined) !== again)
    return error(400, '10015', 'Bad Request');
  return { status: 200, body: showAssignment(account.assign(phoneNumber, campaignId)) };
}

function ofOne(
  account: FakeAccount,
  route: Omit<Route, 'answer'>,
  answer: (number: FakeNumber, asked: FakeRequest) => FakeResponse,
): Route {
  return {
    ...route,
    answer(asked) {
      const number = account.byId(asked.params.id ?? '');
      return number && account.isOurs(number.phone_number) ? answer(number, asked) : notFound;
    },
  };
}
