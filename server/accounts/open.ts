import type { Carrier, CarrierKind } from '../../carriers/carrier.ts';
import { carriers } from '../../carriers/carriers.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../errors.ts';
import { sandboxStore } from './sandbox-store.ts';
import { createVault, type Vault } from './vault.ts';

/** How the server works with carriers. Tests set shorter times. */
export type CarrierSettings = {
  /** The keys that seal credentials, the newest first. Without a key, no account with credentials can be added. */
  secretKeys: Buffer[];
  /** Addresses to use instead of the carriers' own, by the carrier's name. */
  urls: Record<string, Record<string, string>>;
  /** Whether tenants can add accounts at the sandbox, whose numbers are fictional, and let it make faults. */
  sandbox: boolean;
  timeoutMs: number;
  retryMs: number;
  concurrency: number;
  /**
   * How long a carrier may still work on a purchase after we asked. Before this is over, the answer "no such purchase"
   * proves nothing. Longer than any call.
   */
  settleMs: number;
  /** How long a purchase keeps its caller waiting for the final result. */
  patienceMs: number;
  /** The first pause between two look-ups of an unfinished purchase. Later pauses are longer. */
  pollMs: number;
};

export const carrierDefaults: CarrierSettings = {
  secretKeys: [],
  urls: {},
  sandbox: true,
  timeoutMs: 15_000,
  retryMs: 150,
  concurrency: 8,
  settleMs: 180_000,
  patienceMs: 20_000,
  pollMs: 2000,
};

/** Opens the carriers of accounts. */
export type Carriers = {
  settings: CarrierSettings;
  vault: Vault;
  /** @throws Problem `carrier_account_not_found`, `secret_key_missing` */
  open(db: Db, tenantId: string, accountId: string): Promise<Carrier>;
  /** The same with credentials that are not stored yet. */
  connect(carrier: string, credentials: Record<string, string>, account: string): Carrier;
};

export function kindOf(carrier: string): CarrierKind {
  const kind = carriers[carrier];
  if (!kind) throw new Error(`There is no carrier ${carrier}`);
  return kind;
}

/** @throws Problem `carrier_incapable` if the carrier is a sandbox, and the operator has not switched it on */
export function assertOffered({ sandbox }: CarrierSettings, carrier: string): void {
  if (carrier === 'sandbox' && !sandbox)
    throw new Problem(
      'carrier_incapable',
      'The sandbox is switched off on this server: its operator can set LINEKEEPER_SANDBOX=1',
    );
}

/** Ties sealed credentials to their row: they open nowhere else. */
export const associatedData = (tenantId: string, accountId: string): string => `${tenantId} ${accountId}`;

export function createCarriers(db: Db, settings: CarrierSettings): Carriers {
  const vault = createVault(settings.secretKeys);
  const connect: Carriers['connect'] = (carrier, credentials, account) =>
    kindOf(carrier).connect(credentials, {
      account,
      urls: settings.urls[carrier] ?? {},
      timeoutMs: settings.timeoutMs,
      retryMs: settings.retryMs,
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
