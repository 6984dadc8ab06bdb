import { Type } from '../../schema/schema.ts';
import type { Carrier, CarrierKind } from '../carrier.ts';
import { CarrierError } from '../errors.ts';

/**
 * Numbers that no API manages: there is nobody to ask, so it never says anything that somebody would have to know. It
 * sells nothing and knows of no purchase or number; it has no list, because an empty one would look as if every number
 * had been lost. What people do with such a number elsewhere they do themselves: releasing it and attaching it to a
 * registration are done as soon as they are recorded here.
 */
export const manual: CarrierKind = {
  title: 'Manual',
  credentials: Type.Object({}, { additionalProperties: false }),
  can: { buy: false, messaging: [] },
  connect: () => carrier,
};

const noApi = 'No API manages the numbers of a manual account';

const carrier: Carrier = {
  check: async () => ({ account: 'manual', balance: null }),
  search: async () => [],
  async buy() {
    throw new CarrierError('unavailable', `${noApi}: nothing can be bought through it`);
  },
  findPurchase: async () => undefined,
  findNumber: async () => undefined,
  getNumber: async () => undefined,
  async list() {
    throw new CarrierError('unavailable', `${noApi}: it has no list`);
  },
  release: async () => {},
  attach: async () => ({ state: 'attached' }),
  attachment: async () => ({ state: 'attached' }),
};
