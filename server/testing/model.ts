/**
 * A second opinion on what every change must do: the life of numbers in one tenant, in memory and in plain steps. It
 * shares nothing with the product, so that a mistake must be made twice to go unseen.
 */
export type Model = {
  policy: { cool_down_seconds: number; transfer_cool_down_seconds: number; release_undo_seconds: number };
  /** Counts changes; stands for the time at which they are made. */
  clock: number;
  organizations: Map<string, { status: string; revision: number }>;
  users: Map<string, { organization: string; status: string }>;
  /** The live numbers. */
  numbers: Map<string, ModelNumber>;
  /** Numbers that have been released at least once, with the organization that had them last. */
  gone: Map<string, string>;
  /** What a change has changed so far. */
  touched: Set<string>;
};

export type ModelNumber = {
  phone_number: string;
  organization: string;
  status: 'available' | 'reserved' | 'assigned' | 'cooling_down' | 'releasing' | 'released';
  user: string | null;
  nickname: string | null;
  tags: string[];
  locked: boolean;
  metadata: Record<string, unknown>;
  until: number | null;
  reservation: string | null;
  note: string | null;
  /** When it became free, and in which organization: two organizations never change at quite the same moment. */
  free: { at: number; organization: string } | null;
  /** Who had it when its release began. */
  heldBefore: string | null;
};

export type ModelEdit = {
  nickname?: string | null;
  tags?: string[] | null;
  locked?: boolean | null;
  metadata?: Record<string, unknown> | null;
};

export type ModelItem = { number: string } & (
  | { action: 'assign'; user: string }
  | { action: 'unassign' | 'release' }
  | { action: 'tag'; add?: string[]; remove?: string[] }
  | { action: 'transfer'; to: string; end_assignment: boolean }
  | { action: 'edit'; edit: ModelEdit }
);

/** Why a change is refused: the code of the API's error. */
export type Refusal = string | undefined;

export const createModel = (policy: Model['policy']): Model => ({
  policy,
  clock: 0,
  organizations: new Map(),
  users: new Map(),
  numbers: new Map(),
  gone: new Map(),
  touched: new Set(),
});

export const areaCode = (number: string): string | null =>
  number.startsWith('+1') ? number.slice(2, 5) : null;

const inSeconds = (model: Model, seconds: number) => model.clock + seconds * 1000;

/** A number that has no one and no term. */
function clear(number: ModelNumber): void {
  Object.assign(number, { user: null, until: null, reservation: null, note: null, free: null });
}

export function makeFree(model: Model, number: ModelNumber): void {
  const { free } = number;
  clear(number);
  number.status = 'available';
  number.free = free ?? { at: model.clock, organization: number.organization };
}

function rest(model: Model, number: ModelNumber, seconds: number): void {
  makeFree(model, number);
  if (seconds === 0) return;
  clear(number);
  number.status = 'cooling_down';
  number.until = inSeconds(model, seconds);
}

export function give(model: Model, number: ModelNumber, user: string): void {
  clear(number);
  number.status = 'assigned';
  number.user = user;
  model.touched.add(number.organization);
}

export const isActive = (model: Model, organization: string): boolean =>
  model.organizations.get(organization)!.status === 'active';

export function mayHave(model: Model, user: string, organization: string): boolean {
  const found = model.users.get(user);
  return found?.organization === organization && found.status === 'active';
}

export function assign(model: Model, number: ModelNumber, user: string): Refusal {
  if (!isActive(model, number.organization)) return 'organization_not_active';
  if (number.status === 'assigned') return 'number_assigned';
  if (number.status !== 'available') return 'number_not_available';
  if (!mayHave(model, user, number.organization)) return 'assignee_not_found';
  give(model, number, user);
}

export function unassign(model: Model, number: ModelNumber): Refusal {
  if (number.status !== 'assigned') return 'number_not_assigned';
  rest(model, number, model.policy.cool_down_seconds);
  model.touched.add(number.organization);
}

export function reserve(model: Model, number: ModelNumber, seconds: number, note: string | null): Refusal {
  if (!isActive(model, number.organization)) return 'organization_not_active';
  if (number.status === 'assigned') return 'number_assigned';
  if (number.status !== 'available') return 'number_not_available';
  clear(number);
  Object.assign(number, { status: 'reserved', note, until: inSeconds(model, seconds) });
  model.touched.add(number.organization);
}

export function release(model: Model, number: ModelNumber): Refusal {
  if (number.status === 'releasing') return undefined;
  if (number.locked) return 'number_locked';
  const { user } = number;
  model.touched.add(number.organization);
  clear(number);
  if (model.policy.release_undo_seconds === 0) return remove(model, number);
  number.heldBefore = user;
  number.status = 'releasing';
  number.until = inSeconds(model, model.policy.release_undo_seconds);
}

