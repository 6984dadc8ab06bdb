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
  constraint api_keys_pkey PRIMARY KEY (tenant_id, id),
  constraint api_keys_hash_key UNIQUE (hash),
  constraint api_keys_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id),
  constraint api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint api_keys_name_check CHECK (name <> ''::text),
  constraint api_keys_permission_check CHECK (permission = ANY (ARRAY['admin'::text, 'read'::text]))
) with (fillfactor=80);

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
CREATE INDEX assignments_number_idx ON public.assignments USING btree (tenant_id, phone_number_id, from_revision);
CREATE UNIQUE INDEX assignments_open_key ON public.assignments USING btree (tenant_id, phone_number_id) WHERE (ended_at IS NULL);
CREATE INDEX assignments_user_idx ON public.assignments USING btree (tenant_id, organization_id, user_id);

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

create table idempotency_keys (
  tenant_id uuid not null,
  key text collate "C" not null,
  request_hash bytea not null,
  status integer not null,
  body text not null,
  created_at timestamp with time zone not null default now(),
  constraint idempotency_keys_pkey PRIMARY KEY (tenant_id, key),
  constraint idempotency_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX idempotency_keys_created_idx ON public.idempotency_keys USING btree (created_at);

create table migrations (
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (name)
);

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
  constraint number_versions_pkey PRIMARY KEY (tenant_id, phone_number_id, organization_id, to_revision),
  constraint number_versions_number_fkey FOREIGN KEY (tenant_id, phone_number_id) REFERENCES phone_numbers(tenant_id, id),
  constraint number_versions_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id)
);
CREATE INDEX number_versions_as_of_idx ON public.number_versions USING btree (tenant_id, organization_id, to_revision, from_revision);

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
  constraint organizations_pkey PRIMARY KEY (tenant_id, id),
  constraint organizations_unique_id_key UNIQUE (tenant_id, unique_id),
  constraint organizations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
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
  constraint phone_numbers_pkey PRIMARY KEY (tenant_id, id),
  constraint phone_numbers_organization_key UNIQUE (tenant_id, organization_id, id),
  constraint phone_numbers_organization_fkey FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations(tenant_id, id),
  constraint phone_numbers_available_check CHECK ((status = 'available'::text) = (available_since IS NOT NULL)),
  constraint phone_numbers_country_check CHECK (country ~ '^[A-Z]{2}$'::text),
  constraint phone_numbers_e164_check CHECK (phone_number ~ '^\+[1-9][0-9]{6,14}$'::text),
  constraint phone_numbers_metadata_check CHECK (jsonb_typeof(metadata) = 'object'::text),
  constraint phone_numbers_nickname_check CHECK (nickname <> ''::text),
  constraint phone_numbers_released_check CHECK ((status = 'released'::text) = (released_at IS NOT NULL)),
  constraint phone_numbers_reserved_check CHECK ((status = 'reserved'::text) = (reservation_id IS NOT NULL)),
  constraint phone_numbers_status_check CHECK (status = ANY (ARRAY['pending'::text, 'available'::text, 'reserved'::text, 'assigned'::text, 'cooling_down'::text, 'releasing'::text, 'released'::text])),
  constraint phone_numbers_until_check CHECK (until IS NULL OR (status = ANY (ARRAY['reserved'::text, 'cooling_down'::text, 'releasing'::text])))
);
CREATE INDEX phone_numbers_list_idx ON public.phone_numbers USING btree (tenant_id, organization_id, phone_number) WHERE (released_at IS NULL);
CREATE UNIQUE INDEX phone_numbers_live_key ON public.phone_numbers USING btree (tenant_id, phone_number) WHERE (released_at IS NULL);
CREATE INDEX phone_numbers_number_idx ON public.phone_numbers USING btree (tenant_id, phone_number, created_at);
CREATE INDEX phone_numbers_pool_idx ON public.phone_numbers USING btree (tenant_id, organization_id, available_since, phone_number) WHERE (status = 'available'::text);
CREATE INDEX phone_numbers_reservation_idx ON public.phone_numbers USING btree (tenant_id, reservation_id) WHERE (reservation_id IS NOT NULL);
CREATE INDEX phone_numbers_until_idx ON public.phone_numbers USING btree (until) WHERE (until IS NOT NULL);

create table tenants (
  id uuid not null,
  name text not null,
  cool_down_seconds integer not null default 0,
  transfer_cool_down_seconds integer not null default 3888000,
  release_undo_seconds integer not null default 0,
  low_stock_threshold integer,
  created_at timestamp with time zone not null default now(),
  constraint tenants_pkey PRIMARY KEY (id),
  constraint tenants_cool_down_seconds_check CHECK (cool_down_seconds >= 0),
  constraint tenants_low_stock_threshold_check CHECK (low_stock_threshold > 0),
  constraint tenants_name_check CHECK (name <> ''::text),
  constraint tenants_release_undo_seconds_check CHECK (release_undo_seconds >= 0),
  constraint tenants_transfer_cool_down_seconds_check CHECK (transfer_cool_down_seconds >= 0)
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
  constraint user_tokens_pkey PRIMARY KEY (tenant_id, id),
  constraint user_tokens_hash_key UNIQUE (hash),
  constraint user_tokens_user_fkey FOREIGN KEY (tenant_id, organization_id, user_id) REFERENCES users(tenant_id, organization_id, id)
);
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
