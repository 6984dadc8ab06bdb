import { Type } from '../../schema/schema.ts';
import type { VersionWatch } from '../db/migrate.ts';
import type { Pulse } from '../db/pulse.ts';
import { Problem } from '../errors.ts';
import { type App, operation } from '../http/operation.ts';

const HealthReply = Type.Object(
  { status: Type.Literal('ok', { description: 'Always `ok`.' }) },
  { examples: [{ status: 'ok' }] },
);

/** @param stopping whether the server is stopping: then it finishes its requests and wants no new ones */
export function healthRoutes(app: App, pulse: Pulse, version: VersionWatch, stopping: () => boolean): void {
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
        'Replies 503 while the database is unreachable, silent or a standby, when a newer version has migrated it so that this one cannot work with it, and while the server is stopping. For load balancers.',
      tags: ['Operations'],
      response: { 200: HealthReply },
    }),
    async () => {
      if (stopping()) throw new Problem('unavailable', 'The server is stopping');
      // On a connection of its own: those for requests may all be in use.
      await pulse.ask().catch(error => {
        throw new Problem('unavailable', undefined, error.message);
      });
      const refusal = version.refusal();
      if (refusal) throw new Problem('unavailable', undefined, refusal);
      return { status: 'ok' as const };
    },
  );
}
