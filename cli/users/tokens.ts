import type { Command } from 'commander';
import { change, changeCommand } from '../http/change.ts';
import { pathOf } from '../http/client.ts';
import { durationHint, readDuration } from '../terminal/arguments.ts';
import { group } from '../terminal/command.ts';
import { fields, print, secretNote } from '../terminal/output.ts';

type Token = { id: string; created_at: string; expires_at: string; revoked_at: string | null };
type TokenBody = { token: Token };
type NewTokenBody = TokenBody & { access_token: string | null };

export function defineTokens(users: Command): void {
  const tokens = group(
    users,
    'tokens',
    'Make and revoke short-lived tokens, with which users call the API.',
    ['users tokens create user_xyz789 --organization org_abc123 --for 1h'],
  );
  const define = (name: string, summary: string, examples: string[]) =>
    changeCommand(tokens, name, summary, examples).requiredOption(
      '--organization <id>',
      'the organization of the user',
    );

  define('create', 'Make a token and show it, only this once. Send it as `Authorization: Bearer …`.', [
    'users tokens create user_xyz789 --organization org_abc123 --for 1h',
  ])
    .argument('<user>', 'the id or e-mail address of the user')
    .requiredOption('--for <duration>', `how long it is valid, ${durationHint}, a day at most`, readDuration)
    .action(async (user, options) => {
      const body = { expires_in: options.for };
      const path = tokensPath(options.organization, user);
      await print(
        options,
        await change<NewTokenBody>(options, 'POST', path, { body }),
        ({ token, access_token }) => fields({ Token: access_token, ...fieldsOf(token) }),
        ({ access_token }) => secretNote('token', access_token),
      );
    });

  define('revoke', 'Revoke a token. It is invalid at once, and for good.', [
    'users tokens revoke 0199f3a0-be63-70a7-b16f-9c8d3e4f5061 --user user_xyz789 --organization org_abc123',
  ])
    .argument('<token>', 'the id of the token')
    .requiredOption('--user <id>', 'the id or e-mail address of the user')
    .action(async (token, options) => {
      const path = tokensPath(options.organization, options.user, token);
      const answer = await change<TokenBody>(options, 'DELETE', path);
      await print(options, answer, ({ token }) => fields(fieldsOf(token)));
    });
}

const tokensPath = (organization: string, user: string, ...token: string[]) =>
  pathOf('organizations', organization, 'users', user, 'tokens', ...token);

const fieldsOf = ({ id, created_at, expires_at, revoked_at }: Token) => ({
  ID: id,
  Created: created_at,
  Expires: expires_at,
  Revoked: revoked_at,
});
