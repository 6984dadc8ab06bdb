import { InvalidArgumentError } from 'commander';
import { readRevision } from '../terminal/arguments.ts';
import { command } from '../terminal/command.ts';
import { type Answer, call, type RequestOptions } from './client.ts';

export type ChangeOptions = { idempotencyKey?: string; ifMatch?: number; json?: boolean };

/** A command that makes something, and that can be told so again without making it twice. */
export const idempotent: typeof command = (parent, name, summary, examples) =>
  command(parent, name, summary, examples).option(
    '--idempotency-key <key>',
    'a repeat with the same key does nothing and gets the first answer',
    readKey,
  );

/** A command that changes something in an organization, and that can be told not to if anything else has. */
export const changing: typeof command = (parent, name, summary, examples) =>
  idempotent(parent, name, summary, examples).option(
    '--if-match <revision>',
    'only if the organization is still at this revision',
    readRevision,
  );

function readKey(text: string): string {
  if (!/^[\x21-\x7e]{1,255}$/.test(text))
    throw new InvalidArgumentError('It must be up to 255 letters, digits and signs, without a space.');
  return text;
}

/** The call of such a command. */
export function change<T>(
  { idempotencyKey, ifMatch }: ChangeOptions,
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  request: RequestOptions = {},
): Promise<Answer<T>> {
  const headers = {
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    ...(ifMatch !== undefined && { 'if-match': String(ifMatch) }),
  };
  return call<T>(method, path, { ...request, headers });
}