export function remove(model: Model, number: ModelNumber): undefined {
  clear(number);
  number.status = 'released';
  model.numbers.delete(number.phone_number);
  model.gone.set(number.phone_number, number.organization);
}

export function restore(model: Model, number: ModelNumber): Refusal {
  if (!isActive(model, number.organization)) return 'organization_not_active';
  if (number.status !== 'releasing') return 'number_not_releasing';
  const holder = number.heldBefore;
  number.heldBefore = null;
  model.touched.add(number.organization);
  if (holder !== null && mayHave(model, holder, number.organization)) give(model, number, holder);
  else makeFree(model, number);
}

export function transfer(model: Model, number: ModelNumber, to: string, endAssignment: boolean): Refusal {
  if (!model.organizations.has(to)) return 'organization_not_found';
  if (number.organization === to) return 'already_there';
  if (!isActive(model, to)) return 'organization_not_active';
  if (number.status === 'assigned' && !endAssignment) return 'number_assigned';
  if (!['available', 'assigned', 'cooling_down'].includes(number.status)) return 'number_not_available';
  model.touched.add(number.organization).add(to);
  number.organization = to;
  const seconds = model.policy.transfer_cool_down_seconds;
  const goesOn = number.status === 'cooling_down' && number.until! > inSeconds(model, seconds);
  if (!goesOn) rest(model, number, seconds);
}

export function endCoolDown(model: Model, number: ModelNumber): Refusal {
  if (number.status !== 'cooling_down') return 'number_not_cooling_down';
  makeFree(model, number);
  model.touched.add(number.organization);
}

export function edit(model: Model, number: ModelNumber, given: ModelEdit): Refusal {
  const before = snapshotOf(number);
  if (given.nickname !== undefined) number.nickname = given.nickname;
  if (given.tags !== undefined) number.tags = [...new Set(given.tags ?? [])].sort();
  if (given.locked !== undefined) number.locked = given.locked ?? false;
  if (given.metadata !== undefined) number.metadata = given.metadata ?? {};
  if (JSON.stringify(before) !== JSON.stringify(snapshotOf(number))) model.touched.add(number.organization);
  return undefined;
}

export function takeItem(model: Model, number: ModelNumber, item: ModelItem): Refusal {
  if (number.status === 'released') return 'number_not_found';
  switch (item.action) {
    case 'assign':
      return assign(model, number, item.user);
    case 'unassign':
      return unassign(model, number);
    case 'release':
      return release(model, number);
    case 'transfer':
      return transfer(model, number, item.to, item.end_assignment);
    case 'edit':
      return edit(model, number, item.edit);
    case 'tag': {
      const tags = number.tags.filter(tag => !item.remove?.includes(tag)).concat(item.add ?? []);
      return edit(model, number, { tags });
    }
  }
}

/** The numbers that a claim may give: one, or one of each organization in which they became free at one time. */
export function candidates(fitting: ModelNumber[]): ModelNumber[] {
  const first = Math.min(...fitting.map(number => number.free!.at));
  const longest = fitting
    .filter(number => number.free!.at === first)
    .sort((a, b) => (a.phone_number < b.phone_number ? -1 : 1));
  return [...Map.groupBy(longest, number => number.free!.organization).values()].map(group => group[0]!);
}

/** What has run out ends, among these. */
export function passTime(model: Model, numbers: string[]): void {
  for (const number of [...model.numbers.values()]) {
    if (number.until === null || !numbers.includes(number.phone_number)) continue;
    model.touched.add(number.organization);
    if (number.status === 'releasing') remove(model, number);
    else makeFree(model, number);
  }
}

/** Every organization that was touched is one revision further. */
export function commit(model: Model): void {
  for (const organization of model.touched) model.organizations.get(organization)!.revision++;
  model.touched.clear();
}

/** What the list says of a number, as far as the clock on the wall has no part in it. */
export const snapshotOf = (number: ModelNumber) => ({
  phone_number: number.phone_number,
  status: number.status,
  user: number.user,
  nickname: number.nickname,
  tags: number.tags,
  locked: number.locked,
  metadata: Object.fromEntries(Object.entries(number.metadata).sort()),
  ends: number.until !== null,
  reservation: number.reservation,
  note: number.note,
});

export const listOf = (model: Model, organization: string) =>
  [...model.numbers.values()]
    .filter(number => number.organization === organization)
    .map(number => structuredClone(snapshotOf(number)))
    .sort((a, b) => (a.phone_number < b.phone_number ? -1 : 1));
