import type { Command } from 'commander';
import { limitsInWords, tenantLimitsOf, withPlaceOptions, withRateOptions } from '../limits/options.ts';
import { command, group } from '../terminal/command.ts';
import { Failure, wrongUsage } from '../terminal/failure.ts';
import { fields, print, secretNote, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';

export function defineTenants(program: Command): void {
  const tenants = group(
    program,
    'tenants',
    'Create, list and limit tenants. A tenant sees nothing of another.',
    ['tenants create "Your name"'],
  );
  command(tenants, 'create', 'Create a tenant, and show its first admin key, only this once.', [
    'tenants create "Your name"',
  ])
    .argument('<name>', 'the name of the tenant')
    .action(async (given: string, options) => {
      const name = given.trim();
      if (name === '') throw wrongUsage('A tenant needs a name');
      const [{ withDatabase }, { transact }, { createTenant }] = await Promise.all([
        import('./database.ts'),
        import('../../server/db/database.ts'),
        import('../../server/tenants/tenants.ts'),
      ]);
      const created = await withDatabase(async ({ db }) => {
        const { id, secret } = await transact(db, tx => createTenant(tx, name, 'command line'));
        return { tenant: { id, name }, api_key: secret };
      });
      await print(
        options,
        documentOf(created),
        ({ tenant, api_key }) => fields({ 'Tenant ID': tenant.id, Name: tenant.name, 'API key': api_key }),
        ({ api_key }) => secretNote('key', api_key),
      );
    });

  command(tenants, 'list', 'List the tenants and their limits, the oldest first.', ['tenants list']).action(
    async options => {
      const [{ withDatabase }, { listTenants }] = await Promise.all([
        import('./database.ts'),
        import('../../server/tenants/tenants.ts'),
      ]);
      const found = await withDatabase(async ({ db }) => ({ tenants: await listTenants(db) }));
      await print(
        options,
        documentOf(found),
        body =>
          table(
            { ID: each => each.id, NAME: each => each.name, LIMITS: each => limitsInWords(each.limits) },
            body.tenants,
          ),
        body => counted(body.tenants.length, 'tenant'),
      );
    },
  );

  withPlaceOptions(
    withRateOptions(
      command(tenants, 'limit', "Change a tenant's limits, or show them. The next call meets them.", [
        'tenants limit 0199f3a0-5f1b-7a11-8c0d-7a5e9b3c1d2e --requests-per-second 200 --requests-burst 1000',
        'tenants limit 0199f3a0-5f1b-7a11-8c0d-7a5e9b3c1d2e --numbers 100000 --import-bytes-per-day none',
      ]),
    ),
  )
    .argument('<id>', 'the id of the tenant, from `tenants list`')
    .action(async (id: string, options) => {
      const [{ withDatabase }, { editTenantLimits, getTenantLimits }] = await Promise.all([
        import('./database.ts'),
        import('../../server/limits/stored.ts'),
      ]);
      const edit = tenantLimitsOf(options);
      const limited = await withDatabase(async ({ db }) => {
        const before = isUuid(id) ? await getTenantLimits(db, id) : undefined;
        if (!before) throw new Failure(`There is no tenant ${id}`);
        const limits = Object.keys(edit).length > 0 ? await editTenantLimits(db, id, edit) : before;
        return { tenant: { id, limits } };
      });
      await print(options, documentOf(limited), ({ tenant }) =>
        fields({ 'Tenant ID': tenant.id, Limits: limitsInWords(tenant.limits) }),
      );
    });
}

const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

export const documentOf = <T>(body: T) => ({ text: JSON.stringify(body), body });
