import type { FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.ts';
import { Problem } from '../errors.ts';
import type { Access, Subject } from '../http/operation.ts';
import type { LookupResult, Lookups } from './lookups.ts';

/**
 * Identifies the caller by the key in `X-API-Key`, or by the user's token in `Authorization`. A token may come with a key
 * of the same tenant; then the user acts.
 * @returns the caller, and as much of the subject as the caller may see
 * @throws Problem api_key_required, api_key_invalid, token_invalid
 */
export async function identify(
  lookups: Lookups,
  request: FastifyRequest,
  subject: Subject,
): Promise<{ caller: Caller; lookup: LookupResult }> {
  const { 'x-api-key': header, authorization } = request.headers;
  const secret = typeof header === 'string' && header !== '' ? header : undefined;
  if (authorization === undefined && secret === undefined) throw new Problem('api_key_required');
  const token = authorization === undefined ? undefined : /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const lookup = await lookups({ key: secret, token, ...subject });
  const { key, user } = lookup;
  if (secret !== undefined && !key) throw new Problem('api_key_invalid');
  if (authorization === undefined) {
    const { id, ...rest } = key!;
    return { caller: { ...rest, actor: { type: 'key', id }, requestId: request.id }, lookup };
  }
  const mismatch =
    key &&
    (key.tenantId !== user?.tenantId ||
      (key.organizationId !== null && key.organizationId !== user.organizationId));
  if (!user || mismatch) throw new Problem('token_invalid');
  const admin = user.permission === 'admin';
  const caller: Caller = {
    tenantId: user.tenantId,
    organizationId: user.organizationId,
    permission: admin ? 'admin' : 'read',
    ...(!admin && { ownUserId: user.id }),
    actor: { type: 'user', id: user.uniqueId },
    requestId: request.id,
  };
  return { caller, lookup };
}

/** @throws Problem api_key_invalid or token_invalid if the caller may not see and do what it could before */
export function assertSame(now: Caller, before: Caller): void {
  const same = (['tenantId', 'organizationId', 'permission', 'ownUserId'] as const).every(
    field => now[field] === before[field],
  );
  if (!same)
    throw new Problem(
      before.actor.type === 'key' ? 'api_key_invalid' : 'token_invalid',
      'The permissions have changed',
    );
}

/** @throws Problem admin_required if the route is not open to the caller */
export function assertAccess(caller: Caller, access: Exclude<Access, 'none'>): void {
  const enough =
    access === 'own' || (access === 'read' ? caller.ownUserId === undefined : caller.permission === 'admin');
  if (!enough) throw new Problem('admin_required', undefined, 'This action requires admin privileges');
}
