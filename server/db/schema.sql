-- The schema that all migrations together make, for reading and for review: nothing runs this file.
-- Written by `npm run schema`, and compared with the migrations by a test.

create table api_keys (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  hash bytea not null,
  prefix text not null,
  permission text not null,
  organization_id uuid,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  last_used_at timestamp with time zone,
  limits jsonb,
  limits_of uuid,
  constraint api_keys_pkey PRIMARY KEY (tenant_id, id),
  constraint api_keys_hash_key UNIQUE (hash),
  constraint api_keys_limits_of_fkey FOREIGN KEY (tenant_id, limits_of) REFERENCES api_keys(tenant_id, id),
  constraint api_keys_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id),
  constraint api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint api_keys_name_check CHECK (name <> ''::text),
  constraint api_keys_permission_check CHECK (permission = ANY (ARRAY['admin'::text, 'read'::text]))
) with (fillfactor=80);
CREATE INDEX api_keys_limits_of_idx ON public.api_keys USING btree (tenant_id, limits_of) WHERE (limits_of IS NOT NULL);

create table assignments (
  tenant_id uuid not null,
  organization_id uuid not null,
  id uuid not null,
  phone_number_id uuid not null,
  user_id uuid not null,
  assigned_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  from_revision bigint not null,
  to_revision bigint,
  open_organization_id uuid generated always as (CASE WHEN ended_at IS NULL THEN organization_id ELSE NULL::uuid END) stored,
  constraint assignments_pkey PRIMARY KEY (tenant_id, id),
  constraint assignments_open_fkey FOREIGN KEY (tenant_id, open_organization_id, phone_number_id) REFERENCES phone_numbers(tenant_id, organization_id, id),
  constraint assignments_phone_number_fkey FOREIGN KEY (tenant_id, phone_number_id) REFERENCES phone_numbers(tenant_id, id),
  constraint assignments_user_fkey FOREIGN KEY (tenant_id, organization_id, user_id) REFERENCES users(tenant_id, organization_id, id),
  constraint assignments_ended_check CHECK ((ended_at IS NULL) = (to_revision IS NULL))
);
CREATE INDEX assignments_holder_idx ON public.assignments USING btree (tenant_id, open_organization_id, phone_number_id) INCLUDE (user_id, assigned_at) WHERE (ended_at IS NULL);
CREATE INDEX assignments_number_idx ON public.assignments USING btree (tenant_id, phone_number_id, from_revision);
CREATE UNIQUE INDEX assignments_open_key ON public.assignments USING btree (tenant_id, phone_number_id) WHERE (ended_at IS NULL);
CREATE INDEX assignments_user_idx ON public.assignments USING btree (tenant_id, organization_id, user_id);
CREATE TRIGGER holder_counts_delete AFTER DELETE ON public.assignments REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_holder_counts();
CREATE TRIGGER holder_counts_insert AFTER INSERT ON public.assignments REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION keep_holder_counts();
CREATE TRIGGER holder_counts_update AFTER UPDATE ON public.assignments REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION keep_holder_counts();

create table batch_items (
  tenant_id uuid not null,
  organization_id uuid not null,
  batch_id uuid not null,
  piece integer not null,
  items jsonb not null,
  constraint batch_items_pkey PRIMARY KEY (tenant_id, batch_id, piece),
  constraint batch_items_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id),
  constraint batch_items_piece_check CHECK (piece >= 0)
);

create table carrier_accounts (
  tenant_id uuid not null,
  id uuid not null,
  carrier text not null,
  name text not null,
  credentials bytea not null,
  status text not null default 'active'::text,
  owner text,
  verified_at timestamp with time zone,
  problem text,
  compare_every_seconds integer,
  compare_due_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  modified_at timestamp with time zone not null default now(),
  constraint carrier_accounts_pkey PRIMARY KEY (tenant_id, id),
  constraint carrier_accounts_name_key UNIQUE (tenant_id, name),
  constraint carrier_accounts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint carrier_accounts_compare_every_seconds_check CHECK (compare_every_seconds >= 3600),
  constraint carrier_accounts_name_check CHECK (name <> ''::text),
  constraint carrier_accounts_status_check CHECK (status = ANY (ARRAY['active'::text, 'disabled'::text]))
);
CREATE INDEX carrier_accounts_compare_idx ON public.carrier_accounts USING btree (compare_due_at) WHERE (compare_due_at IS NOT NULL);

