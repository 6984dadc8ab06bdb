import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { Permission } from '../../server/db/tables.ts';
import type { ApiKey as ApiKeySchema } from '../../server/keys/schemas.ts';
import { change, changeCommand } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { limitsInWords, ratesOf, withRateOptions } from '../limits/options.ts';
import { requireChange } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { type Columns, fields, print, secretNote, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';

type ApiKey = Static<typeof ApiKeySchema>;
type KeyBody = { key: ApiKey };
type NewKeyBody = KeyBody & { api_key: string | null };
type KeyList = { keys: ApiKey[]; count: number };

const permissions: Permission[] = ['admin', 'read'];

export function keyCommands(program: Command): void {
  const keys = group(program, 'keys', 'Create, list, limit and revoke API keys.', [
    'keys list',
    'keys create "inbound router" --permission read',
  ]);

  withRateOptions(
    changeCommand(keys, 'create', 'Create an API key and show it, only this once.', [
      'keys create "inbound router" --permission read',
      'keys create "nightly report" --permission read --requests-per-second 5 --requests-burst 50',
      'keys create "Acme portal" --permission admin --organization org_abc123 --expires-at 2030-01-01',
    ]),
  )
    .argument('<name>', 'a name for it, such as the program that uses it')
    .addOption(
      new Option('--permission <permission>', '`read` only reads, `admin` also changes')
        .choices(permissions)
        .makeOptionMandatory(),
    )
    .option('--organization <id>', 'the only organization that it can see (default: it sees all)')
    .option('--expires-at <moment>', 'its end, a day or a time in ISO 8601 (default: never)')
    .action(async (name, options) => {
      const { permission, organization: organization_id, expiresAt: expires_at } = options;
      const limits = ratesOf(options);
      const given = Object.keys(limits).length > 0 && { limits };
      const body = { name, permission, organization_id, expires_at, ...given };
      await print(
        options,
        await change<NewKeyBody>(options, 'POST', pathOf('keys'), { body }),
        ({ key, api_key }) => fields({ 'API key': api_key, ...fieldsOf(key) }),
        ({ api_key }) => secretNote('key', api_key),
      );
    });

  command(keys, 'list', 'List the API keys, also those that are revoked, the oldest first.', [
    'keys list',
  ]).action(async options => {
    await print(
      options,
      await call<KeyList>('GET', pathOf('keys')),
      body => table(columns, body.keys),
      ({ count }) => counted(count, 'key'),
    );
  });

  withRateOptions(
    changeCommand(keys, 'limit', "Change a key's limits. The next call with the key meets them.", [
      'keys limit 0199f3a0-8b30-7d74-9e3c-6f5a0b1c2d3e --requests-per-second 50 --requests-burst 200',
      'keys limit 0199f3a0-8b30-7d74-9e3c-6f5a0b1c2d3e --requests-per-day none',
    ]),
  )
    .argument('<id>', 'the id of the key, from `keys list`')
    .action(async (id, options) => {
      const body = { limits: requireChange(ratesOf(options)) };
      const answer = await change<KeyBody>(options, 'PATCH', pathOf('keys', id), { body });
      await print(options, answer, ({ key }) => fields(fieldsOf(key)));
    });

  changeCommand(keys, 'revoke', 'Revoke an API key. It is invalid at once, and for good.', [
    'keys revoke 0199f3a0-8b30-7d74-9e3c-6f5a0b1c2d3e',
  ])
    .argument('<id>', 'the id of the key, from `keys list`')
    .action(async (id, options) => {
      const answer = await change<KeyBody>(options, 'DELETE', pathOf('keys', id));
      await print(options, answer, ({ key }) => fields(fieldsOf(key)));
    });
}

const fieldsOf = (key: ApiKey) => ({
  ID: key.id,
  Name: key.name,
  'Begins with': key.prefix,
  Permission: key.permission,
  Organization: key.organization_id ?? 'all',
  Created: key.created_at,
  Expires: key.expires_at ?? 'never',
  Revoked: key.revoked_at,
  'Last used': key.last_used_at,
  Limits: limitsInWords(key.limits),
  ...(key.limits_of !== null && { 'Limits shared with': key.limits_of }),
});

const columns: Columns<ApiKey> = {
  ID: key => key.id,
  'BEGINS WITH': key => key.prefix,
  PERMISSION: key => key.permission,
  ORGANIZATION: key => key.organization_id ?? 'all',
  'LAST USED': key => key.last_used_at,
  ENDS: key => (key.revoked_at ? `revoked ${key.revoked_at}` : (key.expires_at ?? 'never')),
  NAME: key => key.name,
};
