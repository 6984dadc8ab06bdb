import { Type } from '../../schema/schema.ts';
import type { Carrier, CarrierKind } from '../carrier.ts';
import { CarrierError } from '../errors.ts';

/**
 * Numbers that no API manages. It sells nothing and knows no purchase and no number. It has no list, because an empty
 * list would look as if every number were lost. People release and attach such numbers elsewhere, so here both are done
 * as soon as they are recorded.
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
    throw new CarrierError('unavailable', `${noApi}, so it sells nothing`);
  },
  findPurchase: async () => undefined,
  findNumber: async () => undefined,
  getNumber: async () => undefined,
  async list() {
    throw new CarrierError('unavailable', `${noApi}, so it has no list`);
  },
  release: async () => {},
  attach: async () => ({ state: 'attached' }),
  detach: async () => {},
  attachment: async () => ({ state: 'attached' }),
};