create table carrier_drift (
  tenant_id uuid not null,
  run_id uuid not null,
  phone_number text collate "C" not null,
  pile text not null,
  organization_id uuid,
  wanted_organization_id uuid,
  step text,
  carrier_number_id text not null,
  name text,
  tags text[] not null default '{}'::text[],
  reference text,
  subaccount text,
  differences jsonb not null default '[]'::jsonb,
  resolution text,
  resolved_at timestamp with time zone,
  resolved_by_type text,
  resolved_by_id text,
  releasing_until timestamp with time zone,
  constraint carrier_drift_pkey PRIMARY KEY (tenant_id, run_id, phone_number),
  constraint carrier_drift_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id),
  constraint carrier_drift_run_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES carrier_runs(tenant_id, id),
  constraint carrier_drift_wanted_fkey FOREIGN KEY (tenant_id, wanted_organization_id) REFERENCES organizations(tenant_id, id),
  constraint carrier_drift_pile_check CHECK (pile = ANY (ARRAY['not_here'::text, 'not_there'::text, 'different'::text])),
  constraint carrier_drift_resolution_check CHECK (resolution = ANY (ARRAY['adopted'::text, 'linked'::text, 'forgotten'::text, 'ignored'::text, 'released_at_carrier'::text])),
  constraint carrier_drift_resolved_by_type_check CHECK (resolved_by_type = ANY (ARRAY['key'::text, 'user'::text, 'system'::text])),
  constraint carrier_drift_resolved_check CHECK ((resolution IS NULL) = (resolved_at IS NULL) AND (resolution IS NULL) = (resolved_by_type IS NULL) AND (resolution IS NULL) = (resolved_by_id IS NULL)),
  constraint carrier_drift_step_check CHECK (step = ANY (ARRAY['adopt'::text, 'link'::text])),
  constraint carrier_drift_target_check CHECK (step IS NULL OR wanted_organization_id IS NOT NULL)
);
CREATE INDEX carrier_drift_pile_idx ON public.carrier_drift USING btree (tenant_id, run_id, pile, phone_number) WHERE (resolved_at IS NULL);
CREATE INDEX carrier_drift_releasing_idx ON public.carrier_drift USING btree (tenant_id, phone_number) WHERE (releasing_until IS NOT NULL);
CREATE INDEX carrier_drift_step_idx ON public.carrier_drift USING btree (tenant_id, run_id, wanted_organization_id, phone_number) WHERE ((step IS NOT NULL) AND (resolved_at IS NULL));

create table carrier_runs (
  tenant_id uuid not null,
  id uuid not null,
  carrier_account_id uuid not null,
  type text not null,
  status text not null default 'listing'::text,
  dry_run boolean not null default false,
  rules jsonb not null default '[]'::jsonb,
  map jsonb not null default '{}'::jsonb,
  may_be_missing integer,
  next_page text,
  counts jsonb not null default '{}'::jsonb,
  plan jsonb,
  problem text,
  next_at timestamp with time zone,
  version integer not null default 1,
  attempts integer not null default 0,
  actor_type text not null,
  actor_id text not null,
  request_id text,
  started_at timestamp with time zone not null default now(),
  finished_at timestamp with time zone,
  constraint carrier_runs_pkey PRIMARY KEY (tenant_id, id),
  constraint carrier_runs_account_fkey FOREIGN KEY (tenant_id, carrier_account_id) REFERENCES carrier_accounts(tenant_id, id),
  constraint carrier_runs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint carrier_runs_actor_type_check CHECK (actor_type = ANY (ARRAY['key'::text, 'user'::text, 'system'::text])),
  constraint carrier_runs_finished_check CHECK ((status = ANY (ARRAY['done'::text, 'doubtful'::text, 'failed'::text])) = (finished_at IS NOT NULL)),
  constraint carrier_runs_may_be_missing_check CHECK (may_be_missing >= 0),
  constraint carrier_runs_next_check CHECK ((finished_at IS NULL) = (next_at IS NOT NULL)),
  constraint carrier_runs_status_check CHECK (status = ANY (ARRAY['listing'::text, 'comparing'::text, 'adopting'::text, 'done'::text, 'doubtful'::text, 'failed'::text])),
  constraint carrier_runs_type_check CHECK (type = ANY (ARRAY['compare'::text, 'adopt'::text]))
);
CREATE INDEX carrier_runs_account_idx ON public.carrier_runs USING btree (tenant_id, carrier_account_id, id);
CREATE INDEX carrier_runs_next_idx ON public.carrier_runs USING btree (next_at) WHERE (next_at IS NOT NULL);
CREATE UNIQUE INDEX carrier_runs_running_key ON public.carrier_runs USING btree (tenant_id, carrier_account_id) WHERE (finished_at IS NULL);

