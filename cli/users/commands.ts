import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { UserPermission, UserStatus } from '../../server/db/tables.ts';
import type { User as UserSchema } from '../../server/users/schemas.ts';
import { change, organizationChangeCommand } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { orNull, requireChange } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { type Columns, fields, print, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';
import { defineTokens } from './tokens.ts';

type User = Static<typeof UserSchema>;
type UserBody = { user: User };
type UserList = { users: User[]; count: number };

const permissions: UserPermission[] = ['admin', 'user'];
const statuses: UserStatus[] = ['active', 'inactive', 'suspended'];
const permissionOption = () =>
  new Option('--permission <permission>', 'their permission').choices(permissions);

export function userCommands(program: Command): void {
  const users = group(
    program,
    'users',
    'Create, show and edit the users of an organization, and make tokens for them.',
    ['users list --organization org_abc123'],
  );
  const define = (make: typeof command, name: string, summary: string, examples: string[]) =>
    make(users, name, summary, examples).requiredOption(
      '--organization <id>',
      'the organization of the user',
    );

  define(organizationChangeCommand, 'create', 'Create a user.', [
    'users create "John Smith" --email john@company.com --organization org_abc123',
  ])
    .argument('<name>', 'their full name')
    .requiredOption('--email <email>', 'their e-mail address')
    .option('--phone <phone>', 'their own phone')
    .addOption(permissionOption().default('user'))
    .option('--id <id>', 'an id of your own, for example from the system that you come from')
    .action(async (name, options) => {
      const { email, phone, permission, id: unique_id } = options;
      const body = { name, email, phone, permission, unique_id };
      await print(options, await change<UserBody>(options, 'POST', usersPath(options), { body }), userFields);
    });

  define(command, 'list', 'List the users of an organization, the oldest first.', [
    'users list --organization org_abc123',
  ]).action(async options => {
    await print(
      options,
      await call<UserList>('GET', usersPath(options)),
      body => table(columns, body.users),
      ({ count }) => counted(count, 'user'),
    );
  });

  define(command, 'show', 'Show a user.', ['users show user_xyz789 --organization org_abc123'])
    .argument('<id>', 'the id or e-mail address of the user')
    .action(async (id, options) => {
      await print(options, await call<UserBody>('GET', usersPath(options, id)), userFields);
    });

  define(organizationChangeCommand, 'edit', 'Change the given fields of a user.', [
    'users edit user_xyz789 --organization org_abc123 --permission admin',
    'users edit user_xyz789 --organization org_abc123 --status inactive --no-phone',
  ])
    .argument('<id>', 'the id or e-mail address of the user')
    .option('--name <name>', 'their full name')
    .option('--email <email>', 'their e-mail address')
    .option('--phone <phone>', 'their own phone')
    .option('--no-phone', 'remove the phone')
    .addOption(permissionOption())
    .addOption(
      new Option('--status <status>', 'their status; only an active user can get numbers').choices(statuses),
    )
    .action(async (id, options) => {
      const { name, email, permission, status } = options;
      const body = requireChange({ name, email, phone: orNull(options.phone), permission, status });
      const path = usersPath(options, id);
      await print(options, await change<UserBody>(options, 'PATCH', path, { body }), userFields);
    });

  defineTokens(users);
}

const usersPath = (options: { organization: string }, ...id: string[]) =>
  pathOf('organizations', options.organization, 'users', ...id);

const userFields = ({ user: u }: UserBody) =>
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

const columns: Columns<User> = {
  ID: u => u.unique_id,
  NAME: u => u.name,
  'E-MAIL': u => u.email,
  PERMISSION: u => u.permission,
  STATUS: u => u.status,
  PHONE: u => u.phone,
};
