-- Tenants own everything. Every key begins with the tenant, so that a reference across tenants cannot be written,
-- and so that the tables can one day be distributed by tenant.
-- Text that is compared or sorted for the product's own sake is COLLATE "C": the order must not hang on the machine.

create table tenants (
  id uuid primary key,
  name text not null check (name <> ''),
  -- How long a number rests before it is available again: when it is unassigned, and when it changes organizations.
  cool_down_seconds integer not null default 0 check (cool_down_seconds >= 0),
  transfer_cool_down_seconds integer not null default 3888000 check (transfer_cool_down_seconds >= 0), -- 45 days
  -- For how long a release can be taken back.
  release_undo_seconds integer not null default 0 check (release_undo_seconds >= 0),
  -- An organization with fewer available numbers than this is low on stock; null for no such limit.
  low_stock_threshold integer check (low_stock_threshold > 0),
  created_at timestamptz not null default now()
);

create table organizations (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  unique_id text collate "C" not null check (unique_id <> ''),
  name text not null check (name <> ''),
  contact_email text,
  status text not null default 'active' check (status in ('active', 'suspended', 'inactive')),
  sms_active boolean not null default false,
  sms_registration_status text not null default 'not_started'
    check (sms_registration_status in ('not_started', 'brand_created', 'pending_approval', 'approved', 'rejected')),
  registration_submitted_at timestamptz,
  registration_approved_at timestamptz,
  -- The number of the last change to the organization or to anything in it; see ARCHITECTURE.md.
  revision bigint not null default 0,
  -- The moment of that change; the next one is never dated before it, whatever the clocks do.
  revised_at timestamptz not null default '-infinity',
  created_at timestamptz not null default now(),
  modified_at timestamptz not null default now(),
  constraint organizations_pkey primary key (tenant_id, id),
  constraint organizations_unique_id_key unique (tenant_id, unique_id)
) with (fillfactor = 80); -- every change rewrites `revision`: leave room for it on the same page

create table api_keys (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text not null check (name <> ''),
  -- SHA-256 of the whole key. The key is random and long, so a slow hash would protect nothing.
  hash bytea not null,
  -- How the key begins: enough for a person to tell it from others.
  prefix text not null,
  permission text not null check (permission in ('admin', 'read')),
  -- Set: the key is blind to every other organization.
  organization_id uuid,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  constraint api_keys_pkey primary key (tenant_id, id),
  constraint api_keys_hash_key unique (hash),
  constraint api_keys_organization_fkey foreign key (tenant_id, organization_id) references organizations (tenant_id, id)
) with (fillfactor = 80);

create table users (
  tenant_id uuid not null,
  organization_id uuid not null,
  id uuid not null,
  -- Unique within the organization: a client that brings its own ids may use one id in several organizations.
  unique_id text collate "C" not null check (unique_id <> ''),
  name text not null check (name <> ''),
  email text not null check (email <> ''),
  phone text,
  permission text not null default 'user' check (permission in ('admin', 'user')),
  status text not null default 'active' check (status in ('active', 'inactive', 'suspended')),
  created_at timestamptz not null default now(),
  modified_at timestamptz not null default now(),
  constraint users_pkey primary key (tenant_id, organization_id, id),
  constraint users_unique_id_key unique (tenant_id, organization_id, unique_id),
  constraint users_organization_fkey foreign key (tenant_id, organization_id) references organizations (tenant_id, id)
);
-- Two writings of one address are one address.
create unique index users_email_key on users (tenant_id, organization_id, lower(email));

-- What a user calls with, for a while: minted by an admin key, hashed like one.
create table user_tokens (
  tenant_id uuid not null,
  organization_id uuid not null,
  user_id uuid not null,
  id uuid not null,
  hash bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  constraint user_tokens_pkey primary key (tenant_id, id),
  constraint user_tokens_hash_key unique (hash),
  constraint user_tokens_user_fkey foreign key (tenant_id, organization_id, user_id)
    references users (tenant_id, organization_id, id)
);
create index user_tokens_user_idx on user_tokens (tenant_id, organization_id, user_id);

-- One record is one tenure of a number: from the day that it came until it is released.
create table phone_numbers (
  tenant_id uuid not null,
  organization_id uuid not null,
  id uuid not null,
  phone_number text collate "C" not null constraint phone_numbers_e164_check check (phone_number ~ '^\+[1-9][0-9]{6,14}$'),
  pretty_phone_number text not null,
  -- ISO 3166-1 alpha-2, from the number itself; null where the numbering plan does not tell.
  country text check (country ~ '^[A-Z]{2}$'),
  -- The North American numbering plan's area code; other plans have none of a fixed length.
  area_code text collate "C" generated always as (case when phone_number like '+1%' then substr(phone_number, 3, 3) end) stored,
  nickname text check (nickname <> ''),
  status text not null default 'available'
    check (status in ('pending', 'available', 'reserved', 'assigned', 'cooling_down', 'releasing', 'released')),
  tags text[] not null default '{}',
  -- A locked number cannot be released.
  locked boolean not null default false,
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  -- When the present status ends by itself: a reservation, a cool-down, the time in which a release can be undone.
  until timestamptz,
  reservation_id uuid,
  reservation_note text,
  -- Since when it has been available; the number that has been free the longest is handed out first.
  available_since timestamptz,
  -- The revision of its organization at which it became as it is now; what it was before is in number_versions.
  since_revision bigint not null,
  created_at timestamptz not null default now(),
  modified_at timestamptz not null default now(),
  released_at timestamptz,
  constraint phone_numbers_reserved_check check ((status = 'reserved') = (reservation_id is not null)),
  constraint phone_numbers_until_check check (until is null or status in ('reserved', 'cooling_down', 'releasing')),
  constraint phone_numbers_available_check check ((status = 'available') = (available_since is not null)),
  constraint phone_numbers_pkey primary key (tenant_id, id),
  constraint phone_numbers_organization_key unique (tenant_id, organization_id, id),
  constraint phone_numbers_organization_fkey foreign key (tenant_id, organization_id) references organizations (tenant_id, id),
  constraint phone_numbers_released_check check ((status = 'released') = (released_at is not null))
);
-- One live record of a number in a tenant.
create unique index phone_numbers_live_key on phone_numbers (tenant_id, phone_number) where released_at is null;
-- The list of an organization, in its order.
create index phone_numbers_list_idx on phone_numbers (tenant_id, organization_id, phone_number) where released_at is null;

