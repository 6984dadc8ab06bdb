import type { Permission } from '../db/tables.ts';
import { Problem } from '../errors.ts';

/** Who calls. Every query and every change takes its caller, and is limited to what the caller may see. */
export type Caller = {
  tenantId: string;
  /** If set, nothing outside this organization exists for the caller. */
  organizationId: string | null;
  permission: Permission;
  /** If set, the caller is a user who sees only their own: the id of their row. */
  ownUserId?: string;
  /** Named in the events of the caller's changes. */
  actor: { type: 'key' | 'user' | 'system'; id: string };
  requestId: string | null;
  /** From `If-Match`: a change is made only at this revision of the organization. */
  ifMatch?: { revision: number; moment?: number };
  /** The date of the caller's changes, if not now. The demonstration makes its past with it. */
  at?: Date;
};

/** The server itself, when a job does its work. @param id names the job in the events of its changes */
export const systemCaller = (tenantId: string, id: string): Caller => ({
  tenantId,
  organizationId: null,
  permission: 'admin',
  actor: { type: 'system', id },
  requestId: null,
});

/** Whether the caller may change the tenant's settings. */
export const maySet = ({ permission, actor, organizationId }: Caller): boolean =>
  permission === 'admin' && actor.type === 'key' && organizationId === null;

/**
 * Keys and tokens belong to the tenant: users cannot create or revoke them, not even admins.
 * @throws Problem admin_required
 */
export function assertKey(caller: Caller): void {
  if (caller.actor.type === 'user')
    throw new Problem('admin_required', undefined, 'This needs an API key with admin permission');
}

/**
 * For decisions that the tenant makes about organizations: neither their users nor their bound keys may.
 * @throws Problem admin_required, key_bound
 */
export function assertTenantKey(caller: Caller): void {
  assertKey(caller);
  if (caller.organizationId !== null) throw new Problem('key_bound');
}
