import { type Command, Option } from 'commander';
import { change, changeCommand } from '../http/change.ts';
import { call } from '../http/client.ts';
import { orNull, readDuration, requireChange } from '../terminal/arguments.ts';
import { print } from '../terminal/output.ts';
import { type AccountBody, accountFields, accountPath, exampleAccount } from './account.ts';
import { credentialsHelp, readCredentials } from './credentials.ts';

const withCompareEvery = (made: Command) =>
  made.option(
    '--compare-every <duration>',
    "how often the carrier's numbers are compared with ours, such as 6h or 1d",
    readDuration,
  );

export function defineAdd(carriers: Command): void {
  withCompareEvery(
    changeCommand(
      carriers,
      'add',
      'Add an account. The carrier is asked first whether its credentials work.',
      [
        'carriers add twilio --name Main --credentials twilio.json --compare-every 1d',
        'pass twilio | linekeeper carriers add twilio --name Main --credentials -',
        'carriers add sandbox --name "To try things out"',
      ],
    ),
  )
    .addHelpText('after', credentialsHelp)
    .argument('<carrier>', 'the carrier, from `carriers kinds`')
    .requiredOption('--name <name>', 'your name for the account')
    .option('--credentials <file>', 'a file with its credentials (default: the environment)')
    .option('--no-verify', 'store the credentials without asking the carrier')
    .action(async (carrier, options) => {
      const body = {
        carrier,
        name: options.name,
        credentials: await readCredentials(options.credentials ?? true, carrier),
        compare_every_seconds: options.compareEvery,
        verify: options.verify,
      };
      await print(
        options,
        await change<AccountBody>(options, 'POST', accountPath(), { body }),
        accountFields,
      );
    });
}

export function defineEdit(carriers: Command): void {
  withCompareEvery(
    changeCommand(carriers, 'edit', 'Change the given fields of an account.', [
      `carriers edit ${exampleAccount} --name Main --compare-every 6h`,
      `carriers edit ${exampleAccount} --status disabled`,
      `carriers edit ${exampleAccount} --credentials new.json`,
    ]),
  )
    .addHelpText('after', credentialsHelp)
    .argument('<id>', 'the id of the account')
    .option('--name <name>', 'your name for it')
    .addOption(
      new Option('--status <status>', 'nothing is bought through a disabled account').choices([
        'active',
        'disabled',
      ]),
    )
    .option('--no-compare-every', 'do not compare it on a schedule')
    .option(
      '--credentials [file]',
      'new credentials, from a file or from the environment; the carrier is asked first whether they work',
    )
    .action(async (id, options) => {
      const { name, status, compareEvery, credentials } = options;
      const body = requireChange({
        name,
        status,
        compare_every_seconds: orNull(compareEvery),
        credentials: credentials && (await readCredentials(credentials, await carrierOf(id))),
      });
      await print(
        options,
        await change<AccountBody>(options, 'PATCH', accountPath(id), { body }),
        accountFields,
      );
    });
}

const carrierOf = async (id: string) =>
  (await call<AccountBody>('GET', accountPath(id))).body.carrier_account.carrier;
