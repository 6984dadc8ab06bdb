import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { carrierCommands } from './carriers/commands.ts';
import { eventCommands } from './events/commands.ts';
import { keyCommands } from './keys/commands.ts';
import { localCommands } from './local/commands.ts';
import { numberCommands } from './numbers/commands.ts';
import { reservationCommands } from './numbers/reservations.ts';
import { orderCommands } from './orders/commands.ts';
import { organizationCommands } from './organizations/commands.ts';
import { settingsCommands } from './settings/commands.ts';
import { helpLayout } from './terminal/command.ts';
import { usageCommand } from './usage/commands.ts';
import { userCommands } from './users/commands.ts';

const manual = `
Environment:
  LINEKEEPER_URL      where the server is (default: http://127.0.0.1:8080)
  LINEKEEPER_API_KEY  the API key to speak to it with
  LINEKEEPER_CARRIER_SECRET and so on
                      credentials of an account at a carrier; see carriers add --help
  DATABASE_URL, LINEKEEPER_HOME
                      where serve, migrate, check and tenants create find the database

Output:
  Tables for people, and with --json one JSON document for programs, on stdout: the
  body that the server sent. Only \`events follow --json\` prints one document a line, for
  each event. Notes, progress and errors are on stderr.

Exit codes:
  0  done
  1  the server refused, something failed, or check found something wrong
  2  wrong usage
  3  the server cannot be reached: nothing was done
  4  an import rejected rows, or a bulk change items (also where nothing is done then)

Repeating safely:
  Every command that asks the server for a change knows --idempotency-key: a repeat with
  the same key does nothing and gets the first answer, for at least 24 hours. Those that
  change something in an organization know --if-match: they do nothing if its revision is
  another by now.

Examples:
  linekeeper serve
  linekeeper numbers list --organization org_abc123`;

/** Every command there is. Its errors are thrown, Commander's own as CommanderError. */
export function createProgram(): Command {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const program = new Command('linekeeper')
    .description('The record of your SMS phone numbers.')
    .version(JSON.parse(manifest).version)
    .exitOverride()
    .configureHelp(helpLayout)
    .addHelpText('after', manual);
  localCommands(program);
  numberCommands(program);
  reservationCommands(program);
  eventCommands(program);
  orderCommands(program);
  usageCommand(program);
  carrierCommands(program);
  organizationCommands(program);
  userCommands(program);
  keyCommands(program);
  settingsCommands(program);
  return program;
}
