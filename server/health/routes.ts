import { sql } from 'kysely';
import { Type } from '../../schema/schema.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { type App, operation } from '../http/operation.ts';

const HealthReply = Type.Object(
  { status: Type.Literal('ok', { description: 'Always `ok`.' }) },
  { examples: [{ status: 'ok' }] },
);

/** @param stopping whether the server is stopping: then it finishes its requests and wants no new ones */
export function healthRoutes(app: App, db: Db, stopping: () => boolean): void {
  app.get(
    '/livez',
    operation('none', {
      operationId: 'live',
      summary: 'Is the process alive?',
      description:
        'Replies as long as the process is alive. It does not ask the database. For supervisors that restart a hanging process.',
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
        'Replies 503 while the database is unreachable or the server is stopping. For load balancers.',
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
