import type { Database } from '../db/database.ts';
import { asRead } from '../db/reads.ts';
import { invalid } from '../errors.ts';
import { formatOf } from '../http/formats.ts';
import { type App, operation, sharingItself, timestamp } from '../http/operation.ts';
import { openInTurn } from '../http/pace/long-answers.ts';
import { type AllShares, goneSignal, inTurn } from '../http/shares.ts';
import { openUsageCsv } from './csv.ts';
import { chargeBody, UsageBody, UsageCsv, UsageQuerySchema } from './schemas.ts';
import { readUsage } from './usage.ts';

export function usageRoutes(app: App, database: Database, shares: AllShares): void {
  app.get(
    '/v1/usage',
    sharingItself(
      operation(
        'read',
        {
          operationId: 'getUsage',
          summary: 'List charges',
          description:
            "The charges of a period and their totals, for one organization or for all that the key may see. A number that is bought costs a fee. A number that comes from a carrier costs a fee for each week, charged when the week begins; so does every other number if the tenant's `weekly_fee_for` is `all`. As JSON in pages, or all charges as CSV: set `format=csv` or `Accept: text/csv`.",
          tags: ['Usage'],
          querystring: UsageQuerySchema,
          response: { 200: UsageBody },
          files: { csv: UsageCsv },
        },
        ['organization_not_found'],
      ),
    ),
    async (request, reply) => {
      const { caller, query, headers } = request;
      reply.header('vary', 'accept');
      if (formatOf(query.format, headers.accept, ['csv']) === 'csv') {
        for (const field of ['limit', 'cursor'] as const)
          if (query[field] !== undefined)
            throw invalid(`${field} cannot be combined with CSV, which always has all charges`);
        const { scope, stream } = await openInTurn(shares, 'streams', request, reply, () =>
          openUsageCsv(database, caller, query),
        );
        const [from, to] = [scope.from, scope.to].map(moment => moment.toISOString().slice(0, 10));
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="usage-${from}-${to}.csv"`)
          .send(stream as never);
      }
      const gone = goneSignal(reply);
      const { scope, charges, has_more, totals } = await inTurn(
        shares.requests,
        caller.tenantId,
        () => asRead(gone, () => readUsage(database.db, caller, query)),
        gone,
      );
      return {
        from: timestamp(scope.from),
        to: timestamp(scope.to),
        charges: charges.map(chargeBody),
        count: charges.length,
        has_more,
        next_cursor: has_more ? charges.at(-1)!.id : null,
        totals: { ...totals, currency: 'USD' as const },
      };
    },
  );
}
