import fc from 'fast-check';
import type { ModelEdit, ModelItem } from './model.ts';

/** One change that a client may ask for. */
export type Command =
  | { do: 'add'; organization: string; numbers: string[]; user: string | null }
  | { do: 'assign'; number: string; user: string; organization?: string }
  | { do: 'unassign' | 'restore' | 'endCoolDown'; number: string }
  | { do: 'release'; number: string; organization?: string }
  | {
      do: 'claim';
      organization: string;
      user: string;
      area_code?: string[];
      starts_with?: string;
      tags?: string[];
    }
  | { do: 'reserve'; number: string; note: string | null }
  /** Reservations are named by the number that has or had one: the last of it. */
  | { do: 'renew' | 'cancel'; reservationOf: string }
  | { do: 'assignReservation'; reservationOf: string; user: string }
  | { do: 'transfer'; number: string; to: string; end_assignment: boolean }
  | { do: 'edit'; number: string; edit: ModelEdit }
  | { do: 'bulk'; items: ModelItem[]; atomic: boolean; dry_run: boolean }
  | { do: 'setOrganization'; organization: string; status: string }
  | { do: 'setUser'; user: string; status: string };

export type OfNumber = Extract<Command, { number: string }>;

/** The last reservation of each number, by the id that the API gave it. */
export type Reservations = Map<string, string>;

/** Whom commands are about, by the names that they have in them: users, by their organization. */
export const users: Record<string, string[]> = { north: ['ann', 'ben'], south: ['cat', 'dan'] };

/** The same commands about others. */
export function renamed<T>(commands: T, nameOf: (name: string) => string): T {
  const named = /"(north|south|ann|ben|cat|dan)"/g;
  return JSON.parse(JSON.stringify(commands).replace(named, (_, name) => JSON.stringify(nameOf(name))));
}

export const numbers = [
  '+14155550001',
  '+14155550002',
  '+14155551003',
  '+16285550001',
  '+12125550001',
  '+442079460958',
];
const number = fc.constantFrom(...numbers);
const organization = fc.constantFrom(...Object.keys(users));
const user = fc.constantFrom(...Object.values(users).flat());
const tag = fc.constantFrom('vip', 'west', 'x%_');
const tags = fc.uniqueArray(tag, { maxLength: 2 });
const rarely = { freq: 4, nil: undefined };
const change: fc.Arbitrary<ModelEdit> = fc.record(
  {
    nickname: fc.constantFrom('Desk', 'Zoë', null),
    tags: fc.option(tags),
    locked: fc.constantFrom(true, false, false, null),
    metadata: fc.constantFrom({ b: 1, a: [true, 'x'] }, { a: [true, 'x'], b: 1 }, {}, null),
  },
  { requiredKeys: [] },
);
const item: fc.Arbitrary<ModelItem> = fc.oneof(
  fc.record({ action: fc.constant('assign' as const), number, user }),
  fc.record({ action: fc.constantFrom('unassign', 'release'), number }) as fc.Arbitrary<ModelItem>,
  fc.record({ action: fc.constant('tag' as const), number, add: tags, remove: tags }),
  fc.record({ action: fc.constant('edit' as const), number, edit: change }),
  fc.record({
    action: fc.constant('transfer' as const),
    number,
    to: fc.constantFrom('north', 'south', 'nowhere'),
    end_assignment: fc.boolean(),
  }),
);

const doing = <const D extends string>(name: D) => fc.constant(name);
const narrowed = fc.option(organization, { freq: 6, nil: undefined });

/** Any change, often one that has something to do with the ones before it. */
export const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: doing('add'),
      organization,
      numbers: fc.uniqueArray(number, { minLength: 1, maxLength: 4 }),
      user: fc.option(user, { freq: 2 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: doing('assign'), number, user, organization: narrowed }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('unassign', 'restore', 'endCoolDown'), number }) },
  { weight: 2, arbitrary: fc.record({ do: doing('release'), number, organization: narrowed }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: doing('claim'),
      organization,
      user,
      area_code: fc.option(
        fc.uniqueArray(fc.constantFrom('212', '415', '628', '303'), { minLength: 1 }),
        rarely,
      ),
      starts_with: fc.option(fc.constantFrom('1', '1415555', '44', '49'), rarely),
      tags: fc.option(fc.uniqueArray(tag, { minLength: 1, maxLength: 2 }), { freq: 6, nil: undefined }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: doing('reserve'), number, note: fc.constantFrom(null, 'cart 7') }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('renew', 'cancel'), reservationOf: number }) },
  { weight: 2, arbitrary: fc.record({ do: doing('assignReservation'), reservationOf: number, user }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: doing('transfer'), number, to: organization, end_assignment: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: doing('edit'),
      number,
      edit: change.filter(given => Object.keys(given).length > 0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: doing('bulk'),
      items: fc.array(item, { minLength: 1, maxLength: 8 }),
      atomic: fc.boolean(),
      dry_run: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: doing('setOrganization'),
      organization,
      status: fc.constantFrom('active', 'active', 'suspended'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: doing('setUser'), user, status: fc.constantFrom('active', 'suspended') }),
  },
) as fc.Arbitrary<Command>;

