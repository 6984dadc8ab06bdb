import type { Command, OfNumber, Reservations } from './commands.ts';
import {
  areaCode,
  assign,
  candidates,
  commit,
  edit,
  endCoolDown,
  give,
  isActive,
  type Model,
  type ModelNumber,
  makeFree,
  mayHave,
  type Refusal,
  release,
  reserve,
  restore,
  takeItem,
  transfer,
  unassign,
} from './model.ts';

export type Answer = {
  status: number;
  code?: string;
  body?: Record<string, unknown>;
  adopt?: (body: never) => void;
};

const statuses: Record<string, number> = {
  admin_required: 403,
  organization_not_active: 403,
  number_not_found: 404,
  reservation_not_found: 404,
  number_taken: 409,
  none_available: 409,
  number_locked: 409,
  revision_mismatch: 412,
  bulk_rejected: 422,
};
const refused = (code: string): Answer => ({ status: statuses[code] ?? 400, code });

/** The organization whose revision `If-Match` is held against; undefined where none is. */
export function homeOf(model: Model, reservations: Reservations, command: Command): string | undefined {
  if ('reservationOf' in command) return heldBy(model, reservations, command.reservationOf)?.organization;
  if ('number' in command) return model.numbers.get(command.number)?.organization;
  if (command.do === 'bulk') return undefined;
  return 'organization' in command ? command.organization : model.users.get(command.user)?.organization;
}

function heldBy(model: Model, reservations: Reservations, number: string): ModelNumber | undefined {
  const found = model.numbers.get(number);
  return found?.status === 'reserved' && found.reservation === reservations.get(number) ? found : undefined;
}

/** What the API must answer, and makes the model follow. @param stale whether `If-Match` names another revision */
export function predict(model: Model, reservations: Reservations, command: Command, stale: boolean): Answer {
  model.clock++;
  const answer = answerTo(model, reservations, command, stale);
  commit(model);
  return answer;
}

function answerTo(model: Model, reservations: Reservations, command: Command, stale: boolean): Answer {
  switch (command.do) {
    case 'add':
      return add(model, command, stale);
    case 'claim':
      return claim(model, command, stale);
    case 'bulk':
      return bulk(model, command);
    case 'setOrganization': {
      if (stale) return refused('revision_mismatch');
      const organization = model.organizations.get(command.organization)!;
      if (organization.status !== command.status) model.touched.add(command.organization);
      organization.status = command.status;
      return { status: 200 };
    }
    case 'setUser': {
      if (stale) return refused('revision_mismatch');
      const user = model.users.get(command.user)!;
      if (user.status !== command.status) model.touched.add(user.organization);
      user.status = command.status;
      return { status: 200 };
    }
    case 'renew':
    case 'cancel':
    case 'assignReservation':
      return reservation(model, reservations, command, stale);
    default:
      return ofNumber(model, reservations, command, stale);
  }
}

function ofNumber(model: Model, reservations: Reservations, command: OfNumber, stale: boolean): Answer {
  const contract = command.do === 'assign' || command.do === 'unassign';
  const notFound = refused(contract ? 'number_to_assign_not_found' : 'number_not_found');
  const number = model.numbers.get(command.number);
  if (!number) {
    const last = command.do === 'release' ? model.gone.get(command.number) : undefined;
    const gone =
      last !== undefined &&
      [undefined, last].includes('organization' in command ? command.organization : undefined);
    return gone ? { status: 200, body: { already_released: true, can_be_undone: false } } : notFound;
  }
  const narrowed = 'organization' in command ? command.organization : undefined;
  if (narrowed && narrowed !== number.organization) return notFound;
  if (command.do === 'transfer' && command.to === number.organization) return refused('already_there');
  if (stale) return refused('revision_mismatch');
  const { phone_number, organization } = number;
  if (command.do === 'release' && number.status === 'releasing')
    return { status: 200, body: { already_released: true, can_be_undone: true } };
  const refusal = step(model, number, command);
  if (refusal) return refused(refusal);
  switch (command.do) {
    case 'assign':
      return { status: 200, body: { phone_number, user_id: command.user } };
    case 'unassign':
      return { status: 200, body: { phone_number, status: number.status } };
    case 'release':
      return { status: 200, body: { phone_number, can_be_undone: number.status === 'releasing' } };
    case 'reserve': {
      const adopt = ({ reservation_id }: { reservation_id: string }) => {
        number.reservation = reservation_id;
        reservations.set(phone_number, reservation_id);
      };
      return { status: 201, body: { phone_number, note: command.note }, adopt };
    }
    default:
      return { status: 200, body: command.do === 'transfer' ? {} : { organization } };
  }
}

