import type { Command } from 'commander';
import type { Editable } from '../../server/numbers/state.ts';
import { call } from '../http/client.ts';
import { command } from '../terminal/command.ts';
import { type Columns, fields, print, sections, table } from '../terminal/output.ts';
import { personOf } from '../terminal/text.ts';
import { fieldColumns } from './fields.ts';
import { defaultCountry, numbersPath, withNumber } from './number.ts';

type Assignment = {
  organization_id: string;
  user_id: string;
  email: string;
  name: string;
  assigned_at: string;
  ended_at: string | null;
};
type State = {
  at: string;
  ended_at: string | null;
  revision: number;
  organization_id: string;
  status: string;
  until: string | null;
  reservation_note: string | null;
  event: string | null;
  actor: { type: string; id: string } | null;
} & Partial<Editable>;
type Tenure = {
  id: string;
  organization_id: string;
  status: string;
  created_at: string;
  released_at: string | null;
  /** The newest first, as are the states. */
  assignments: Assignment[];
  states: State[];
};
type HistoryBody = { phone_number: string; tenures: Tenure[] };

export function defineHistory(numbers: Command): void {
  withNumber(
    command(numbers, 'history', 'Show who had a number and what happened to it, the oldest first.', [
      'numbers history +14155551234',
    ]),
  ).action(async (number, options) => {
    const request = { query: defaultCountry(options) };
    await print(options, await call<HistoryBody>('GET', numbersPath(number, 'history'), request), timeline);
  });
}

const timeline = ({ phone_number, tenures }: HistoryBody) =>
  tenures
    .toReversed()
    .map(tenure => tenureSections(phone_number, tenure))
    .join('\n\n');

const tenureSections = (number: string, tenure: Tenure) =>
  sections(
    fields({
      Number: number,
      From: tenure.created_at,
      // A number that moved out of the organization of a key has an end for that key, although it was not released.
      Until: tenure.released_at ?? tenure.states[0]?.ended_at ?? 'now',
      Organization: tenure.organization_id,
      Status: tenure.status,
    }),
    table(assignmentColumns, tenure.assignments.toReversed()),
    table(stateColumns, tenure.states.toReversed()),
  );

const assignmentColumns: Columns<Assignment> = {
  FROM: held => held.assigned_at,
  UNTIL: held => held.ended_at ?? 'now',
  USER: personOf,
  ID: held => held.user_id,
  ORGANIZATION: held => held.organization_id,
};

const stateColumns: Columns<State> = {
  AT: state => state.at,
  EVENT: state => state.event,
  STATUS: state => state.status,
  UNTIL: state => state.until,
  REVISION: state => `${state.organization_id} ${state.revision}`,
  ...fieldColumns(field => field.history === true),
  'RESERVED FOR': state => state.reservation_note,
  BY: ({ actor }) => actor && `${actor.type} ${actor.id}`,
};
