import { type Command, Option } from 'commander';
import type { Static } from '../../schema/schema.ts';
import type { Permission } from '../../server/db/tables.ts';
import type { ApiKey as ApiKeySchema } from '../../server/keys/schemas.ts';
import { change, idempotent } from '../http/change.ts';
import { call, pathOf } from '../http/client.ts';
import { readMoment } from '../terminal/arguments.ts';
import { command, group } from '../terminal/command.ts';
import { fields, note, print, table } from '../terminal/output.ts';
import { counted } from '../terminal/text.ts';

type ApiKey = Static<typeof ApiKeySchema>;

const permissions: Permission[] = ['admin', 'read'];

/** Said wherever a key or a token is shown; null is one that an earlier call with the same idempotency key has shown. */
export function keepSecret(noun: 'key' | 'token', secret: string | null): void {
  if (secret === null) note(`The ${noun} was shown when it was made, and cannot be shown again.`);
  else note(`Keep the ${noun}: it is shown only this once.`);
}

export function keyCommands(program: Command): void {
  const keys = group(program, 'keys', 'Create, list and revoke API keys.', [
    'keys list',
    'keys create "inbound router" --permission read',
  ]);

  idempotent(keys, 'create', 'Create an API key and show it, this once.', [
    'keys create "inbound router" --permission read',
    'keys create "Acme portal" --permission admin --organization org_abc123 --expires-at 2030-01-01',
  ])
    .argument('<name>', 'what it is for')
    .addOption(
      new Option('--permission <permission>', '`read` sees, `admin` also changes')
        .choices(permissions)
        .makeOptionMandatory(),
    )
    .option('--organization <id>', 'the one organization that it sees (default: all)')
    .option('--expires-at <time>', 'when it ends, a day or a time in ISO 8601 (default: never)', readMoment)
    .action(async (name, options) => {
      const { permission, organization: organization_id, expiresAt: expires_at } = options;
      const body = { name, permission, organization_id, expires_at };
      type Created = { key: ApiKey; api_key: string | null };
      const answer = await change<Created>(options, 'POST', pathOf('keys'), { body });
      await print(options, answer, ({ key, api_key }) => fields({ 'API key': api_key, ...fieldsOf(key) }));
      if (!options.json) keepSecret('key', answer.body.api_key);
    });

  command(keys, 'list', 'List the API keys, revoked ones too, the oldest first.', ['keys list']).action(
    async options => {
      const answer = await call<{ keys: ApiKey[]; count: number }>('GET', pathOf('keys'));
      await print(options, answer, body => many(body.keys));
      if (!options.json) note(counted(answer.body.count, 'key'));
    },
  );

  idempotent(keys, 'revoke', 'Revoke an API key for good, at once.', [
    'keys revoke 0199f3a0-8b30-7d74-9e3c-6f5a0b1c2d3e',
  ])
    .argument('<id>', 'the id of the key, from `keys list`')
    .action(async (id, options) => {
      const answer = await change<{ key: ApiKey }>(options, 'DELETE', pathOf('keys', id));
      await print(options, answer, ({ key }) => fields(fieldsOf(key)));
    });
}

const fieldsOf = (key: ApiKey) => ({
  ID: key.id,
  Name: key.name,
  Begins: key.prefix,
  Permission: key.permission,
  Organization: key.organization_id ?? 'all',
  Created: key.created_at,
  Expires: key.expires_at ?? 'never',
  Revoked: key.revoked_at,
  'Last used': key.last_used_at,
});

const many = (keys: ApiKey[]) =>
  table(
    ['ID', 'BEGINS', 'PERMISSION', 'ORGANIZATION', 'LAST USED', 'ENDS', 'NAME'],
    keys.map(key => [
      key.id,
      key.prefix,
      key.permission,
      key.organization_id ?? 'all',
      key.last_used_at,
      key.revoked_at ? `revoked ${key.revoked_at}` : (key.expires_at ?? 'never'),
      key.name,
    ]),
  );
