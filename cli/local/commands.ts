import type { Command } from 'commander';
import { keepSecret } from '../keys/commands.ts';
import { command, group, withExamples } from '../terminal/command.ts';
import { exitCodes, wrongUsage } from '../terminal/failure.ts';
import { fields, note, print } from '../terminal/output.ts';
import { counted, escapeControls } from '../terminal/text.ts';

/**
 * The commands that work on this machine, without a key. What they need of the server is loaded when they run: the
 * other commands start without it.
 */
export function localCommands(program: Command): void {
  withExamples(program.command('serve').description('Run the server.'), ['serve']).action(async () => {
    const [{ readConfig }, { serve }, { explainUnreachable }] = await Promise.all([
      import('../../server/config.ts'),
      import('../../server/serve.ts'),
      import('./database.ts'),
    ]);
    await serve(readConfig()).catch(explainUnreachable);
  });

  command(program, 'migrate', "Bring the database's schema to this version.", ['migrate']).action(
    async options => {
      const { withDatabase } = await import('./database.ts');
      const body = await withDatabase(async (_, applied) => ({ applied }));
      await print(options, documentOf(body), ({ applied }) =>
        applied.length > 0
          ? applied.map(name => `Applied ${name}\n`).join('')
          : 'Nothing to do: the database is at this version already\n',
      );
    },
  );

  command(program, 'check', 'Replay the log and compare it with the tables; the server may run.', ['check'])
    .addHelpText(
      'after',
      '\nExit code 1 says that something is wrong: each finding is a line with its organization.',
    )
    .action(async options => {
      const [{ withDatabase }, { check }] = await Promise.all([
        import('./database.ts'),
        import('../../server/check/check.ts'),
      ]);
      const report = await withDatabase(database => check(database));
      const { organizations, events, numbers, findings } = report;
      if (findings.length > 0) process.exitCode = exitCodes.failed;
      const seen = `${counted(organizations, 'organization')}, ${counted(events, 'event')}, ${counted(numbers, 'number')}`;
      await print(options, documentOf(report), () =>
        findings.length === 0
          ? `All is well: ${seen}\n`
          : findings.map(found => `${escapeControls(`${found.organization}: ${found.problem}`)}\n`).join(''),
      );
      if (!options.json && findings.length > 0) note(`${counted(findings.length, 'finding')}: ${seen}`);
    });

  const tenants = group(program, 'tenants', 'Create tenants: each sees nothing of any other.', [
    'tenants create "Your name"',
  ]);
  command(tenants, 'create', 'Create a tenant and show its first admin key, this once.', [
    'tenants create "Your name"',
  ])
    .argument('<name>', 'whose it is')
    .action(async (given: string, options) => {
      const name = given.trim();
      if (name === '') throw wrongUsage('A tenant needs a name');
      const [{ withDatabase }, { transact }, { createTenant }] = await Promise.all([
        import('./database.ts'),
        import('../../server/db/database.ts'),
        import('../../server/tenants/tenants.ts'),
      ]);
      const body = await withDatabase(async ({ db }) => {
        const { id, secret } = await transact(db, tx => createTenant(tx, name, 'command line'));
        return { tenant: { id, name }, api_key: secret };
      });
      await print(options, documentOf(body), ({ tenant, api_key }) =>
        fields({ 'Tenant ID': tenant.id, Name: tenant.name, 'API key': api_key }),
      );
      if (!options.json) keepSecret('key', body.api_key);
    });
}

const documentOf = <T>(body: T) => ({ text: JSON.stringify(body), body });
