import { call } from '../http/client.ts';
import { untilAnswered } from '../http/retry.ts';
import { exitCodes } from '../terminal/failure.ts';
import { growingTable, note, write } from '../terminal/output.ts';
import { columns, type EventPage, eventsPath, type Place } from './event.ts';

type FollowOptions = { organization: string; after?: Place; json?: boolean };

/** How long the server may hold a call open until an event comes. */
const waitSeconds = 30;

/** Prints events as they come, and never returns. */
export async function follow(options: FollowOptions): Promise<void> {
  const organization = { organization_id: options.organization };
  let after = options.after ?? (await endOf(organization));
  // Ctrl-C is how a follower is meant to end, so that is no failure.
  process.on('SIGINT', () => process.exit(exitCodes.done));
  const rows = growingTable(columns);
  for (let wait = 0; ; wait = waitSeconds) {
    const query = { ...organization, ...after, wait };
    const { events, cursor } = (await untilAnswered(() => call<EventPage>('GET', eventsPath, { query })))
      .body;
    // The first answer comes at once: it proves that there is such a place.
    if (wait === 0 && !options.json)
      note(`Waiting for events of ${options.organization} after ${placeText(after)}; Ctrl-C ends it`);
    await write(options.json ? events.map(event => `${JSON.stringify(event)}\n`).join('') : rows(events));
    after = { after: cursor };
  }
}

async function endOf(organization: { organization_id: string }): Promise<Place> {
  const { body } = await call<EventPage>('GET', eventsPath, { query: { ...organization, limit: 1 } });
  return { after_revision: body.revision };
}

const placeText = (place: Place) =>
  'after' in place ? `cursor ${place.after}` : `revision ${place.after_revision}`;
