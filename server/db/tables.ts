import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { Editable, State, StateName } from '../numbers/state.ts';

/** The tables, for Kysely. migrations/ explains their columns and constraints. */
export type Tables = {
  tenants: TenantTable;
  organizations: OrganizationTable;
  api_keys: ApiKeyTable;
  users: UserTable;
  user_tokens: UserTokenTable;
  phone_numbers: PhoneNumberTable;
  number_versions: NumberVersionTable;
  assignments: AssignmentTable;
  events: EventTable;
  batch_items: BatchItemTable;
  idempotency_keys: IdempotencyKeyTable;
  carrier_accounts: CarrierAccountTable;
  sandbox_books: SandboxBookTable;
  orders: OrderTable;
  charges: ChargeTable;
  carrier_runs: CarrierRunTable;
  carrier_stock: CarrierStockTable;
  carrier_drift: CarrierDriftTable;
};

export type Permission = 'admin' | 'read';
export type OrganizationStatus = 'active' | 'suspended' | 'inactive';
export type RegistrationStatus =
  | 'not_started'
  | 'brand_created'
  | 'pending_approval'
  | 'approved'
  | 'rejected';
export type UserPermission = 'admin' | 'user';
export type UserStatus = 'active' | 'inactive' | 'suspended';
export type OrderStatus = 'placed' | 'buying' | 'settling' | 'bought' | 'failed' | 'cancelled';
export type ChargeType = 'number.purchase_fee' | 'number.weekly_fee' | 'number.released';
export type RunType = 'compare' | 'adopt';
export type RunStatus = 'listing' | 'comparing' | 'adopting' | 'done' | 'doubtful' | 'failed';
export type Pile = 'not_here' | 'not_there' | 'different';
export type Resolution = 'adopted' | 'linked' | 'forgotten' | 'ignored' | 'released_at_carrier';
/** One field of a number that differs between us and the carrier, or from what a rule assigns. */
export type Difference = { field: string; here: string | null; there: string };

/** Written as JSON text: node-postgres would turn an array into a PostgreSQL array. */
type Json<T> = ColumnType<T, string, never>;

type TenantTable = {
  id: string;
  name: string;
  cool_down_seconds: Generated<number>;
  transfer_cool_down_seconds: Generated<number>;
  release_undo_seconds: Generated<number>;
  low_stock_threshold: number | null;
  purchases_enabled: Generated<boolean>;
  max_numbers_per_organization: Generated<number>;
  purchase_fee: Generated<number>;
  weekly_price: Generated<number>;
  monthly_spending_cap: number | null;
  carrier_account_id: string | null;
  created_at: Generated<Date>;
};

type OrganizationTable = {
  tenant_id: string;
  id: string;
  unique_id: string;
  name: string;
  contact_email: string | null;
  status: Generated<OrganizationStatus>;
  sms_active: Generated<boolean>;
  sms_registration_status: Generated<RegistrationStatus>;
  registration_submitted_at: Date | null;
  registration_approved_at: Date | null;
  carrier_account_id: string | null;
  monthly_spending_cap: number | null;
  messaging_service_id: string | null;
  campaign_id: string | null;
  revision: Generated<number>;
  revised_at: Generated<Date>;
  created_at: Generated<Date>;
  modified_at: Generated<Date>;
};

type ApiKeyTable = {
  tenant_id: string;
  id: string;
  name: string;
  hash: Buffer;
  prefix: string;
  permission: Permission;
  organization_id: string | null;
  created_at: Generated<Date>;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
};

type UserTable = {
  tenant_id: string;
  organization_id: string;
  id: string;
  unique_id: string;
  name: string;
  email: string;
  phone: string | null;
  permission: Generated<UserPermission>;
  status: Generated<UserStatus>;
  created_at: Generated<Date>;
  modified_at: Generated<Date>;
};

type UserTokenTable = {
  tenant_id: string;
  organization_id: string;
  user_id: string;
  id: string;
  hash: Buffer;
  created_at: Generated<Date>;
  expires_at: Date;
  revoked_at: Date | null;
};

/** The columns of a number's state. Those that are not nullable have a default. JSON is written as text. */
type StateColumns = {
  [Name in StateName]: null extends State[Name]
    ? State[Name]
    : State[Name] extends Record<string, unknown>
      ? ColumnType<State[Name], string | undefined, string>
      : Generated<State[Name]>;
};

type PhoneNumberTable = StateColumns & {
  tenant_id: string;
  organization_id: string;
  id: string;
  phone_number: string;
  pretty_phone_number: string;
  country: string | null;
  area_code: GeneratedAlways<string | null>;
  available_since: Date | null;
  since_revision: number;
  created_at: Generated<Date>;
  modified_at: Generated<Date>;
  released_at: Date | null;
  attach_due_at: Date | null;
  attach_attempts: Generated<number>;
  release_due_at: Date | null;
  release_problem: string | null;
  release_attempts: Generated<number>;
  next_fee_at: Date | null;
};

type NumberVersionTable = State & {
  tenant_id: string;
  organization_id: string;
  phone_number_id: string;
  from_revision: number;
  to_revision: number;
  from_at: Date;
  to_at: Date;
  phone_number: string;
  pretty_phone_number: string;
  created_at: Date;
};

type IdempotencyKeyTable = {
  tenant_id: string;
  key: string;
  request_hash: Buffer;
  status: number;
  body: string;
  created_at: Generated<Date>;
};

type AssignmentTable = {
  tenant_id: string;
  organization_id: string;
  id: string;
  phone_number_id: string;
  user_id: string;
  assigned_at: Date;
  ended_at: Date | null;
  from_revision: number;
  to_revision: number | null;
  open_organization_id: GeneratedAlways<string | null>;
};

type EventTable = {
  tenant_id: string;
  organization_id: string;
  revision: number;
  ordinal: Generated<number>;
  type: string;
  at: Date;
  actor_type: 'key' | 'user' | 'system';
  actor_id: string;
  request_id: string | null;
  data: Json<Record<string, unknown>>;
};

type BatchItemTable = {
  tenant_id: string;
  organization_id: string;
  batch_id: string;
  piece: number;
  items: Json<unknown[]>;
};

type CarrierAccountTable = {
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

type SandboxBookTable = { account: string; book: ColumnType<unknown, string, string> };

type OrderTable = {
  tenant_id: string;
  organization_id: string;
  id: string;
  bulk_id: string | null;
  carrier_account_id: string;
  status: Generated<OrderStatus>;
  country: string;
  area_code: string | null;
  wanted_number: string | null;
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

type ChargeTable = {
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

type CarrierRunTable = {
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

type CarrierStockTable = {
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

type CarrierDriftTable = {
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
  resolution: Resolution | null;
  resolved_at: Date | null;
  resolved_by_type: 'key' | 'user' | 'system' | null;
  resolved_by_id: string | null;
};
