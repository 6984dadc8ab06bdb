import type { Command } from 'commander';
import { call } from '../http/client.ts';
import { readCount } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { print, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { columns, type EventPage, eventsPath, readPlace } from './event.ts';
import { follow } from './follow.ts';

export function eventCommands(program: Command): void {
  const events = group(program, 'events', 'Read the log of an organization: what happened, in order.', [
    'events list --organization org_abc123',
    'events follow --organization org_abc123',
  ]);
  const define = (name: string, summary: string, examples: string[]) =>
    command(events, name, summary, examples).requiredOption('--organization <id>', 'the organization');

  define('list', 'List the events after a revision, the oldest first.', [
    'events list --organization org_abc123',
    'events list --organization org_abc123 --after 100 --limit 1000',
  ])
    .option('--after <place>', 'the last revision or cursor that you know (default: 0)', readPlace)
    .option('--limit <revisions>', 'at most so many revisions, up to 1000 (default: 100)', readCount)
    .action(async options => {
      const { organization: organization_id, after, limit } = options;
      await print(
        options,
        await call<EventPage>('GET', eventsPath, { query: { organization_id, ...after, limit } }),
        page => table(columns, page.events),
        ({ count, has_more, cursor }) =>
          `${counted(count, 'event')}${has_more ? `, and there are more: --after ${cursor}` : ''}`,
      );
    });

  define('follow', 'Print events as they happen, until Ctrl-C.', [
    'events follow --organization org_abc123',
    'events follow --organization org_abc123 --after 0 --json',
  ])
    .addHelpText(
      'after',
      `
With --json it prints NDJSON: one JSON document on a line for each event. If the server goes
away, the command waits until it is back and goes on: it leaves no event out and prints none twice.
If the database was restored from a backup meanwhile, it ends with an error that says so.`,
    )
    .option('--after <place>', 'begin after this revision or cursor (default: from now on)', readPlace)
    .action(follow);
}
