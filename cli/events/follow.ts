import { call } from '../http/client.ts';
import { untilAnswered } from '../http/retry.ts';
import { exitCodes, Failure } from '../terminal/failure.ts';
import { growingTable, note, write } from '../terminal/output.ts';
import { columns, type EventPage, eventsPath } from './event.ts';

type FollowOptions = { organization: string; after?: number; json?: boolean };

/** How long the server may hold a call open until an event comes. */
const waitSeconds = 30;

/** Prints events as they come, and never returns. */
export async function follow(options: FollowOptions): Promise<void> {
  const organization = { organization_id: options.organization };
  const { body } = await call<EventPage>('GET', eventsPath, { query: { ...organization, limit: 1 } });
  let after = options.after ?? body.revision;
  if (after > body.revision)
    throw new Failure(
      `The log of ${options.organization} ends at revision ${body.revision}, before --after ${after}`,
    );
  // Ctrl-C is how a follower is meant to end, so that is no failure.
  process.on('SIGINT', () => process.exit(exitCodes.done));
  if (!options.json)
    note(`Waiting for events of ${options.organization} after revision ${after}; Ctrl-C ends it`);
  const rows = growingTable(columns);
  for (;;) {
    const query = { ...organization, after_revision: after, wait: waitSeconds };
    const { events } = (await untilAnswered(() => call<EventPage>('GET', eventsPath, { query }))).body;
    await write(options.json ? events.map(event => `${JSON.stringify(event)}\n`).join('') : rows(events));
    after = events.at(-1)?.revision ?? after;
  }
}
