import { emptyState } from '../numbers/state.ts';

/** An organization and everything in it, as the log describes it. */
export type ReplayedState = {
  organization: Record<string, unknown>;
  users: Map<string, Record<string, unknown>>;
  /**
   * By the id of the row. A number that was transferred away is not among them. `assigned_in` is the revision that began
   * its assignment.
   */
  numbers: Map<string, Record<string, unknown>>;
  orders: Map<string, Record<string, unknown>>;
};

type Data = Record<string, unknown> & { changes?: Record<string, { to: unknown }> };

export const emptyReplay = (): ReplayedState => ({
  organization: {},
  users: new Map(),
  numbers: new Map(),
  orders: new Map(),
});

/**
 * Applies one event to the state. A bulk event comes as the items of its batch, one by one.
 * @param revision of the event
 * @throws Error that describes a contradiction
 */
export function replay(state: ReplayedState, type: string, data: Data, revision: number): void {
  const id = String(data.id);
  switch (type) {
    case 'organization.created': {
      const { id: _, ...fields } = data;
      state.organization = {
        status: 'active',
        sms_active: false,
        sms_registration_status: 'not_started',
        carrier_account_id: null,
        monthly_spending_cap: null,
        messaging_service_id: null,
        campaign_id: null,
        ...fields,
      };
      return;
    }
    case 'organization.edited':
      applyTo(state.organization, data);
      return;
    case 'user.created': {
      const { id: _, ...fields } = data;
      state.users.set(id, { status: 'active', ...fields });
      return;
    }
    case 'user.edited':
      applyTo(known(state.users, id, 'user'), data);
      return;
    case 'numbers.added':
      for (const number of data.numbers as Data[]) replay(state, 'number.added', number, revision);
      return;
    case 'number.added':
    case 'number.bought': {
      const { id: _, order_id: __, ...arrived } = data;
      if (state.numbers.has(id)) throw new Error(`${data.phone_number} is added twice`);
      state.numbers.set(id, {
        ...emptyState,
        status: data.user_id === null ? 'available' : 'assigned',
        ...arrived,
        assigned_in: data.user_id === null ? null : revision,
      });
      return;
    }
    case 'number.transferred_in':
      if (state.numbers.has(id)) throw new Error(`${data.phone_number} arrives where it already is`);
      state.numbers.set(id, {
        ...emptyState,
        phone_number: data.phone_number,
        user_id: null,
        assigned_in: null,
        ...(data.number as object),
      });
      return;
    case 'number.transferred_out':
      known(state.numbers, id, String(data.phone_number));
      state.numbers.delete(id);
      return;
    case 'orders.placed':
      for (const order of data.orders as Data[]) {
        state.orders.set(String(order.id), { unique_id: order.id, status: 'open' });
      }
      return;
    case 'order.bought':
    case 'order.failed':
    case 'order.cancelled': {
      const order = known(state.orders, id, 'order');
      if (order.status !== 'open') throw new Error(`order ${id} ends twice`);
      order.status = type.slice('order.'.length);
      return;
    }
    default: {
      if (!type.startsWith('number.')) throw new Error(`${type} is not a known event`);
      const number = known(state.numbers, id, String(data.phone_number));
      applyTo(number, data);
      const user = data.changes?.user_id;
      if (user) number.assigned_in = user.to === null ? null : revision;
    }
  }
}

function known(
  records: Map<string, Record<string, unknown>>,
  id: string,
  name: string,
): Record<string, unknown> {
  const record = records.get(id);
  if (!record) throw new Error(`${name} (${id}) is changed before it exists`);
  return record;
}

function applyTo(record: Record<string, unknown>, { changes = {} }: Data): void {
  for (const [field, { to }] of Object.entries(changes)) record[field] = to;
}