create table carrier_stock (
  tenant_id uuid not null,
  run_id uuid not null,
  phone_number text collate "C" not null,
  carrier_number_id text not null,
  name text,
  tags text[] not null default '{}'::text[],
  reference text,
  subaccount text,
  wanted_organization_id uuid,
  constraint carrier_stock_pkey PRIMARY KEY (tenant_id, run_id, phone_number),
  constraint carrier_stock_run_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES carrier_runs(tenant_id, id)
);

create table charges (
  tenant_id uuid not null,
  organization_id uuid not null,
  id uuid not null,
  type text not null,
  phone_number_id uuid not null,
  phone_number text collate "C" not null,
  order_id uuid,
  amount numeric(12,4) not null,
  period_start timestamp with time zone not null,
  at timestamp with time zone not null,
  constraint charges_pkey PRIMARY KEY (tenant_id, id),
  constraint charges_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES orders(tenant_id, id),
  constraint charges_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id),
  constraint charges_phone_number_fkey FOREIGN KEY (tenant_id, phone_number_id) REFERENCES phone_numbers(tenant_id, id),
  constraint charges_amount_check CHECK (amount >= 0::numeric),
  constraint charges_nothing_check CHECK ((type = 'number.released'::text) = (amount = 0::numeric)),
  constraint charges_type_check CHECK (type = ANY (ARRAY['number.purchase_fee'::text, 'number.weekly_fee'::text, 'number.released'::text]))
);
CREATE UNIQUE INDEX charges_once_key ON public.charges USING btree (tenant_id, phone_number_id, type) WHERE (type <> 'number.weekly_fee'::text);
CREATE INDEX charges_organization_idx ON public.charges USING btree (tenant_id, organization_id, at, id);
CREATE INDEX charges_tenant_idx ON public.charges USING btree (tenant_id, at, id);
CREATE UNIQUE INDEX charges_week_key ON public.charges USING btree (tenant_id, phone_number_id, period_start) WHERE (type = 'number.weekly_fee'::text);

create table daily_use (
  tenant_id uuid not null,
  key_id uuid,
  day date not null,
  requests bigint not null,
  import_bytes bigint not null,
  constraint daily_use_key UNIQUE NULLS NOT DISTINCT (tenant_id, key_id, day),
  constraint daily_use_key_fkey FOREIGN KEY (tenant_id, key_id) REFERENCES api_keys(tenant_id, id),
  constraint daily_use_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
) with (fillfactor=50);

create table events (
  tenant_id uuid not null,
  organization_id uuid not null,
  revision bigint not null,
  ordinal integer not null default 0,
  type text not null,
  at timestamp with time zone not null,
  actor_type text not null,
  actor_id text not null,
  request_id text,
  data jsonb not null,
  constraint events_pkey PRIMARY KEY (tenant_id, organization_id, revision, ordinal),
  constraint events_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id),
  constraint events_actor_type_check CHECK (actor_type = ANY (ARRAY['key'::text, 'user'::text, 'system'::text])),
  constraint events_ordinal_check CHECK (ordinal >= 0),
  constraint events_revision_check CHECK (revision > 0)
);
CREATE INDEX events_at_idx ON public.events USING btree (tenant_id, organization_id, at, revision);

