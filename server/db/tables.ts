import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { KeyLimits, TenantLimits } from '../limits/limits.ts';
import type { State, StateName } from '../numbers/state.ts';
import type {
  CarrierAccountTable,
  CarrierDriftTable,
  CarrierRunTable,
  CarrierStockTable,
  ChargeTable,
  OrderTable,
  SandboxBookTable,
} from './carrier-tables.ts';

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
  limits_version: { version: number };
  number_limits: { tenant_id: string; numbers_max: number; counted: number };
  daily_use: DailyUseTable;
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

/** Written as JSON text: node-postgres would turn an array into a PostgreSQL array. */
type Json<T> = ColumnType<T, string, never>;

type TenantTable = {
  id: string;
  name: string;
  cool_down_seconds: Generated<number>;
  transfer_cool_down_seconds: Generated<number>;
  release_undo_seconds: Generated<number>;
  low_stock_threshold: number | null;
  time_zone: Generated<string>;
  purchases_enabled: Generated<boolean>;
  max_numbers_per_organization: Generated<number>;
  purchase_fee: Generated<number>;
  weekly_price: Generated<number>;
  weekly_fee_for: Generated<'carrier' | 'all'>;
  fees_for_all_from: Date | null;
  fees_for_all_to: Date | null;
  fees_begun_after: string | null;
  monthly_spending_cap: number | null;
  carrier_account_id: string | null;
  limits: ColumnType<TenantLimits, string | undefined, string>;
  created_at: Generated<Date>;
};

type DailyUseTable = {
  tenant_id: string;
  key_id: string | null;
  day: string;
  requests: number;
  import_bytes: number;
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
} & OwnLimits;

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
} & OwnLimits;

/** The limits of a key or token, and the key whose limits they are if not its own. */
type OwnLimits = {
  limits: ColumnType<KeyLimits | null, string | null | undefined, string | null>;
  limits_of: string | null;
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
  left_registrations: string[] | null;
  release_due_at: Date | null;
  release_problem: string | null;
  release_attempts: Generated<number>;
  next_fee_at: Date | null;
  transferred_at: Date | null;
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
  organization_id: string | null;
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
