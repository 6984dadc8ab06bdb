import type { Command } from 'commander';
import { call } from '../http/client.ts';
import { command } from '../terminal/command.ts';
import { fields, print, table } from '../terminal/output.ts';
import { country, onNumber, pathTo } from './number.ts';

type Actor = { type: string; id: string };
type Tenure = {
  id: string;
  organization_id: string;
  status: string;
  created_at: string;
  released_at: string | null;
  assignments: {
    organization_id: string;
    user_id: string;
    email: string;
    name: string;
    assigned_at: string;
    ended_at: string | null;
  }[];
  states: {
    at: string;
    ended_at: string | null;
    revision: number;
    organization_id: string;
    status: string;
    nickname: string | null;
    until: string | null;
    reservation_note: string | null;
    event: string | null;
    actor: Actor | null;
  }[];
};
type History = { phone_number: string; tenures: Tenure[] };

export function defineHistory(numbers: Command): void {
  onNumber(
    command(numbers, 'history', 'Show who had a number and what happened to it, in the order of time.', [
      'numbers history +14155551234',
    ]),
  ).action(async (number, options) => {
    const request = { query: country(options) };
    await print(options, await call<History>('GET', pathTo(number, 'history'), request), timeline);
  });
}

const timeline = ({ phone_number, tenures }: History) =>
  tenures
    .toReversed()
    .map(tenure => during(phone_number, tenure))
    .join('\n\n');

/** From when a number came until it was released, or left what the key may see. */
function during(number: string, tenure: Tenure): string {
  const { organization_id, status, created_at, released_at, assignments, states } = tenure;
  const pieces = [
    fields({
      Number: number,
      From: created_at,
      Until: released_at ?? states[0]?.ended_at ?? 'now',
      Organization: organization_id,
      Status: status,
    }),
    table(
      ['FROM', 'UNTIL', 'WHO HAD IT', 'ID', 'ORGANIZATION'],
      assignments
        .toReversed()
        .map(held => [
          held.assigned_at,
          held.ended_at ?? 'now',
          `${held.name} <${held.email}>`,
          held.user_id,
          held.organization_id,
        ]),
    ),
    table(
      ['AT', 'WHAT HAPPENED', 'STATUS', 'UNTIL', 'REVISION', 'NICKNAME', 'RESERVED FOR', 'BY'],
      states
        .toReversed()
        .map(state => [
          state.at,
          state.event,
          state.status,
          state.until,
          `${state.organization_id} ${state.revision}`,
          state.nickname,
          state.reservation_note,
          state.actor && `${state.actor.type} ${state.actor.id}`,
        ]),
    ),
  ];
  return pieces.filter(piece => piece !== '').join('\n');
}