create table holder_counts (
  tenant_id uuid not null,
  organization_id uuid not null,
  user_id uuid not null,
  count bigint not null,
  constraint holder_counts_pkey PRIMARY KEY (tenant_id, organization_id, user_id),
  constraint holder_counts_user_fkey FOREIGN KEY (tenant_id, organization_id, user_id) REFERENCES users(tenant_id, organization_id, id)
) with (fillfactor=50);

create table idempotency_keys (
  tenant_id uuid not null,
  key text collate "C" not null,
  request_hash bytea not null,
  status integer not null,
  body text not null,
  created_at timestamp with time zone not null default now(),
  organization_id uuid,
  constraint idempotency_keys_key UNIQUE NULLS NOT DISTINCT (tenant_id, key, organization_id),
  constraint idempotency_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX idempotency_keys_created_idx ON public.idempotency_keys USING btree (created_at);

create table limits_version (
  version bigint not null,
  only_row boolean not null default true,
  constraint limits_version_pkey PRIMARY KEY (only_row),
  constraint limits_version_only_row_check CHECK (only_row)
);

create table migrations (
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now(),
  breaking boolean not null default true,
  constraint migrations_pkey PRIMARY KEY (name)
);

create table number_counts (
  tenant_id uuid not null,
  organization_id uuid not null,
  area_code text collate "C" not null,
  status text collate "C" not null,
  count bigint not null,
  constraint number_counts_pkey PRIMARY KEY (tenant_id, organization_id, area_code, status),
  constraint number_counts_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id)
) with (fillfactor=50);

create table number_limits (
  tenant_id uuid not null,
  numbers_max bigint not null,
  counted bigint not null,
  constraint number_limits_pkey PRIMARY KEY (tenant_id),
  constraint number_limits_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint number_limits_numbers_max_check CHECK (numbers_max >= 0)
) with (fillfactor=50);

create table number_versions (
  tenant_id uuid not null,
  organization_id uuid not null,
  phone_number_id uuid not null,
  from_revision bigint not null,
  to_revision bigint not null,
  from_at timestamp with time zone not null,
  to_at timestamp with time zone not null,
  phone_number text collate "C" not null,
  pretty_phone_number text not null,
  nickname text,
  status text not null,
  tags text[] not null,
  locked boolean not null,
  metadata jsonb not null,
  until timestamp with time zone,
  reservation_id uuid,
  reservation_note text,
  created_at timestamp with time zone not null,
  carrier_account_id uuid,
  carrier_number_id text,
  pending_reason text,
  external_id text collate "C",
  constraint number_versions_pkey PRIMARY KEY (tenant_id, phone_number_id, organization_id, to_revision),
  constraint number_versions_number_fkey FOREIGN KEY (tenant_id, phone_number_id) REFERENCES phone_numbers(tenant_id, id),
  constraint number_versions_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id)
);
CREATE INDEX number_versions_as_of_idx ON public.number_versions USING btree (tenant_id, organization_id, phone_number, to_revision, from_revision);