function step(model: Model, number: ModelNumber, command: OfNumber): Refusal {
  switch (command.do) {
    case 'assign':
      return assign(model, number, command.user);
    case 'unassign':
      return unassign(model, number);
    case 'restore':
      return restore(model, number);
    case 'endCoolDown':
      return endCoolDown(model, number);
    case 'release':
      return release(model, number);
    case 'reserve':
      return reserve(model, number, 3600, command.note);
    case 'transfer':
      return transfer(model, number, command.to, command.end_assignment);
    case 'edit':
      return edit(model, number, command.edit);
  }
}

function reservation(
  model: Model,
  reservations: Reservations,
  command: Extract<Command, { reservationOf: string }>,
  stale: boolean,
): Answer {
  const number = heldBy(model, reservations, command.reservationOf);
  if (!number) return refused('reservation_not_found');
  if (stale) return refused('revision_mismatch');
  const { phone_number, organization } = number;
  if (command.do !== 'cancel' && !isActive(model, organization)) return refused('organization_not_active');
  if (command.do === 'assignReservation') {
    if (!mayHave(model, command.user, organization)) return refused('assignee_not_found');
    give(model, number, command.user);
    return { status: 200, body: { phone_number, user_id: command.user } };
  }
  model.touched.add(organization);
  if (command.do === 'cancel') makeFree(model, number);
  else number.until = model.clock + 3_600_000;
  return { status: 200, body: { phone_number } };
}

function add(model: Model, command: Extract<Command, { do: 'add' }>, stale: boolean): Answer {
  const { organization, numbers, user } = command;
  if (stale) return refused('revision_mismatch');
  if (!isActive(model, organization)) return refused('organization_not_active');
  if (user !== null && !mayHave(model, user, organization)) return refused('invalid_request');
  if (numbers.some(number => model.numbers.has(number))) return refused('number_taken');
  for (const phone_number of numbers) {
    const number: ModelNumber = {
      ...{
        phone_number,
        organization,
        status: 'available',
        user: null,
        nickname: null,
        tags: [],
        locked: false,
      },
      ...{ metadata: {}, until: null, reservation: null, note: null, free: null, heldBefore: null },
    } as ModelNumber;
    model.numbers.set(phone_number, number);
    makeFree(model, number);
    if (user !== null) give(model, number, user);
  }
  model.touched.add(organization);
  return { status: 201, body: { count: numbers.length } };
}

function claim(model: Model, command: Extract<Command, { do: 'claim' }>, stale: boolean): Answer {
  const { organization, user, area_code, starts_with = '', tags = [] } = command;
  if (stale) return refused('revision_mismatch');
  if (!isActive(model, organization)) return refused('organization_not_active');
  if (!mayHave(model, user, organization)) return refused('assignee_not_found');
  for (const wanted of area_code ?? [null]) {
    const fitting = [...model.numbers.values()].filter(
      number =>
        number.organization === organization &&
        number.status === 'available' &&
        (wanted === null || areaCode(number.phone_number) === wanted) &&
        number.phone_number.startsWith(`+${starts_with}`) &&
        tags.every(tag => number.tags.includes(tag)),
    );
    if (fitting.length === 0) continue;
    const expected = candidates(fitting).map(number => number.phone_number);
    model.touched.add(organization);
    const adopt = ({ phone_number }: { phone_number: string }) => {
      if (!expected.includes(phone_number))
        throw new Error(`claimed ${phone_number}, not ${expected.join(' or ')}`);
      give(model, model.numbers.get(phone_number)!, user);
      model.touched.clear();
    };
    return { status: 200, body: { user_id: user }, adopt };
  }
  return refused('none_available');
}

function bulk(model: Model, { items, atomic, dry_run }: Extract<Command, { do: 'bulk' }>): Answer {
  const kept = structuredClone({ numbers: model.numbers, gone: model.gone });
  const courses = new Map(model.numbers);
  const results = items.map((item, index) => {
    const number = courses.get(item.number);
    const code = number ? takeItem(model, number, item) : 'number_not_found';
    return { index, phone_number: item.number, done: code === undefined, ...(code && { code }) };
  });
  for (const [key, number] of model.numbers) {
    // Within one change nobody sees that it was not free for a moment; nor that it lost its user before it went.
    const before = kept.numbers.get(key)!;
    if (number.status === 'available' && before.free) number.free = before.free;
    if (number.status !== 'releasing' || before.status === 'releasing') continue;
    const had = before.status === 'assigned' && before.organization === number.organization;
    number.heldBefore = had ? before.user : null;
  }
  const rejected = results.filter(result => !result.done).length;
  const undone = dry_run || (atomic && rejected > 0);
  if (undone) {
    Object.assign(model, kept);
    model.touched.clear();
  }
  if (!dry_run && undone) return { ...refused('bulk_rejected'), body: { results } };
  return { status: 200, body: { results, rejected, dry_run } };
}