-- What can be handed out, the longest free first.
create index phone_numbers_pool_idx on phone_numbers (tenant_id, organization_id, available_since, phone_number)
  where status = 'available';
-- What ends by itself, the soonest first.
create index phone_numbers_until_idx on phone_numbers (until) where until is not null;
create index phone_numbers_reservation_idx on phone_numbers (tenant_id, reservation_id) where reservation_id is not null;
-- Every tenure of a number in a tenant, released ones too.
create index phone_numbers_number_idx on phone_numbers (tenant_id, phone_number, created_at);

-- What a number was before it became what phone_numbers says: a row for each state that has ended, with the revisions
-- of its organization between which it held. Together they answer how things were at any revision.
create table number_versions (
  tenant_id uuid not null,
  organization_id uuid not null,
  phone_number_id uuid not null,
  from_revision bigint not null,
  -- The revision that ended it; the first at which it no longer held.
  to_revision bigint not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  phone_number text collate "C" not null,
  pretty_phone_number text not null,
  nickname text,
  status text not null,
  tags text[] not null,
  locked boolean not null,
  metadata jsonb not null,
  until timestamptz,
  reservation_id uuid,
  reservation_note text,
  created_at timestamptz not null,
  constraint number_versions_pkey primary key (tenant_id, phone_number_id, organization_id, to_revision),
  constraint number_versions_number_fkey foreign key (tenant_id, phone_number_id) references phone_numbers (tenant_id, id),
  constraint number_versions_organization_fkey foreign key (tenant_id, organization_id) references organizations (tenant_id, id)
);
create index number_versions_as_of_idx on number_versions (tenant_id, organization_id, to_revision, from_revision);

-- One row is one user's tenure of a number.
create table assignments (
  tenant_id uuid not null,
  organization_id uuid not null,
  id uuid not null,
  phone_number_id uuid not null,
  user_id uuid not null,
  assigned_at timestamptz not null,
  ended_at timestamptz,
  -- The revisions at which it began and ended.
  from_revision bigint not null,
  to_revision bigint,
  -- While the assignment is open the number must be in the user's organization; a closed one is history, and the
  -- number may have moved on. A null in a foreign key is not checked.
  open_organization_id uuid generated always as (case when ended_at is null then organization_id end) stored,
  constraint assignments_ended_check check ((ended_at is null) = (to_revision is null)),
  constraint assignments_pkey primary key (tenant_id, id),
  constraint assignments_phone_number_fkey foreign key (tenant_id, phone_number_id) references phone_numbers (tenant_id, id),
  constraint assignments_open_fkey foreign key (tenant_id, open_organization_id, phone_number_id)
    references phone_numbers (tenant_id, organization_id, id),
  constraint assignments_user_fkey foreign key (tenant_id, organization_id, user_id)
    references users (tenant_id, organization_id, id)
);
-- One open assignment of a number.
create unique index assignments_open_key on assignments (tenant_id, phone_number_id) where ended_at is null;
-- Who had a number, and when.
create index assignments_number_idx on assignments (tenant_id, phone_number_id, from_revision);
create index assignments_user_idx on assignments (tenant_id, organization_id, user_id);

-- The log: what each revision of an organization changed. Nothing is ever updated or deleted here.
create table events (
  tenant_id uuid not null,
  organization_id uuid not null,
  revision bigint not null check (revision > 0),
  -- The place within the revision, from 0.
  ordinal integer not null default 0 check (ordinal >= 0),
  type text not null,
  -- The writer's clock, for people. The order of the log is (revision, ordinal), never this.
  at timestamptz not null,
  actor_type text not null check (actor_type in ('key', 'user', 'system')),
  actor_id text not null,
  request_id text,
  data jsonb not null,
  constraint events_pkey primary key (tenant_id, organization_id, revision, ordinal),
  constraint events_organization_fkey foreign key (tenant_id, organization_id) references organizations (tenant_id, id)
);
-- Which revision an organization was at, at a moment.
create index events_at_idx on events (tenant_id, organization_id, at, revision);

-- What one bulk event brought, in pieces, so that the log can be replayed without a row for each number.
create table batch_items (
  tenant_id uuid not null,
  organization_id uuid not null,
  batch_id uuid not null,
  piece integer not null check (piece >= 0),
  items jsonb not null,
  constraint batch_items_pkey primary key (tenant_id, batch_id, piece),
  constraint batch_items_organization_fkey foreign key (tenant_id, organization_id) references organizations (tenant_id, id)
);

-- The answers to requests that carried an Idempotency-Key, kept for a day so that a repeat gets the same one.
create table idempotency_keys (
  tenant_id uuid not null,
  key text collate "C" not null,
  request_hash bytea not null,
  status integer not null,
  body text not null,
  created_at timestamptz not null default now(),
  constraint idempotency_keys_pkey primary key (tenant_id, key),
  constraint idempotency_keys_tenant_fkey foreign key (tenant_id) references tenants (id)
);
create index idempotency_keys_created_idx on idempotency_keys (created_at);
