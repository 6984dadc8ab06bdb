import type { Command } from 'commander';
import { change, idempotent } from '../http/change.ts';
import { pathOf } from '../http/client.ts';
import { keepSecret } from '../keys/commands.ts';
import { durationHint, readDuration } from '../terminal/arguments.ts';
import { group } from '../terminal/command.ts';
import { fields, print } from '../terminal/output.ts';

type Token = { id: string; created_at: string; expires_at: string; revoked_at: string | null };

export function defineTokens(users: Command): void {
  const tokens = group(users, 'tokens', 'Make and revoke short-lived tokens that users call the API with.', [
    'users tokens create user_xyz789 --organization org_abc123 --for 1h',
  ]);
  const define = (name: string, summary: string, examples: string[]) =>
    idempotent(tokens, name, summary, examples).requiredOption(
      '--organization <id>',
      "the user's organization",
    );

  define('create', 'Make a token and show it, this once. It is sent as `Authorization: Bearer …`.', [
    'users tokens create user_xyz789 --organization org_abc123 --for 1h',
  ])
    .argument('<user>', "the user's id")
    .requiredOption('--for <duration>', `for how long, ${durationHint}, a day at most`, readDuration)
    .action(async (user, options) => {
      const body = { expires_in: options.for };
      type Created = { token: Token; access_token: string | null };
      const answer = await change<Created>(options, 'POST', pathTo(options.organization, user), { body });
      await print(options, answer, ({ token, access_token }) =>
        fields({ Token: access_token, ...fieldsOf(token) }),
      );
      if (!options.json) keepSecret('token', answer.body.access_token);
    });

  define('revoke', 'Revoke a token for good, at once.', [
    'users tokens revoke 0199f3a0-be63-70a7-b16f-9c8d3e4f5061 --user user_xyz789 --organization org_abc123',
  ])
    .argument('<token>', 'the id of the token')
    .requiredOption('--user <id>', 'whose token it is')
    .action(async (token, options) => {
      const path = pathTo(options.organization, options.user, token);
      const answer = await change<{ token: Token }>(options, 'DELETE', path);
      await print(options, answer, ({ token }) => fields(fieldsOf(token)));
    });
}

const pathTo = (organization: string, user: string, ...token: string[]) =>
  pathOf('organizations', organization, 'users', user, 'tokens', ...token);

const fieldsOf = ({ id, created_at, expires_at, revoked_at }: Token) => ({
  ID: id,
  Created: created_at,
  Expires: expires_at,
  Revoked: revoked_at,
});
