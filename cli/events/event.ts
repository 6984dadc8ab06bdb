import { InvalidArgumentError } from 'commander';
import { pathOf } from '../http/client.ts';
import type { Columns } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';

export type LogEvent = {
  revision: number;
  type: string;
  at: string;
  actor: { type: string; id: string };
  data: Record<string, unknown> & { changes?: Record<string, { from: unknown; to: unknown }> };
};
export type EventPage = {
  events: LogEvent[];
  count: number;
  revision: number;
  cursor: string;
  has_more: boolean;
};

/** A place in the log, as a query names it. */
export type Place = { after: string } | { after_revision: number };

/** A cursor also tells a revision from another one that a restored database has under the same number. */
export function readPlace(text: string): Place {
  if (/^\d{1,15}-\d{1,15}$/.test(text)) return { after: text };
  if (/^\d{1,15}$/.test(text)) return { after_revision: Number(text) };
  throw new InvalidArgumentError('It must be a revision, such as 12, or the cursor of an answer.');
}

export const eventsPath = pathOf('events');

export const columns: Columns<LogEvent> = {
  REVISION: event => event.revision,
  AT: event => event.at,
  EVENT: event => event.type,
  BY: ({ actor }) => `${actor.type} ${actor.id}`,
  ABOUT: ({ data }) => subjectOf(data),
  CHANGES: ({ data }) =>
    Object.entries(data.changes ?? {})
      .map(([field, { from, to }]) => `${field} ${valueText(from)} → ${valueText(to)}`)
      .join(', '),
};

/** The number, user or organization that an event is about, or how many numbers. */
function subjectOf(data: LogEvent['data']): string | null {
  const { phone_number, numbers, count, batch_id, user_id, unique_id } = data;
  if (typeof phone_number === 'string') return phone_number;
  if (Array.isArray(numbers))
    return numbers.length === 1 ? numbers[0].phone_number : counted(numbers.length, 'number');
  if (typeof count === 'number') return `${counted(count, 'number')}, batch ${batch_id}`;
  const id = user_id ?? unique_id;
  return typeof id === 'string' ? id : null;
}

const valueText = (value: unknown) =>
  value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
