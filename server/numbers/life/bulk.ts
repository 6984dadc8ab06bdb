import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Caller } from '../../access/caller.ts';
import type { Db } from '../../db/database.ts';
import { invalid, Problem, type ProblemCode } from '../../errors.ts';
import { assertActive, type Revision, reviseMany } from '../../revisions/revise.ts';
import { readPhoneNumber } from '../phone-number.ts';
import type { Edit } from '../state.ts';
import { eventOf, loadStates, writeStates } from './changes.ts';
import { transferEvents } from './moves.ts';
import {
  assign,
  edit,
  type NumberState,
  release,
  type Step,
  transfer,
  type User,
  unassign,
} from './rules.ts';
import { type UniqueHolders, uniqueHolders } from './unique.ts';

export type BulkItem = { phone_number: string } & (
  | { action: 'assign'; user_id: string }
  | { action: 'unassign' }
  | { action: 'tag'; add?: string[]; remove?: string[] }
  | { action: 'transfer'; to_organization_id: string; end_assignment?: boolean }
  | { action: 'release' }
  | ({ action: 'edit' } & Edit)
);

export type BulkOptions = { items: BulkItem[]; atomic: boolean; dry_run: boolean; default_country: string };

export type BulkResult = {
  index: number;
  phone_number: string;
  done: boolean;
  code?: ProblemCode;
  error?: string;
};

/** A number while the items are gone through: as it was, as it is by now, and where. */
type Course = { before: NumberState; now: NumberState; from: Revision; in: Revision };

type Logged = { type: string; data: { id: string; phone_number: string } };

const itemsPerPiece = 1000;

/**
 * Goes through the items in their order, each on what the ones before it have left, and writes what came of it: one
 * revision of each organization, whose one event names the batch. `atomic`: all or, with a 422, nothing.
 */
export async function changeInBulk(db: Db, caller: Caller, options: BulkOptions): Promise<BulkResult[]> {
  const read = options.items.map(item => readPhoneNumber(item.phone_number, options.default_country));
  const wanted = read.flatMap(number => (typeof number === 'string' ? [] : [number.e164]));
  const homes = await findHomes(db, caller, wanted);
  const destinations = await findDestinations(db, caller, options.items);
  const ids = [
    ...new Set([...homes.values()].map(home => home.organization_id)),
    ...new Set(destinations.values()),
  ];
  if (caller.ifMatch !== undefined && ids.length > 1) {
    throw invalid('If-Match means one organization, and the items are about several');
  }
  return reviseMany(db, caller, ids, async revisions => {
    const courses = await startCourses(revisions, caller, homes);
    const users = await findUsers([...revisions.values()], caller, options.items);
    const holders = await uniqueHolders(
      [...revisions.values()][0]?.tx ?? db,
      caller,
      options.items.map(editOf),
    );
    const logs = new Map<Revision, Logged[]>();
    const log = (revision: Revision, event: Logged) => {
      const events = logs.get(revision);
      if (events) events.push(event);
      else logs.set(revision, [event]);
    };
    const results = options.items.map((item, index): BulkResult => {
      const number = read[index]!;
      try {
        if (typeof number === 'string') throw new Problem('invalid_request', `phone_number ${number}`);
        const course = courses.get(number.e164);
        if (!course) throw new Problem('number_not_found');
        take(course, item, { destinations, revisions, users, holders, log });
        return { index, phone_number: number.e164, done: true };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        return {
          index,
          phone_number: item.phone_number,
          done: false,
          code: error.code,
          error: error.message,
        };
      }
    });
    const failed = results.filter(result => !result.done).length;
    if (options.atomic && failed > 0 && !options.dry_run) {
      const items = results.length === 1 ? 'item' : 'items';
      const were = failed === 1 ? 'was' : 'were';
      throw new Problem(
        'bulk_rejected',
        `${failed} of ${results.length} ${items} ${were} rejected, so nothing was changed`,
        undefined,
        { results },
      );
    }
    if (!options.dry_run) {
      await writeCourses(caller, [...courses.values()]);
      for (const [revision, events] of logs) await recordBatch(revision, caller, events);
    }
    return results;
  });
}

type Surroundings = {
  destinations: Map<string, string>;
  revisions: Map<string, Revision>;
  users: Map<string, User>;
  holders: UniqueHolders;
  log: (revision: Revision, event: Logged) => void;
};

/** One item: the same rules as for a single number. */
function take(
  course: Course,
  item: BulkItem,
  { destinations, revisions, users, holders, log }: Surroundings,
): void {
  const { now: number, in: revision } = course;
  // What was released a moment ago by an item before this one is gone.
  if (number.status === 'released') throw new Problem('number_not_found');
  if (item.action === 'transfer') {
    const destination = revisions.get(destinations.get(item.to_organization_id) ?? '');
    if (!destination) throw new Problem('organization_not_found');
    if (destination === revision) throw new Problem('already_there');
    assertActive(destination);
    const step = transfer(number, revision.policy, destination.now, item.end_assignment ?? false);
    const [out, into] = transferEvents(revision, destination, { number, step });
    log(revision, out);
    log(destination, into);
    course.now = { ...number, ...step.set };
    course.in = destination;
    return;
  }
  const step = stepOf(item, number, revision, users);
  if (item.action === 'edit') holders.take(number.id, step.set);
  const event = eventOf({ number, step });
  // A number that stays as it is keeps the revision that it is of.
  if (!event) return;
  log(revision, event);
  course.now = { ...number, ...step.set };
}

