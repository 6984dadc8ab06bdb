import type { FastifyRequest } from 'fastify';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import type { Access } from '../http/operation.ts';
import { authenticateToken } from '../users/tokens.ts';
import { authenticate } from './keys.ts';
import type { Who } from './who.ts';

/**
 * On whose behalf a request comes: of the key in `X-API-Key`, or of the user whose token is in `Authorization`, alone
 * or beside a key of the same tenant. With both, it is the user who acts.
 */
export async function identify(db: Db, request: FastifyRequest): Promise<Who> {
  const secret = request.headers['x-api-key'];
  const authorization = request.headers.authorization;
  const key =
    typeof secret === 'string' && secret !== '' ? await authenticate(db, secret, request.id) : undefined;
  if (!key && secret) throw new Problem('api_key_invalid');
  if (authorization === undefined) {
    if (!key) throw new Problem('api_key_required');
    return key;
  }
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const user = token && (await authenticateToken(db, token, request.id));
  if (!user) throw new Problem('token_invalid');
  const apart =
    key &&
    (key.tenantId !== user.tenantId ||
      (key.organizationId !== null && key.organizationId !== user.organizationId));
  if (apart) throw new Problem('token_invalid');
  return user;
}

/** Refuses what the route is not for. */
export function assertAccess(who: Who, access: Exclude<Access, 'none'>): void {
  const enough =
    access === 'own' || (access === 'read' ? who.ownUserId === undefined : who.permission === 'admin');
  if (!enough) throw new Problem('admin_required', undefined, 'This action requires admin privileges');
}