/** The tenant's decisions: none, or times that no test sees the end of. */
export const policy = fc.record({
  cool_down_seconds: fc.constantFrom(0, 3600),
  transfer_cool_down_seconds: fc.constantFrom(0, 1800, 7200),
  release_undo_seconds: fc.constantFrom(0, 3600),
});

export type Request = { method: string; path: string; body?: unknown };

/** How the API is asked for it. */
export function requestOf(reservations: Reservations, command: Command): Request {
  const base = '/v1/sms/phone-numbers';
  const narrowing =
    'organization' in command && command.organization ? `?organization_id=${command.organization}` : '';
  if ('reservationOf' in command) {
    const id = reservations.get(command.reservationOf) ?? '0199f3a0-ad52-7f96-a05e-8b7c2d3e4f50';
    const path = `/v1/sms/reservations/${id}`;
    if (command.do === 'assignReservation')
      return { method: 'POST', path: `${path}/assign`, body: { user_id: command.user } };
    if (command.do === 'cancel') return { method: 'DELETE', path };
    return { method: 'POST', path: `${path}/renew`, body: { expires_in: 3600 } };
  }
  switch (command.do) {
    case 'add': {
      const { organization: organization_id, numbers, user: user_id } = command;
      const phone_numbers = numbers.map(phone_number => ({ phone_number, user_id }));
      return { method: 'POST', path: base, body: { organization_id, phone_numbers } };
    }
    case 'claim': {
      const { do: _, organization: organization_id, user: user_id, ...requested } = command;
      return { method: 'POST', path: `${base}/claim`, body: { organization_id, user_id, ...requested } };
    }
    case 'bulk': {
      const { do: _, items, ...options } = command;
      return { method: 'POST', path: `${base}/bulk`, body: { items: items.map(bodyOfItem), ...options } };
    }
    case 'setOrganization': {
      const { organization, status } = command;
      return { method: 'PATCH', path: `/v1/organizations/${organization}`, body: { status } };
    }
    case 'setUser':
      // The runner knows the organization.
      return { method: 'PATCH', path: `/users/${command.user}`, body: { status: command.status } };
    default:
      return requestOfNumber(`${base}/${command.number}`, narrowing, command);
  }
}

function requestOfNumber(path: string, narrowing: string, command: OfNumber): Request {
  switch (command.do) {
    case 'assign':
      return { method: 'POST', path: `${path}/assign${narrowing}`, body: { user_id: command.user } };
    case 'unassign':
      return { method: 'DELETE', path: `${path}/assign` };
    case 'release':
      return { method: 'DELETE', path: `${path}${narrowing}` };
    case 'restore':
      return { method: 'POST', path: `${path}/restore` };
    case 'endCoolDown':
      return { method: 'POST', path: `${path}/end-cool-down` };
    case 'reserve':
      return { method: 'POST', path: `${path}/reserve`, body: { expires_in: 3600, note: command.note } };
    case 'edit':
      return { method: 'PATCH', path, body: command.edit };
    case 'transfer': {
      const { to: to_organization_id, end_assignment } = command;
      return { method: 'POST', path: `${path}/transfer`, body: { to_organization_id, end_assignment } };
    }
  }
}

function bodyOfItem(item: ModelItem) {
  const { number: phone_number, ...rest } = item;
  if (rest.action === 'assign') return { action: rest.action, phone_number, user_id: rest.user };
  if (rest.action === 'edit') return { action: rest.action, phone_number, ...rest.edit };
  if (rest.action === 'transfer') {
    const { action, to: to_organization_id, end_assignment } = rest;
    return { action, phone_number, to_organization_id, end_assignment };
  }
  return { ...rest, phone_number };
}
