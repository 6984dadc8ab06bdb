import type { Command } from 'commander';
import { command, withExamples } from '../terminal/command.ts';
import { exitCodes } from '../terminal/failure.ts';
import { print } from '../terminal/output.ts';
import { counted, escapeControls } from '../terminal/text.ts';
import { defineTenants, documentOf } from './tenants.ts';

/**
 * The commands that work on this machine, without a key. They load the server's code only when they run, so that
 * the other commands start fast.
 */
export function localCommands(program: Command): void {
  defineServe(program);
  defineMigrate(program);
  defineCheck(program);
  defineChargeWeeks(program);
  defineTenants(program);
}

function defineServe(program: Command): void {
  withExamples(program.command('serve').description('Run the server.'), ['serve']).action(async () => {
    const [{ readConfig }, { serve }, { explainUnreachable }] = await Promise.all([
      import('../../server/config.ts'),
      import('../../server/serve.ts'),
      import('./database.ts'),
    ]);
    await serve(readConfig()).catch(explainUnreachable);
  });
}

function defineMigrate(program: Command): void {
  command(program, 'migrate', "Bring the database's schema to this version.", ['migrate']).action(
    async options => {
      const { withDatabase } = await import('./database.ts');
      const result = await withDatabase(async (_, applied) => ({ applied }));
      await print(options, documentOf(result), ({ applied }) =>
        applied.length > 0
          ? applied.map(name => `Applied ${name}\n`).join('')
          : 'Nothing to do: the database is at this version already\n',
      );
    },
  );
}

function defineCheck(program: Command): void {
  command(program, 'check', 'Replay the log and compare it with the tables. The server may run meanwhile.', [
    'check',
  ])
    .addHelpText(
      'after',
      '\nWith exit code 1 something is wrong. Each finding is a line that begins with its organization.',
    )
    .action(async options => {
      const [{ withDatabase }, { check }] = await Promise.all([
        import('./database.ts'),
        import('../../server/check/check.ts'),
      ]);
      const report = await withDatabase(database => check(database));
      const { organizations, events, numbers, findings } = report;
      const seen = `${counted(organizations, 'organization')}, ${counted(events, 'event')}, ${counted(numbers, 'number')}`;
      if (findings.length === 0) return print(options, documentOf(report), () => `All is well: ${seen}\n`);
      process.exitCode = exitCodes.failed;
      await print(
        options,
        documentOf(report),
        () =>
          findings.map(found => `${escapeControls(`${found.organization}: ${found.problem}`)}\n`).join(''),
        () => `${counted(findings.length, 'finding')}: ${seen}`,
      );
    });
}

function defineChargeWeeks(program: Command): void {
  command(
    program,
    'charge-weeks',
    'Charge all weekly fees that are due, also those of more than five weeks.',
    ['charge-weeks'],
  )
    .addHelpText(
      'after',
      "\nThe server charges five weeks of a number at once and leaves more to you: charges are never taken back, and a clock\nthat is ahead looks like months without a server. Look at the database's clock first.",
    )
    .action(async options => {
      const [{ withDatabase }, { chargeWeeks }] = await Promise.all([
        import('./database.ts'),
        import('../../server/charges/weekly.ts'),
      ]);
      const result = await withDatabase(async ({ db }) => ({ charged: await chargeWeeks(db) }));
      await print(options, documentOf(result), ({ charged }) => `Charged ${counted(charged, 'week')}\n`);
    });
}
