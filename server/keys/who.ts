import type { Permission } from '../db/tables.ts';

/** On whose behalf something is done. Every query and every change takes one, and sees only what it may see. */
export type Who = {
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