create table orders (
  tenant_id uuid not null,
  organization_id uuid not null,
  id uuid not null,
  bulk_id uuid,
  carrier_account_id uuid not null,
  status text not null default 'placed'::text,
  country text not null,
  wanted_number text collate "C",
  user_id uuid,
  purchase_fee numeric(12,4) not null,
  weekly_price numeric(12,4) not null,
  phone_number text collate "C",
  reference text,
  attempted_at timestamp with time zone,
  tried text[] not null default '{}'::text[],
  attempts integer not null default 0,
  polls integer not null default 0,
  phone_number_id uuid,
  failure_code text,
  failure text,
  next_at timestamp with time zone,
  version integer not null default 1,
  actor_type text not null,
  actor_id text not null,
  request_id text,
  created_at timestamp with time zone not null,
  modified_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  fields jsonb not null default '{}'::jsonb,
  area_codes text[] not null default '{}'::text[],
  starts_with text collate "C",
  ends_with text collate "C",
  contains text collate "C",
  toll_free boolean not null default false,
  constraint orders_pkey PRIMARY KEY (tenant_id, id),
  constraint orders_carrier_account_fkey FOREIGN KEY (tenant_id, carrier_account_id) REFERENCES carrier_accounts(tenant_id, id),
  constraint orders_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id),
  constraint orders_phone_number_fkey FOREIGN KEY (tenant_id, phone_number_id) REFERENCES phone_numbers(tenant_id, id),
  constraint orders_user_fkey FOREIGN KEY (tenant_id, organization_id, user_id) REFERENCES users(tenant_id, organization_id, id),
  constraint orders_actor_type_check CHECK (actor_type = ANY (ARRAY['key'::text, 'user'::text, 'system'::text])),
  constraint orders_bought_check CHECK ((status = 'bought'::text) = (phone_number_id IS NOT NULL)),
  constraint orders_candidate_check CHECK ((status <> ALL (ARRAY['buying'::text, 'settling'::text])) OR phone_number IS NOT NULL AND reference IS NOT NULL AND attempted_at IS NOT NULL),
  constraint orders_contains_check CHECK (contains <> ''::text),
  constraint orders_ends_with_check CHECK (ends_with <> ''::text),
  constraint orders_failed_check CHECK ((status = 'failed'::text) = (failure IS NOT NULL)),
  constraint orders_fields_check CHECK (jsonb_typeof(fields) = 'object'::text),
  constraint orders_finished_check CHECK ((status = ANY (ARRAY['bought'::text, 'failed'::text, 'cancelled'::text])) = (finished_at IS NOT NULL)),
  constraint orders_starts_with_check CHECK (starts_with <> ''::text),
  constraint orders_status_check CHECK (status = ANY (ARRAY['placed'::text, 'buying'::text, 'settling'::text, 'bought'::text, 'failed'::text, 'cancelled'::text]))
);
CREATE INDEX orders_bulk_idx ON public.orders USING btree (tenant_id, bulk_id) WHERE (bulk_id IS NOT NULL);
CREATE UNIQUE INDEX orders_candidate_key ON public.orders USING btree (tenant_id, carrier_account_id, phone_number) WHERE (status = ANY (ARRAY['buying'::text, 'settling'::text]));
CREATE INDEX orders_due_idx ON public.orders USING btree (tenant_id, carrier_account_id, next_at) WHERE (next_at IS NOT NULL);
CREATE INDEX orders_open_idx ON public.orders USING btree (tenant_id, organization_id) WHERE (status = ANY (ARRAY['placed'::text, 'buying'::text, 'settling'::text]));
CREATE INDEX orders_organization_idx ON public.orders USING btree (tenant_id, organization_id, created_at, id);
CREATE UNIQUE INDEX orders_phone_number_key ON public.orders USING btree (tenant_id, phone_number_id) WHERE (phone_number_id IS NOT NULL);

create table organizations (
  tenant_id uuid not null,
  id uuid not null,
  unique_id text collate "C" not null,
  name text not null,
  contact_email text,
  status text not null default 'active'::text,
  sms_active boolean not null default false,
  sms_registration_status text not null default 'not_started'::text,
  registration_submitted_at timestamp with time zone,
  registration_approved_at timestamp with time zone,
  revision bigint not null default 0,
  revised_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  modified_at timestamp with time zone not null default now(),
  carrier_account_id uuid,
  monthly_spending_cap numeric(14,4),
  messaging_service_id text,
  campaign_id text,
  constraint organizations_pkey PRIMARY KEY (tenant_id, id),
  constraint organizations_unique_id_key UNIQUE (tenant_id, unique_id),
  constraint organizations_carrier_account_fkey FOREIGN KEY (tenant_id, carrier_account_id) REFERENCES carrier_accounts(tenant_id, id),
  constraint organizations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint organizations_campaign_id_check CHECK (campaign_id <> ''::text),
  constraint organizations_messaging_service_id_check CHECK (messaging_service_id <> ''::text),
  constraint organizations_monthly_spending_cap_check CHECK (monthly_spending_cap >= 0::numeric),
  constraint organizations_name_check CHECK (name <> ''::text),
  constraint organizations_sms_registration_status_check CHECK (sms_registration_status = ANY (ARRAY['not_started'::text, 'brand_created'::text, 'pending_approval'::text, 'approved'::text, 'rejected'::text])),
  constraint organizations_status_check CHECK (status = ANY (ARRAY['active'::text, 'suspended'::text, 'inactive'::text])),
  constraint organizations_unique_id_check CHECK (unique_id <> ''::text)
) with (fillfactor=80);

