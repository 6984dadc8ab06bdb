import { randomUUID } from 'node:crypto';
import type { FakeResponse } from '../testing/fake.ts';
import type { FakeAssignment, FakeNumber, FakeOrder } from './fake-account.ts';

// The fake Telnyx's answers, with every field that Telnyx's API reference requires.

/** In the detail of every error. It must not leave the adapter. */
export const errorText = 'words-of-the-fake-telnyx';

export const error = (status: number, code: string, title: string): FakeResponse => ({
  status,
  body: {
    errors: [
      {
        code,
        title,
        detail: errorText,
        meta: { url: `https://developers.telnyx.com/docs/overview/errors/${code}` },
      },
    ],
  },
});

export const notFound = error(404, '10005', 'Resource not found');
export const taken = error(409, '85001', 'Phone numbers not available');

export const ok = (data: unknown, more: object = {}): FakeResponse => ({
  status: 200,
  body: { data, ...more },
});

export function page<T>(all: T[], query: URLSearchParams, show: (item: T) => unknown): FakeResponse {
  const size = Number(query.get('page[size]') ?? 20);
  const number = Number(query.get('page[number]') ?? 1);
  if (!(size >= 1 && size <= 250 && number >= 1)) return error(422, '10015', 'Invalid pagination');
  const total_pages = Math.ceil(all.length / size);
  const meta = { total_pages, total_results: all.length, page_number: number, page_size: size };
  return ok(all.slice((number - 1) * size, number * size).map(show), { meta });
}

/** Every resource has these. */
const dated = { created_at: '2026-01-02T03:04:05.000Z', updated_at: '2026-01-02T03:04:05.000Z' };

export const showBalance = () => ({
  record_type: 'balance',
  balance: '300.00',
  credit_limit: '100.00',
  available_credit: '400.00',
  pending: '10.00',
  currency: 'USD',
});

export const showAvailable = (phoneNumber: string) => ({
  record_type: 'available_phone_number',
  phone_number: phoneNumber,
  best_effort: false,
  quickship: true,
  reservable: true,
  vanity_format: '',
  features: [{ name: 'sms' }, { name: 'voice' }],
  cost_information: { monthly_cost: '1.00', upfront_cost: '1.00', currency: 'USD' },
  region_information: [
    { region_type: 'country_code', region_name: 'US' },
    { region_type: 'rate_center', region_name: 'SNFC CNTRL' },
    { region_type: 'state', region_name: 'CA' },
  ],
});

export const showOrder = (order: FakeOrder) => ({
  id: order.id,
  record_type: 'number_order',
  status: order.status,
  customer_reference: order.reference,
  phone_numbers_count: 1,
  phone_numbers: [
    {
      // Not the id of the number.
      id: randomUUID(),
      record_type: 'number_order_phone_number',
      phone_number: order.phone_number,
      status: order.status,
      requirements_met: order.requirementsMet,
      country_code: 'US',
      phone_number_type: 'local',
    },
  ],
  requirements_met: order.requirementsMet,
  sub_number_orders_ids: [order.part],
  ...dated,
});

export const showPart = (order: FakeOrder) => ({
  id: order.part,
  order_request_id: order.id,
  record_type: 'sub_number_order',
  status: order.status,
  customer_reference: order.reference,
  country_code: 'US',
  phone_number_type: 'local',
  phone_numbers_count: 1,
  requirements_met: order.requirementsMet,
  ...dated,
});

export const showNumber = (number: FakeNumber) => ({
  id: number.id,
  record_type: 'phone_number',
  phone_number: number.phone_number,
  country_iso_alpha2: 'US',
  phone_number_type: 'local',
  status: number.status,
  tags: number.tags,
  customer_reference: number.reference,
  messaging_profile_id: number.profile,
  connection_id: null,
  external_pin: null,
  deletion_lock_enabled: false,
  purchased_at: dated.created_at,
  ...dated,
});

/** Without the fields that may not be null here. */
export const showReleased = (number: FakeNumber) => ({
  id: number.id,
  record_type: 'phone_number',
  phone_number: number.phone_number,
  status: 'deleted',
  tags: number.tags,
  ...(number.reference !== null && { customer_reference: number.reference }),
  ...dated,
});

export const showMessaging = (number: FakeNumber) => ({
  id: number.id,
  record_type: 'messaging_settings',
  phone_number: number.phone_number,
  messaging_profile_id: number.profile,
  messaging_product: 'A2P',
  traffic_type: 'A2P',
  type: 'longcode',
  country_code: 'US',
  eligible_messaging_products: ['A2P'],
  ...dated,
});

export const showAssignment = ({ phone_number, campaign, status }: FakeAssignment) => ({
  phoneNumber: phone_number,
  campaignId: campaign,
  telnyxCampaignId: campaign,
  tcrCampaignId: 'CCAMPA1',
  tcrBrandId: 'BBRAND1',
  assignmentStatus: status,
  ...(status === 'FAILED_ASSIGNMENT' && { failureReasons: errorText }),
  createdAt: dated.created_at,
  updatedAt: dated.updated_at,
});
