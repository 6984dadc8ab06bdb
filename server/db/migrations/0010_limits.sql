-- breaking: no

-- Adds only columns and tables: a server of the version before works on beside it, and knows no limits.

-- What the operator allows the tenant. A limit that is not here is the server's own, or none.
alter table tenants add column limits jsonb not null default '{}';
-- Rises when a tenant's limits change. Every look-up brings it along, so servers know when theirs are old.
create table limits_version (
  version bigint not null,
  only_row boolean primary key default true check (only_row)
);
insert into limits_version (version) values (1);

-- What the tenant allows the key; null: nothing of its own. A key or token that a bound key creates counts towards the
-- limits of that key, and has a copy of them.
alter table api_keys
  add column limits jsonb,
  add column limits_of uuid,
  add constraint api_keys_limits_of_fkey foreign key (tenant_id, limits_of) references api_keys (tenant_id, id);
create index api_keys_limits_of_idx on api_keys (tenant_id, limits_of) where limits_of is not null;
alter table user_tokens
  add column limits jsonb,
  add column limits_of uuid,
  add constraint user_tokens_limits_of_fkey foreign key (tenant_id, limits_of) references api_keys (tenant_id, id);
create index user_tokens_limits_of_idx on user_tokens (tenant_id, limits_of) where limits_of is not null;

-- Tenants whose live numbers are limited. `counted` is never less than the live numbers and open orders.
create table number_limits (
  tenant_id uuid primary key references tenants (id),
  numbers_max bigint not null check (numbers_max >= 0),
  counted bigint not null
) with (fillfactor = 50);

-- What was used on a day in UTC, by the tenant as a whole (without a key) and by each key with limits.
create table daily_use (
  tenant_id uuid not null references tenants (id),
  key_id uuid,
  day date not null,
  requests bigint not null,
  import_bytes bigint not null,
  constraint daily_use_key unique nulls not distinct (tenant_id, key_id, day),
  constraint daily_use_key_fkey foreign key (tenant_id, key_id) references api_keys (tenant_id, id)
) with (fillfactor = 50);
