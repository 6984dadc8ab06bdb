import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { helpLayout } from './command.ts';
import { keyCommands } from './keys.ts';
import { localCommands } from './local.ts';
import { numberCommands } from './numbers.ts';
import { organizationCommands } from './organizations.ts';
import { userCommands } from './users.ts';

const manual = `
Environment:
  LINEKEEPER_URL      where the server is (default: http://127.0.0.1:8080)
  LINEKEEPER_API_KEY  the API key to speak to it with
  DATABASE_URL, LINEKEEPER_HOME
                      where serve, migrate and tenants create find the database

Output:
  Tables for people, and with --json one JSON document for programs, on stdout: the
  body that the server sent. Notes, progress and errors are on stderr.

Exit codes:
  0  done
  1  the server refused, or something failed
  2  wrong usage
  3  the server cannot be reached: nothing was done
  4  an import rejected rows (with --all-or-nothing or --dry-run too)

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
  organizationCommands(program);
  userCommands(program);
  keyCommands(program);
  return program;
}