function stepOf(
  item: Exclude<BulkItem, { action: 'transfer' }>,
  number: NumberState,
  revision: Revision,
  users: Map<string, User>,
): Step {
  switch (item.action) {
    case 'assign': {
      assertActive(revision);
      const user = users.get(`${revision.organization.id} ${item.user_id}`);
      const step = assign(number, user ?? { id: '', unique_id: item.user_id });
      if (!user) throw new Problem('assignee_not_found');
      return step;
    }
    case 'unassign':
      return unassign(number, revision.policy, revision.now);
    case 'tag': {
      const tags = number.tags.filter(tag => !item.remove?.includes(tag)).concat(item.add ?? []);
      if (new Set(tags).size > 50) throw new Problem('invalid_request', 'A number has at most 50 tags');
      return edit(number, { tags });
    }
    case 'release':
      return release(number, revision.policy, revision.now);
    case 'edit':
      return edit(number, editOf(item));
  }
}

/** What an item edits. */
function editOf(item: BulkItem): Edit {
  if (item.action !== 'edit') return {};
  const { action: _, phone_number: __, ...given } = item;
  return given;
}

async function findHomes(db: Db, caller: Caller, numbers: string[]) {
  const { rows } = await sql<{ id: string; phone_number: string; organization_id: string }>`
    select id, phone_number, organization_id from phone_numbers
    where tenant_id = ${caller.tenantId} and phone_number = any(${numbers}::text[]) and released_at is null
      and (${caller.organizationId}::uuid is null or organization_id = ${caller.organizationId})`.execute(db);
  return new Map(rows.map(row => [row.phone_number, row]));
}

/** The ids of the organizations that numbers are to go to, by the ids that the API knows them by. */
async function findDestinations(db: Db, caller: Caller, items: BulkItem[]): Promise<Map<string, string>> {
  const names = items.flatMap(item => (item.action === 'transfer' ? [item.to_organization_id] : []));
  const { rows } = await sql<{ id: string; unique_id: string }>`
    select id, unique_id from organizations where tenant_id = ${caller.tenantId} and unique_id = any(${names}::text[])
      and (${caller.organizationId}::uuid is null or id = ${caller.organizationId})`.execute(db);
  return new Map(rows.map(row => [row.unique_id, row.id]));
}

/** The numbers as they are under the locks; one that has left its organization since is not there. */
async function startCourses(
  revisions: Map<string, Revision>,
  caller: Caller,
  homes: Map<string, { id: string; organization_id: string }>,
) {
  const courses = new Map<string, Course>();
  for (const [id, revision] of revisions) {
    const here = [...homes.values()].filter(home => home.organization_id === id).map(home => home.id);
    if (here.length === 0) continue;
    for (const state of await loadStates(revision, caller, here)) {
      courses.set(state.phone_number, { before: state, now: state, from: revision, in: revision });
    }
  }
  return courses;
}

/** The active users among those that the items name, by organization and unique_id. */
async function findUsers(
  revisions: Revision[],
  caller: Caller,
  items: BulkItem[],
): Promise<Map<string, User>> {
  if (!revisions[0]) return new Map();
  const organizationIds = revisions.map(({ organization }) => organization.id);
  const names = items.flatMap(item => (item.action === 'assign' ? [item.user_id] : []));
  const { rows } = await sql<User & { organization_id: string }>`
    select id, unique_id, organization_id from users
    where tenant_id = ${caller.tenantId} and organization_id = any(${organizationIds}::uuid[]) and unique_id = any(${names}::text[])
      and status = 'active'`.execute(revisions[0].tx);
  return new Map(rows.map(row => [`${row.organization_id} ${row.unique_id}`, row]));
}

async function writeCourses(caller: Caller, courses: Course[]): Promise<void> {
  const changed = courses.filter(course => course.before !== course.now);
  const routes = Map.groupBy(
    changed,
    course => `${course.from.organization.id} ${course.in.organization.id}`,
  );
  for (const group of routes.values()) {
    const { from, in: to } = group[0]!;
    await writeStates(
      from,
      to,
      caller,
      group.map(({ before, now }) => ({ before, after: now })),
    );
  }
}

/** One event for all of them, which names the batch; the batch has what a single change would have logged. */
async function recordBatch(revision: Revision, caller: Caller, events: Logged[]): Promise<void> {
  const batch_id = await keepBatch(
    revision,
    caller,
    events.map(({ type, data }) => ({ type, ...data })),
  );
  revision.record('numbers.changed', { batch_id, count: events.length });
}

/** Keeps what a bulk event stands for, so that the log can be replayed. @returns the id to name it by */
export async function keepBatch(
  { tx, organization }: Revision,
  caller: Caller,
  items: Record<string, unknown>[],
): Promise<string> {
  const batch_id = randomUUIDv7();
  const key = { tenant_id: caller.tenantId, organization_id: organization.id, batch_id };
  for (let piece = 0; piece * itemsPerPiece < items.length; piece++) {
    const part = items.slice(piece * itemsPerPiece, (piece + 1) * itemsPerPiece);
    await tx
      .insertInto('batch_items')
      .values({ ...key, piece, items: JSON.stringify(part) })
      .execute();
  }
  return batch_id;
}