create table phone_numbers (
  tenant_id uuid not null,
  organization_id uuid not null,
  id uuid not null,
  phone_number text collate "C" not null,
  pretty_phone_number text not null,
  country text,
  area_code text collate "C" generated always as (CASE WHEN phone_number ~~ '+1%'::text THEN substr(phone_number, 3, 3) ELSE NULL::text END) stored,
  nickname text,
  status text not null default 'available'::text,
  tags text[] not null default '{}'::text[],
  locked boolean not null default false,
  metadata jsonb not null default '{}'::jsonb,
  until timestamp with time zone,
  reservation_id uuid,
  reservation_note text,
  available_since timestamp with time zone,
  since_revision bigint not null,
  created_at timestamp with time zone not null default now(),
  modified_at timestamp with time zone not null default now(),
  released_at timestamp with time zone,
  carrier_account_id uuid,
  carrier_number_id text,
  pending_reason text,
  attach_due_at timestamp with time zone,
  release_due_at timestamp with time zone,
  release_problem text,
  attach_attempts integer not null default 0,
  release_attempts integer not null default 0,
  next_fee_at timestamp with time zone,
  external_id text collate "C",
  transferred_at timestamp with time zone,
  left_registrations text[],
  constraint phone_numbers_pkey PRIMARY KEY (tenant_id, id),
  constraint phone_numbers_organization_key UNIQUE (tenant_id, organization_id, id),
  constraint phone_numbers_carrier_account_fkey FOREIGN KEY (tenant_id, carrier_account_id) REFERENCES carrier_accounts(tenant_id, id),
  constraint phone_numbers_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id),
  constraint phone_numbers_attach_check CHECK (attach_due_at IS NULL OR pending_reason IS NULL AND status <> 'released'::text),
  constraint phone_numbers_available_check CHECK ((status = 'available'::text) = (available_since IS NOT NULL)),
  constraint phone_numbers_carrier_check CHECK ((carrier_account_id IS NULL) = (carrier_number_id IS NULL)),
  constraint phone_numbers_country_check CHECK (country ~ '^[A-Z]{2}$'::text),
  constraint phone_numbers_e164_check CHECK (phone_number ~ '^\+[1-9][0-9]{6,14}$'::text),
  constraint phone_numbers_external_id_check CHECK (external_id <> ''::text),
  constraint phone_numbers_metadata_check CHECK (jsonb_typeof(metadata) = 'object'::text),
  constraint phone_numbers_nickname_check CHECK (nickname <> ''::text),
  constraint phone_numbers_pending_check CHECK (pending_reason IS NULL OR status = 'pending'::text),
  constraint phone_numbers_release_check CHECK (release_due_at IS NULL OR carrier_account_id IS NOT NULL AND status <> 'released'::text),
  constraint phone_numbers_release_problem_check CHECK (release_problem IS NULL OR release_due_at IS NOT NULL),
  constraint phone_numbers_released_check CHECK ((status = 'released'::text) = (released_at IS NOT NULL)),
  constraint phone_numbers_releasing_check CHECK (status <> 'releasing'::text OR until IS NOT NULL OR release_due_at IS NOT NULL),
  constraint phone_numbers_reserved_check CHECK ((status = 'reserved'::text) = (reservation_id IS NOT NULL)),
  constraint phone_numbers_status_check CHECK (status = ANY (ARRAY['pending'::text, 'available'::text, 'reserved'::text, 'assigned'::text, 'cooling_down'::text, 'releasing'::text, 'released'::text])),
  constraint phone_numbers_until_check CHECK (until IS NULL OR (status = ANY (ARRAY['reserved'::text, 'cooling_down'::text, 'releasing'::text])))
);
CREATE INDEX phone_numbers_attach_idx ON public.phone_numbers USING btree (tenant_id, carrier_account_id, attach_due_at) WHERE ((attach_due_at IS NOT NULL) AND (release_due_at IS NULL));
CREATE UNIQUE INDEX phone_numbers_carrier_key ON public.phone_numbers USING btree (tenant_id, carrier_account_id, carrier_number_id) WHERE ((released_at IS NULL) AND (carrier_account_id IS NOT NULL));
CREATE INDEX phone_numbers_created_idx ON public.phone_numbers USING btree (tenant_id, organization_id, created_at, phone_number) INCLUDE (transferred_at) WHERE (released_at IS NULL);
CREATE INDEX phone_numbers_expiry_idx ON public.phone_numbers USING btree (tenant_id, organization_id, until) WHERE (until IS NOT NULL);
CREATE UNIQUE INDEX phone_numbers_external_id_key ON public.phone_numbers USING btree (tenant_id, external_id) WHERE ((released_at IS NULL) AND (external_id IS NOT NULL));
CREATE INDEX phone_numbers_fee_idx ON public.phone_numbers USING btree (next_fee_at) WHERE (next_fee_at IS NOT NULL);
CREATE INDEX phone_numbers_list_idx ON public.phone_numbers USING btree (tenant_id, organization_id, phone_number) INCLUDE (id, pretty_phone_number, nickname, status, created_at) WHERE (released_at IS NULL);
CREATE UNIQUE INDEX phone_numbers_live_key ON public.phone_numbers USING btree (tenant_id, phone_number) WHERE (released_at IS NULL);
CREATE INDEX phone_numbers_number_idx ON public.phone_numbers USING btree (tenant_id, phone_number, created_at);
CREATE INDEX phone_numbers_pool_idx ON public.phone_numbers USING btree (tenant_id, organization_id, available_since, phone_number) WHERE (status = 'available'::text);
CREATE INDEX phone_numbers_release_idx ON public.phone_numbers USING btree (tenant_id, carrier_account_id, release_due_at) WHERE (release_due_at IS NOT NULL);
CREATE INDEX phone_numbers_reservation_idx ON public.phone_numbers USING btree (tenant_id, reservation_id) WHERE (reservation_id IS NOT NULL);
CREATE INDEX phone_numbers_transferred_idx ON public.phone_numbers USING btree (tenant_id, organization_id, transferred_at, phone_number) WHERE ((released_at IS NULL) AND (transferred_at IS NOT NULL));
CREATE INDEX phone_numbers_until_idx ON public.phone_numbers USING btree (until) WHERE (until IS NOT NULL);
CREATE TRIGGER number_counts_delete AFTER DELETE ON public.phone_numbers REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_number_counts();
CREATE TRIGGER number_counts_insert AFTER INSERT ON public.phone_numbers REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION keep_number_counts();
CREATE TRIGGER number_counts_update AFTER UPDATE ON public.phone_numbers REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION keep_number_counts();

