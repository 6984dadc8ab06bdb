import type { Carrier, CarrierKind } from '../../carriers/carrier.ts';
import { carriers } from '../../carriers/carriers.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { sandboxStore } from './sandbox-store.ts';
import { createVault, type Vault } from './vault.ts';

/** How the server works with carriers; what README.md says of the environment, and shorter times for tests. */
export type CarrierSettings = {
  /** What credentials are sealed with, the newest first; none: no account with credentials can be made. */
  secretKeys: Buffer[];
  /** By carrier's name: addresses in place of its own. */
  urls: Record<string, Record<string, string>>;
  timeoutMs: number;
  concurrency: number;
  /**
   * How long after an attempt a carrier may still be at it: only then is "I know of no such purchase" believed. Longer
   * than any call may take.
   */
  settleMs: number;
  /** For how long a purchase keeps its caller waiting for the final answer. */
  patienceMs: number;
  /** Between two looks at what is under way, at first; the pause grows from there. */
  pollMs: number;
};

export const carrierDefaults: CarrierSettings = {
  secretKeys: [],
  urls: {},
  timeoutMs: 15_000,
  concurrency: 8,
  settleMs: 180_000,
  patienceMs: 20_000,
  pollMs: 2000,
};

/** The way from an account's row to the carrier itself. */
export type Carriers = {
  settings: CarrierSettings;
  vault: Vault;
  /** @throws Problem `carrier_account_not_found` where the tenant has no such account */
  open(db: Db, tenantId: string, accountId: string): Promise<Carrier>;
  /** The same with credentials that are not kept yet. */
  connect(carrier: string, credentials: Record<string, string>, account: string): Carrier;
};

export function kindOf(carrier: string): CarrierKind {
  const kind = carriers[carrier];
  if (!kind) throw new Error(`There is no carrier ${carrier}`);
  return kind;
}

/** Sealed credentials open only in the row that they were made for. */
export const associatedData = (tenantId: string, accountId: string): string => `${tenantId} ${accountId}`;

export function createCarriers(db: Db, settings: CarrierSettings): Carriers {
  const vault = createVault(settings.secretKeys);
  const connect: Carriers['connect'] = (carrier, credentials, account) =>
    kindOf(carrier).connect(credentials, {
      account,
      urls: settings.urls[carrier] ?? {},
      timeoutMs: settings.timeoutMs,
      concurrency: settings.concurrency,
      sandbox: sandboxStore(db),
    });
  return {
    settings,
    vault,
    connect,
    async open(db, tenantId, accountId) {
      const account = await db
        .selectFrom('carrier_accounts')
        .select(['carrier', 'credentials'])
        .where('tenant_id', '=', tenantId)
        .where('id', '=', accountId)
        .executeTakeFirst();
      if (!account) throw new Problem('carrier_account_not_found');
      const text = vault.open(account.credentials, associatedData(tenantId, accountId));
      return connect(account.carrier, JSON.parse(text), accountId);
    },
  };
}
