import type { Permission } from '../db/tables.ts';
import { Problem } from '../errors.ts';

/** Who calls. Every query and every change takes its caller and sees only what the caller may see. */
export type Caller = {
  tenantId: string;
  /** Set: everything outside this organization does not exist for them. */
  organizationId: string | null;
  permission: Permission;
  /** Set: a user who sees only what is theirs; the id of their record. */
  ownUserId?: string;
  /** Named in the events of what they change. */
  actor: { type: 'key' | 'user' | 'system'; id: string };
  requestId: string | null;
  /** From `If-Match`: the revision that the organization must be at for a change to be made. */
  ifMatch?: number;
  /** The moment that changes are dated with; the demonstration's past is made so. Not set: now. */
  at?: Date;
};

/** The server itself, at work on what a job found due. @param id names the job in the events of its changes */
export const systemCaller = (tenantId: string, id: string): Caller => ({
  tenantId,
  organizationId: null,
  permission: 'admin',
  actor: { type: 'system', id },
  requestId: null,
});

/** Keys and tokens are the tenant's: no user makes or ends them, not even an admin of an organization. */
export function assertKey(caller: Caller): void {
  if (caller.actor.type === 'user')
    throw new Problem('admin_required', undefined, 'This needs an API key with admin permission');
}

/** What is decided for all organizations, or for one of them by the tenant, is not for those in it. */
export function assertTenantKey(caller: Caller): void {
  assertKey(caller);
  if (caller.organizationId !== null) throw new Problem('key_bound');
}
