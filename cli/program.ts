import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { carrierCommands } from './carriers/commands.ts';
import { eventCommands } from './events/commands.ts';
import { keyCommands } from './keys/commands.ts';
import { limitCommands } from './limits/commands.ts';
import { localCommands } from './local/commands.ts';
import { numberCommands } from './numbers/commands.ts';
import { reservationCommands } from './numbers/reservations.ts';
import { defineBuying } from './orders/buying.ts';
import { orderCommands } from './orders/commands.ts';
import { organizationCommands } from './organizations/commands.ts';
import { reconciliationCommands } from './reconciliation/commands.ts';
import { settingsCommands } from './settings/commands.ts';
import { helpLayout, LinekeeperCommand } from './terminal/command.ts';
import { usageCommand } from './usage/commands.ts';
import { userCommands } from './users/commands.ts';

const manual = `
Environment:
  LINEKEEPER_URL      the server's address (default: http://127.0.0.1:8080)
  LINEKEEPER_API_KEY  your API key
  LINEKEEPER_CARRIER_SECRET and so on
                      the credentials of a carrier account; see carriers add --help
  DATABASE_URL, LINEKEEPER_HOME
                      the database of serve, migrate, check, charge-weeks and tenants

Output:
  stdout has tables for people, or with --json one JSON document for programs: the body that
  the server sent. Only \`events follow --json\` prints many, one on a line for each event.
  stderr has notes, progress and errors.

Exit codes:
  0  done
  1  the server refused, something failed, or check found something wrong
  2  wrong usage
  3  the server cannot be reached: nothing was done
  4  an import rejected rows, a bulk change items (also if nothing was done because of them), or a
     look-up text that is no number

Safe retries:
  Commands that ask the server for a change have --idempotency-key. If such a command is sent
  again with the same key, it changes nothing and prints the first answer, for at least 24 hours.
  Commands that change an organization also have --if-match. They change nothing if the
  organization has another revision by then.

Examples:
  linekeeper serve
  linekeeper numbers list --organization org_abc123`;

/** The program with all its commands. It throws its errors, and Commander's own as CommanderError. */
export function createProgram(): Command {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const program = new LinekeeperCommand('linekeeper')
    .description('The system of record for your SMS phone numbers.')
    .version(JSON.parse(manifest).version)
    .exitOverride()
    .configureHelp(helpLayout)
    .addHelpText('after', manual);
  localCommands(program);
  defineBuying(numberCommands(program));
  reservationCommands(program);
  eventCommands(program);
  orderCommands(program);
  usageCommand(program);
  reconciliationCommands(carrierCommands(program));
  organizationCommands(program);
  userCommands(program);
  keyCommands(program);
  limitCommands(program);
  settingsCommands(program);
  return program;
}
