import type { ColumnType, Generated } from 'kysely';
import type { Editable } from '../numbers/state.ts';

// The tables of carrier accounts, purchases and reconciliation, for tables.ts.

export type OrderStatus = 'placed' | 'buying' | 'settling' | 'bought' | 'failed' | 'cancelled';
export type ChargeType = 'number.purchase_fee' | 'number.weekly_fee' | 'number.released';
export type RunType = 'compare' | 'adopt';
export type RunStatus = 'listing' | 'comparing' | 'adopting' | 'done' | 'doubtful' | 'failed';
export type Pile = 'not_here' | 'not_there' | 'different';
export type Resolution = 'adopted' | 'linked' | 'forgotten' | 'ignored' | 'released_at_carrier';
/** One field of a number that differs between us and the carrier, or from what a rule assigns. */
export type Difference = { field: string; here: string | null; there: string };

export type CarrierAccountTable = {
  tenant_id: string;
  id: string;
  carrier: string;
  name: string;
  credentials: Buffer;
  status: Generated<'active' | 'disabled'>;
  owner: string | null;
  verified_at: Date | null;
  problem: string | null;
  compare_every_seconds: number | null;
  compare_due_at: Date | null;
  created_at: Generated<Date>;
  modified_at: Generated<Date>;
};

export type SandboxBookTable = { account: string; book: ColumnType<unknown, string, string> };

export type OrderTable = {
  tenant_id: string;
  organization_id: string;
  id: string;
  bulk_id: string | null;
  carrier_account_id: string;
  status: Generated<OrderStatus>;
  country: string;
  wanted_number: string | null;
  area_codes: Generated<string[]>;
  starts_with: string | null;
  ends_with: string | null;
  contains: string | null;
  toll_free: Generated<boolean>;
  user_id: string | null;
  fields: ColumnType<Partial<Editable>, string | undefined, string>;
  purchase_fee: number;
  weekly_price: number;
  phone_number: string | null;
  reference: string | null;
  attempted_at: Date | null;
  tried: Generated<string[]>;
  attempts: Generated<number>;
  polls: Generated<number>;
  phone_number_id: string | null;
  failure_code: string | null;
  failure: string | null;
  next_at: Date | null;
  version: Generated<number>;
  actor_type: 'key' | 'user' | 'system';
  actor_id: string;
  request_id: string | null;
  created_at: Date;
  modified_at: Date;
  finished_at: Date | null;
};

export type ChargeTable = {
  tenant_id: string;
  organization_id: string;
  id: string;
  type: ChargeType;
  phone_number_id: string;
  phone_number: string;
  order_id: string | null;
  amount: number;
  period_start: Date;
  at: Date;
};

export type CarrierRunTable = {
  tenant_id: string;
  id: string;
  carrier_account_id: string;
  type: RunType;
  status: Generated<RunStatus>;
  dry_run: Generated<boolean>;
  rules: ColumnType<unknown[], string | undefined, string>;
  map: ColumnType<Record<string, string>, string | undefined, string>;
  may_be_missing: number | null;
  next_page: string | null;
  counts: ColumnType<Record<string, number | null>, string | undefined, string>;
  plan: ColumnType<unknown[] | null, string | null | undefined, string | null>;
  problem: string | null;
  next_at: Date | null;
  version: Generated<number>;
  attempts: Generated<number>;
  actor_type: 'key' | 'user' | 'system';
  actor_id: string;
  request_id: string | null;
  started_at: Generated<Date>;
  finished_at: Date | null;
};

export type CarrierStockTable = {
  tenant_id: string;
  run_id: string;
  phone_number: string;
  carrier_number_id: string;
  name: string | null;
  tags: Generated<string[]>;
  reference: string | null;
  subaccount: string | null;
  wanted_organization_id: string | null;
};

export type CarrierDriftTable = {
  tenant_id: string;
  run_id: string;
  phone_number: string;
  pile: Pile;
  organization_id: string | null;
  wanted_organization_id: string | null;
  step: 'adopt' | 'link' | null;
  carrier_number_id: string;
  name: string | null;
  tags: Generated<string[]>;
  reference: string | null;
  subaccount: string | null;
  differences: ColumnType<Difference[], string | undefined, string>;
  releasing_until: Generated<Date | null>;
  resolution: Resolution | null;
  resolved_at: Date | null;
  resolved_by_type: 'key' | 'user' | 'system' | null;
  resolved_by_id: string | null;
};