create table sandbox_books (
  account text not null,
  book jsonb not null,
  constraint sandbox_books_pkey PRIMARY KEY (account)
);

create table tenants (
  id uuid not null,
  name text not null,
  cool_down_seconds integer not null default 0,
  transfer_cool_down_seconds integer not null default 3888000,
  release_undo_seconds integer not null default 0,
  low_stock_threshold integer,
  created_at timestamp with time zone not null default now(),
  purchases_enabled boolean not null default false,
  max_numbers_per_organization integer not null default 0,
  purchase_fee numeric(12,4) not null default 0,
  weekly_price numeric(12,4) not null default 0,
  monthly_spending_cap numeric(14,4),
  carrier_account_id uuid,
  time_zone text not null default 'UTC'::text,
  weekly_fee_for text not null default 'carrier'::text,
  fees_for_all_from timestamp with time zone,
  fees_for_all_to timestamp with time zone,
  fees_begun_after uuid,
  limits jsonb not null default '{}'::jsonb,
  constraint tenants_pkey PRIMARY KEY (id),
  constraint tenants_carrier_account_fkey FOREIGN KEY (id, carrier_account_id) REFERENCES carrier_accounts(tenant_id, id),
  constraint tenants_cool_down_seconds_check CHECK (cool_down_seconds >= 0),
  constraint tenants_fees_for_all_check CHECK ((weekly_fee_for = 'all'::text) = (fees_for_all_from IS NOT NULL AND fees_for_all_to IS NULL)),
  constraint tenants_fees_for_all_order_check CHECK (fees_for_all_to >= fees_for_all_from),
  constraint tenants_low_stock_threshold_check CHECK (low_stock_threshold > 0),
  constraint tenants_max_numbers_per_organization_check CHECK (max_numbers_per_organization >= 0),
  constraint tenants_monthly_spending_cap_check CHECK (monthly_spending_cap >= 0::numeric),
  constraint tenants_name_check CHECK (name <> ''::text),
  constraint tenants_purchase_fee_check CHECK (purchase_fee >= 0::numeric),
  constraint tenants_release_undo_seconds_check CHECK (release_undo_seconds >= 0),
  constraint tenants_time_zone_check CHECK (time_zone <> ''::text),
  constraint tenants_transfer_cool_down_seconds_check CHECK (transfer_cool_down_seconds >= 0),
  constraint tenants_weekly_fee_for_check CHECK (weekly_fee_for = ANY (ARRAY['carrier'::text, 'all'::text])),
  constraint tenants_weekly_price_check CHECK (weekly_price >= 0::numeric)
);

