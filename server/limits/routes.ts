import type { Static } from '../../schema/schema.ts';
import type { Db } from '../db/database.ts';
import { type App, operation, timestamp } from '../http/operation.ts';
import type { AllShares } from '../http/shares.ts';
import { RateNames } from './limits.ts';
import { type Counted, type Meter, maySeeTenant } from './meter.ts';
import { countNumbers } from './numbers.ts';
import { LimitsReply } from './schemas.ts';
import { secondsLeftOfDay, sumOf } from './use.ts';

type Current = Static<typeof LimitsReply>['limits'][number];

export function limitRoutes(app: App, db: Db, meter: Meter, shares: AllShares): void {
  app.get(
    '/v1/limits',
    operation('read', {
      operationId: 'getLimits',
      summary: 'Get the limits, and their use',
      description:
        'Returns every limit of the tenant and of the key, how much of it is used, and when it renews. A bound key or a user sees those of the key alone. Days are in UTC. What was used today comes from all servers, up to five seconds late; the rest is that of the server that answers.',
      tags: ['Settings'],
      response: { 200: LimitsReply },
    }),
    async request => {
      const { caller } = request;
      const counted = await meter.usedBy(request);
      if (!maySeeTenant(caller))
        return { limits: counted.filter(({ of }) => of === 'key').flatMap(currentRates) };
      const places = (
        [
          ['connections', shares.requests],
          ['long_answers', shares.streams],
          ['imports', shares.imports],
          ['followers', shares.followers],
        ] as const
      ).map(
        ([limit, share]): Current => ({
          of: 'tenant',
          limit,
          ...share.use(caller.tenantId),
          renews_at: null,
        }),
      );
      const numbers: Current = {
        ...{ of: 'tenant', limit: 'numbers', max: meter.limitsOf(caller.tenantId).numbers ?? null },
        ...{ used: await countNumbers(db, caller), renews_at: null },
      };
      return { limits: [...counted.flatMap(currentRates), ...places, numbers] };
    },
  );
}

function currentRates({ of, use, limits }: Counted): Current[] {
  const remaining = new Map(use.remaining(of, limits).map(each => [each.name, each]));
  const sums = { requests_per_day: use.requests, import_bytes_per_day: use.importBytes };
  return RateNames.filter(name => name !== 'requests_burst').map(name => {
    const rest = remaining.get(name);
    const renewsIn = name in sums ? secondsLeftOfDay() : rest?.renewsIn;
    const used = name in sums ? sumOf(sums[name as keyof typeof sums]) : rest && rest.quota - rest.left;
    return {
      of,
      limit: name,
      max: limits[name] ?? null,
      used: used === undefined ? null : Math.ceil(used),
      renews_at: renewsIn === undefined ? null : timestamp(new Date(Date.now() + renewsIn * 1000)),
    };
  });
}
