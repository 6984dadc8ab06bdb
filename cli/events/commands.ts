import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { call, pathOf } from '../http/client.ts';
import { readCount, readRevision } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { exitCodes, Failure, PassingFailure } from '../terminal/failure.ts';
import { type Cell, growingTable, note, print, table, write } from '../terminal/output.ts';
import { counted, escapeControls } from '../terminal/text.ts';

type Event = {
  revision: number;
  type: string;
  at: string;
  actor: { type: string; id: string };
  data: Record<string, unknown> & { changes?: Record<string, { from: unknown; to: unknown }> };
};
type Log = { events: Event[]; count: number; revision: number; has_more: boolean };

const path = pathOf('events');
const waitSeconds = 30;
const retryMsMax = 10_000;

export function eventCommands(program: Command): void {
  const events = group(program, 'events', 'Read the log: what happened in an organization, in order.', [
    'events list --organization org_abc123',
    'events follow --organization org_abc123',
  ]);
  const define = (name: string, summary: string, examples: string[]) =>
    command(events, name, summary, examples).requiredOption('--organization <id>', 'whose log');

  define('list', 'List what happened after a revision, the oldest first.', [
    'events list --organization org_abc123',
    'events list --organization org_abc123 --after 100 --limit 1000',
  ])
    .option('--after <revision>', 'the last revision that you know (default: 0)', readRevision)
    .option('--limit <revisions>', 'revisions at most, up to 1000 (default: 100)', readCount)
    .action(async options => {
      const { organization: organization_id, after: after_revision, limit } = options;
      const answer = await call<Log>('GET', path, { query: { organization_id, after_revision, limit } });
      await print(options, answer, log => table(headings, log.events.map(cellsOf)));
      const { count, has_more, events } = answer.body;
      const more = has_more ? `, and there are more: --after ${events.at(-1)?.revision}` : '';
      if (!options.json) note(`${counted(count, 'event')}${more}`);
    });

  define('follow', 'Print what happens as it happens, until Ctrl-C.', [
    'events follow --organization org_abc123',
    'events follow --organization org_abc123 --after 0 --json',
  ])
    .addHelpText(
      'after',
      `
With --json it prints NDJSON: each event as one JSON document on a line of its own. When the
server goes away it waits until it is back, and goes on where it was: no event is left out
and none comes twice.`,
    )
    .option('--after <revision>', 'begin after this revision (default: from now on)', readRevision)
    .action(follow);
}

async function follow(options: { organization: string; after?: number; json?: boolean }): Promise<void> {
  const query = { organization_id: options.organization };
  const { revision } = (await call<Log>('GET', path, { query: { ...query, limit: 1 } })).body;
  let after = options.after ?? revision;
  if (after > revision)
    throw new Failure(
      `The log of ${options.organization} ends at revision ${revision}, before --after ${after}`,
    );
  // This is how it is meant to end, and whatever was printed is printed.
  process.on('SIGINT', () => process.exit(exitCodes.done));
  if (!options.json) note(`Following ${options.organization} after revision ${after}; Ctrl-C ends it`);
  const rows = growingTable(headings);
  for (;;) {
    const { events } = (
      await persistently(() =>
        call<Log>('GET', path, { query: { ...query, after_revision: after, wait: waitSeconds } }),
      )
    ).body;
    await write(
      options.json ? events.map(event => `${JSON.stringify(event)}\n`).join('') : rows(events.map(cellsOf)),
    );
    after = events.at(-1)?.revision ?? after;
  }
}

/** Asks until there is an answer: a server that is restarted comes back. */
export async function persistently<T>(ask: () => Promise<T>): Promise<T> {
  for (let wait = 250, told = false; ; wait = Math.min(wait * 2, retryMsMax)) {
    try {
      const answer = await ask();
      if (told) note('The server is back');
      return answer;
    } catch (error) {
      if (!(error instanceof PassingFailure)) throw error;
      if (!told) note(`${escapeControls(error.message.split('\n')[0]!)}; trying again until it is back`);
      told = true;
      await sleep(wait);
    }
  }
}

const headings = ['REVISION', 'AT', 'EVENT', 'BY', 'ABOUT', 'CHANGES'];

const cellsOf = ({ revision, at, type, actor, data }: Event): Cell[] => [
  revision,
  at,
  type,
  `${actor.type} ${actor.id}`,
  subjectOf(data),
  Object.entries(data.changes ?? {})
    .map(([field, { from, to }]) => `${field} ${written(from)} → ${written(to)}`)
    .join(', '),
];

function subjectOf({
  phone_number,
  numbers,
  count,
  batch_id,
  user_id,
  unique_id,
}: Event['data']): string | null {
  if (typeof phone_number === 'string') return phone_number;
  if (Array.isArray(numbers))
    return numbers.length === 1 ? numbers[0].phone_number : counted(numbers.length, 'number');
  if (typeof count === 'number') return `${counted(count, 'number')}, batch ${batch_id}`;
  const id = user_id ?? unique_id;
  return typeof id === 'string' ? id : null;
}

const written = (value: unknown) =>
  value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
