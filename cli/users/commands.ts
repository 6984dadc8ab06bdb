import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { UserPermission, UserStatus } from '../../server/db/tables.ts';
import type { User as UserSchema } from '../../server/users/schemas.ts';
import { change, changing } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { edited } from '../organizations/commands.ts';
import { command, group } from '../terminal/command.ts';
import { fields, note, print, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { defineTokens } from './tokens.ts';

type User = Static<typeof UserSchema>;
type One = { user: User };

const permissions: UserPermission[] = ['admin', 'user'];
const statuses: UserStatus[] = ['active', 'inactive', 'suspended'];
const permission = () => new Option('--permission <permission>', 'what they may do').choices(permissions);

export function userCommands(program: Command): void {
  const users = group(
    program,
    'users',
    'Create, show and edit the users of an organization, and make tokens for them.',
    ['users list --organization org_abc123'],
  );
  const define = (make: typeof command, name: string, summary: string, examples: string[]) =>
    make(users, name, summary, examples).requiredOption('--organization <id>', 'whose users these are');

  define(changing, 'create', 'Create a user.', [
    'users create "John Smith" --email john@company.com --organization org_abc123',
  ])
    .argument('<name>', 'their full name')
    .requiredOption('--email <email>', 'their e-mail address')
    .option('--phone <phone>', 'their own telephone')
    .addOption(permission().default('user'))
    .option('--id <id>', 'an id of your own, when you migrate from elsewhere')
    .action(async (name, options) => {
      const { email, phone, permission, id: unique_id } = options;
      const body = { name, email, phone, permission, unique_id };
      await print(options, await change<One>(options, 'POST', pathTo(options), { body }), one);
    });

  define(command, 'list', 'List the users, the oldest first.', [
    'users list --organization org_abc123',
  ]).action(async options => {
    const answer = await call<{ users: User[]; count: number }>('GET', pathTo(options));
    await print(options, answer, body => many(body.users));
    if (!options.json) note(counted(answer.body.count, 'user'));
  });

  define(command, 'show', 'Show a user.', ['users show user_xyz789 --organization org_abc123'])
    .argument('<id>', "the user's id")
    .action(async (id, options) => {
      await print(options, await call<One>('GET', pathTo(options, id)), one);
    });

  define(changing, 'edit', 'Change what is given of a user.', [
    'users edit user_xyz789 --organization org_abc123 --permission admin',
    'users edit user_xyz789 --organization org_abc123 --status inactive --no-phone',
  ])
    .argument('<id>', "the user's id")
    .option('--name <name>', 'their full name')
    .option('--email <email>', 'their e-mail address')
    .option('--phone <phone>', 'their own telephone')
    .option('--no-phone', 'no telephone')
    .addOption(permission())
    .addOption(new Option('--status <status>', 'only an active user can be given numbers').choices(statuses))
    .action(async (id, options) => {
      const { name, email, permission, status } = options;
      const phone = options.phone === false ? null : options.phone;
      const body = edited({ name, email, phone, permission, status });
      await print(options, await change<One>(options, 'PATCH', pathTo(options, id), { body }), one);
    });

  defineTokens(users);
}

const pathTo = (options: { organization: string }, ...id: string[]) =>
  pathOf('organizations', options.organization, 'users', ...id);

const one = ({ user: u }: One) =>
  fields({
    ID: u.unique_id,
    Name: u.name,
    'E-mail': u.email,
    Phone: u.phone,
    Permission: u.permission,
    Status: u.status,
    Organization: u.organization_id,
    Created: u.created_at,
    Modified: u.modified_at,
  });

const many = (users: User[]) =>
  table(
    ['ID', 'NAME', 'E-MAIL', 'PERMISSION', 'STATUS', 'PHONE'],
    users.map(u => [u.unique_id, u.name, u.email, u.permission, u.status, u.phone]),
  );