create table user_tokens (
  tenant_id uuid not null,
  organization_id uuid not null,
  user_id uuid not null,
  id uuid not null,
  hash bytea not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  limits jsonb,
  limits_of uuid,
  constraint user_tokens_pkey PRIMARY KEY (tenant_id, id),
  constraint user_tokens_hash_key UNIQUE (hash),
  constraint user_tokens_limits_of_fkey FOREIGN KEY (tenant_id, limits_of) REFERENCES api_keys(tenant_id, id),
  constraint user_tokens_user_fkey FOREIGN KEY (tenant_id, organization_id, user_id) REFERENCES users(tenant_id, organization_id, id)
);
CREATE INDEX user_tokens_limits_of_idx ON public.user_tokens USING btree (tenant_id, limits_of) WHERE (limits_of IS NOT NULL);
CREATE INDEX user_tokens_user_idx ON public.user_tokens USING btree (tenant_id, organization_id, user_id);

create table users (
  tenant_id uuid not null,
  organization_id uuid not null,
  id uuid not null,
  unique_id text collate "C" not null,
  name text not null,
  email text not null,
  phone text,
  permission text not null default 'user'::text,
  status text not null default 'active'::text,
  created_at timestamp with time zone not null default now(),
  modified_at timestamp with time zone not null default now(),
  constraint users_pkey PRIMARY KEY (tenant_id, organization_id, id),
  constraint users_unique_id_key UNIQUE (tenant_id, organization_id, unique_id),
  constraint users_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id),
  constraint users_email_check CHECK (email <> ''::text),
  constraint users_name_check CHECK (name <> ''::text),
  constraint users_permission_check CHECK (permission = ANY (ARRAY['admin'::text, 'user'::text])),
  constraint users_status_check CHECK (status = ANY (ARRAY['active'::text, 'inactive'::text, 'suspended'::text])),
  constraint users_unique_id_check CHECK (unique_id <> ''::text)
);
CREATE UNIQUE INDEX users_email_key ON public.users USING btree (tenant_id, organization_id, lower(email));
