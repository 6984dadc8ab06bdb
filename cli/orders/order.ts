import type { Static } from '../../schema/schema.ts';
import type { OrderBody as Order, Purchased } from '../../server/orders/schemas.ts';
import { fieldLines } from '../numbers/fields.ts';
import { fields } from '../terminal/output.ts';
import { inDollars } from '../terminal/text.ts';

export type OrderBody = { order: Static<typeof Order> };
export type PurchasedBody = Static<typeof Purchased>;
type Price = NonNullable<PurchasedBody['price']>;

export const orderFields = ({ order }: OrderBody): string =>
  fields({
    Order: order.id,
    Status: order.status,
    Number: order.phone_number,
    'Area code': order.area_codes.join(', then ') || null,
    'Asked for': order.wanted_number,
    'Toll-free': order.toll_free || undefined,
    'Begins with': order.starts_with ?? undefined,
    'Ends in': order.ends_with ?? undefined,
    Contains: order.contains ?? undefined,
    Organization: order.organization_id,
    User: order.user_id,
    ...fieldLines(order),
    'Numbers tried': order.candidates,
    Error: order.error ?? undefined,
    'Waits for': order.error ? undefined : (order.problem ?? undefined),
    Placed: order.created_at,
    Finished: order.finished_at,
  });

export const priceFields = (price: Price) => ({
  'Purchase fee': inDollars(price.purchase_fee),
  'Each week': inDollars(price.weekly_price),
  'Charged at once': inDollars(price.due_now),
  'Charged this month': inDollars(price.spent),
  'Monthly cap': inDollars(price.spending_cap),
  'Numbers so far': `${price.numbers} of ${price.max_per_org}`,
});
