import { sql } from 'kysely';
import { Type } from '../../schema/schema.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { type App, operation } from '../http/operation.ts';

const HealthReply = Type.Object(
  { status: Type.Literal('ok', { description: 'It is.' }) },
  { examples: [{ status: 'ok' }] },
);

/** @param stopping whether the server has been told to stop: it then finishes its work but wants no more */
export function healthRoutes(app: App, db: Db, stopping: () => boolean): void {
  app.get(
    '/livez',
    operation('none', {
      operationId: 'live',
      summary: 'Is the process alive?',
      description:
        'Answers as long as the process does; asks nothing of the database. For restarting what hangs.',
      tags: ['Operations'],
      response: { 200: HealthReply },
    }),
    async () => ({ status: 'ok' as const }),
  );

  app.get(
    '/readyz',
    operation('none', {
      operationId: 'ready',
      summary: 'Can it serve?',
      description:
        'Answers 503 while the database is out of reach or the server is stopping. For load balancers.',
      tags: ['Operations'],
      response: { 200: HealthReply },
    }),
    async () => {
      if (stopping()) throw new Problem('unavailable', 'The server is stopping');
      await sql`select 1`.execute(db);
      return { status: 'ok' as const };
    },
  );
}
