import { Type } from '../../schema/schema.ts';
import type { Database } from '../db/database.ts';
import type { VersionWatch } from '../db/migrate.ts';
import type { Pulse } from '../db/pulse.ts';
import { Problem, problems } from '../errors.ts';
import { type App, operation } from '../http/operation.ts';

const ok = { status: Type.Literal('ok', { description: 'Always `ok`.' }) };
const HealthReply = Type.Object(ok, { examples: [{ status: 'ok' }] });

const ReadyReply = Type.Object(
  {
    ...ok,
    problem: Type.Optional(
      Type.String({
        description: "Set while the database's disk is full: lists are served, changes are refused.",
      }),
    ),
  },
  { examples: [{ status: 'ok' }] },
);

/** @param stopping whether the server is stopping: then it finishes its requests and wants no new ones */
export function healthRoutes(
  app: App,
  database: Database,
  pulse: Pulse,
  version: VersionWatch,
  stopping: () => boolean,
): void {
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
      response: { 200: ReadyReply },
    }),
    async () => {
      if (stopping()) throw new Problem('unavailable', 'The server is stopping');
      // On a connection of its own: those for requests may all be in use.
      await pulse.ask().catch(error => {
        throw new Problem('unavailable', undefined, error.message);
      });
      const refusal = version.refusal();
      if (refusal) throw new Problem('unavailable', undefined, refusal);
      // No other server could do better, and lists are served.
      const problem = database.isDiskFull() ? { problem: problems.disk_full[1] } : {};
      return { status: 'ok' as const, ...problem };
    },
  );
}
