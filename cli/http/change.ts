import { InvalidArgumentError } from 'commander';
import { readRevision } from '../terminal/arguments.ts';
import { command } from '../terminal/command.ts';
import { call, type JsonResponse, type RequestOptions } from './client.ts';

export type ChangeOptions = { idempotencyKey?: string; ifMatch?: number; json?: boolean };

/** A command that changes something. It has --idempotency-key, so that it can be sent again safely. */
export const changeCommand: typeof command = (parent, name, summary, examples) =>
  command(parent, name, summary, examples).option(
    '--idempotency-key <key>',
    'makes the change only once, however often it is sent with this key',
    readKey,
  );

/** A command that changes one organization. It also has --if-match, against changes that others made meanwhile. */
export const organizationChangeCommand: typeof command = (parent, name, summary, examples) =>
  changeCommand(parent, name, summary, examples).option(
    '--if-match <revision>',
    'only if the organization is still at this revision',
    readRevision,
  );

function readKey(text: string): string {
  if (!/^[\x21-\x7e]{1,255}$/.test(text))
    throw new InvalidArgumentError(
      'It must be 1 to 255 ASCII letters, digits and punctuation, without a space.',
    );
  return text;
}

/** The call that such a command makes, with the headers that its options ask for. */
export function change<T>(
  { idempotencyKey, ifMatch }: ChangeOptions,
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  request: RequestOptions = {},
): Promise<JsonResponse<T>> {
  const headers = {
    ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    ...(ifMatch !== undefined && { 'if-match': String(ifMatch) }),
  };
  return call<T>(method, path, { ...request, headers });
}
