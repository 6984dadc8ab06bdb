-- Carriers: accounts, orders, what is paid, and the comparison of the carrier's book with ours.
-- Money is US dollars with four decimals. `version` counts the writes of a row that work is done on: whoever works
-- writes only over the version that they have read. `next_at`, and every `…_due_at`: when somebody is to go on with it;
-- null when there is nothing to do. Whoever takes it sets it ahead by what the step may take, so a server that dies
-- leaves nothing lying.

create table carrier_accounts (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  carrier text not null,
  name text not null check (name <> ''),
  -- Encrypted; see server/carriers/vault.ts.
  credentials bytea not null,
  status text not null default 'active' check (status in ('active', 'disabled')),
  -- Whose the credentials are, as the carrier says; null until they were tested. Others must be of the same.
  owner text,
  -- When its credentials last worked, and why they do not, if they do not.
  verified_at timestamptz,
  problem text,
  -- Every so many seconds its book is compared with ours; null for never.
  compare_every_seconds integer check (compare_every_seconds >= 3600),
  compare_due_at timestamptz,
  created_at timestamptz not null default now(),
  modified_at timestamptz not null default now(),
  constraint carrier_accounts_pkey primary key (tenant_id, id),
  constraint carrier_accounts_name_key unique (tenant_id, name)
);
create index carrier_accounts_compare_idx on carrier_accounts (compare_due_at) where compare_due_at is not null;

-- What the sandbox remembers: it is a carrier of our own.
create table sandbox_books (
  account text primary key,
  book jsonb not null
);

alter table tenants
  -- Whether organizations may buy numbers, and how many each may have.
  add column purchases_enabled boolean not null default false,
  add column max_numbers_per_organization integer not null default 0 check (max_numbers_per_organization >= 0),
  add column purchase_fee numeric(12, 4) not null default 0 check (purchase_fee >= 0),
  add column weekly_price numeric(12, 4) not null default 0 check (weekly_price >= 0),
  -- What an organization may be charged in a calendar month (UTC); null for no such limit.
  add column monthly_spending_cap numeric(14, 4) check (monthly_spending_cap >= 0),
  -- The account that buys, where the organization has none of its own.
  add column carrier_account_id uuid,
  add constraint tenants_carrier_account_fkey foreign key (id, carrier_account_id) references carrier_accounts (tenant_id, id);

alter table organizations
  add column carrier_account_id uuid,
  add column monthly_spending_cap numeric(14, 4) check (monthly_spending_cap >= 0),
  -- The carrier's side of the 10DLC registration: Twilio's Messaging Service or Telnyx' messaging profile, and campaign.
  add column messaging_service_id text check (messaging_service_id <> ''),
  add column campaign_id text check (campaign_id <> ''),
  add constraint organizations_carrier_account_fkey foreign key (tenant_id, carrier_account_id) references carrier_accounts (tenant_id, id);

alter table phone_numbers
  -- Where it comes from; both null for a number that no carrier account manages.
  add column carrier_account_id uuid,
  add column carrier_number_id text,
  -- Why it is still pending, where the carrier has refused to attach it.
  add column pending_reason text,
  add column attach_due_at timestamptz,
  -- Set: it is being released at the carrier, and is handed to nobody meanwhile.
  add column release_due_at timestamptz,
  -- Why the carrier has not released it yet.
  add column release_problem text,
  -- How often in a row the carrier was asked for that in vain: the pause grows with it.
  add column attach_attempts integer not null default 0,
  add column release_attempts integer not null default 0,
  -- When its next week begins, which is charged then.
  add column next_fee_at timestamptz,
  add constraint phone_numbers_carrier_account_fkey foreign key (tenant_id, carrier_account_id) references carrier_accounts (tenant_id, id),
  add constraint phone_numbers_carrier_check check ((carrier_account_id is null) = (carrier_number_id is null)),
  add constraint phone_numbers_pending_check check (pending_reason is null or status = 'pending'),
  add constraint phone_numbers_release_check check (release_due_at is null or (carrier_account_id is not null and status <> 'released')),
  -- Once it cannot be taken back any more, somebody goes on with it.
  add constraint phone_numbers_releasing_check check (status <> 'releasing' or until is not null or release_due_at is not null),
  add constraint phone_numbers_release_problem_check check (release_problem is null or release_due_at is not null),
  add constraint phone_numbers_attach_check check (attach_due_at is null or (status = 'pending' and pending_reason is null));
create unique index phone_numbers_carrier_key on phone_numbers (tenant_id, carrier_account_id, carrier_number_id)
  where released_at is null and carrier_account_id is not null;
create index phone_numbers_attach_idx on phone_numbers (attach_due_at) where attach_due_at is not null;
create index phone_numbers_release_idx on phone_numbers (release_due_at) where release_due_at is not null;
create index phone_numbers_fee_idx on phone_numbers (next_fee_at) where next_fee_at is not null;

alter table number_versions
  add column carrier_account_id uuid,
  add column carrier_number_id text,
  add column pending_reason text;

-- One order is one purchase, from intention to number.
create table orders (
  tenant_id uuid not null,
  organization_id uuid not null,
  id uuid not null,
  -- The request for many that it came with.
  bulk_id uuid,
  carrier_account_id uuid not null,
  -- placed: nothing is bought. buying: the carrier is being asked for `phone_number`. settling: it may have sold it, and
  -- is asked until that is known.
  status text not null default 'placed' check (status in ('placed', 'buying', 'settling', 'bought', 'failed', 'cancelled')),
  country text not null,
  area_code text,
  -- The number that was asked for, where it was one in particular.
  wanted_number text collate "C",
  user_id uuid,
  nickname text check (nickname <> ''),
  -- As they were when the order was placed.
  purchase_fee numeric(12, 4) not null,
  weekly_price numeric(12, 4) not null,
  -- The candidate that the carrier is asked for, or the number that was bought.
  phone_number text collate "C",
  -- The reference that this attempt was made with, and when.
  reference text,
  attempted_at timestamptz,
  -- Candidates that were gone or not to be had.
  tried text[] not null default '{}',
  attempts integer not null default 0,
  -- How often in a row the carrier has said that it knows nothing of the purchase.
  polls integer not null default 0,
  phone_number_id uuid,
  failure_code text,
  failure text,
  next_at timestamptz,
  version integer not null default 1,
  actor_type text not null check (actor_type in ('key', 'user', 'system')),
  actor_id text not null,
  request_id text,
  created_at timestamptz not null,
  modified_at timestamptz not null,
  finished_at timestamptz,
  constraint orders_pkey primary key (tenant_id, id),
  constraint orders_organization_fkey foreign key (tenant_id, organization_id) references organizations (tenant_id, id),
  constraint orders_carrier_account_fkey foreign key (tenant_id, carrier_account_id) references carrier_accounts (tenant_id, id),
  constraint orders_user_fkey foreign key (tenant_id, organization_id, user_id) references users (tenant_id, organization_id, id),
  constraint orders_phone_number_fkey foreign key (tenant_id, phone_number_id) references phone_numbers (tenant_id, id),
  constraint orders_bought_check check ((status = 'bought') = (phone_number_id is not null)),
  constraint orders_failed_check check ((status = 'failed') = (failure is not null)),
  constraint orders_candidate_check check (status not in ('buying', 'settling') or (phone_number is not null and reference is not null and attempted_at is not null)),
  constraint orders_finished_check check ((status in ('bought', 'failed', 'cancelled')) = (finished_at is not null))
);
-- Two orders never ask for one number at once.
create unique index orders_candidate_key on orders (tenant_id, carrier_account_id, phone_number) where status in ('buying', 'settling');
-- A number has come from at most one order.
create unique index orders_phone_number_key on orders (tenant_id, phone_number_id) where phone_number_id is not null;
create index orders_organization_idx on orders (tenant_id, organization_id, created_at, id);
create index orders_open_idx on orders (tenant_id, organization_id) where status in ('placed', 'buying', 'settling');
create index orders_bulk_idx on orders (tenant_id, bulk_id) where bulk_id is not null;
create index orders_next_idx on orders (next_at) where next_at is not null;

-- What an organization is charged. Nothing is ever updated or deleted here.
create table charges (
  tenant_id uuid not null,
  organization_id uuid not null,
  id uuid not null,
  type text not null check (type in ('number.purchase_fee', 'number.weekly_fee', 'number.released')),
  phone_number_id uuid not null,
  phone_number text collate "C" not null,
  order_id uuid,
  -- 0 for what only says that charges end, and for nothing else: a fee of nothing is no charge.
  amount numeric(12, 4) not null check (amount >= 0),
  -- A weekly fee is for the seven days from here.
  period_start timestamptz not null,
  -- When it was charged, which says in which month it counts.
  at timestamptz not null,
  constraint charges_pkey primary key (tenant_id, id),
  constraint charges_organization_fkey foreign key (tenant_id, organization_id) references organizations (tenant_id, id),
  constraint charges_phone_number_fkey foreign key (tenant_id, phone_number_id) references phone_numbers (tenant_id, id),
  constraint charges_order_fkey foreign key (tenant_id, order_id) references orders (tenant_id, id),
  constraint charges_nothing_check check ((type = 'number.released') = (amount = 0))
);
-- Each week of a number once, and everything else once in its life.
create unique index charges_week_key on charges (tenant_id, phone_number_id, period_start) where type = 'number.weekly_fee';
create unique index charges_once_key on charges (tenant_id, phone_number_id, type) where type <> 'number.weekly_fee';
create index charges_organization_idx on charges (tenant_id, organization_id, at, id);
create index charges_tenant_idx on charges (tenant_id, at, id);

-- One going-through of everything that an account owns: to compare it with our book, or to take it over.
create table carrier_runs (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  carrier_account_id uuid not null,
  type text not null check (type in ('compare', 'adopt')),
  -- listing: pages are read. comparing: what was read is set against our book. adopting: numbers are taken over.
  -- doubtful: the carrier's list cannot be right, and nothing is said to be missing.
  status text not null default 'listing' check (status in ('listing', 'comparing', 'adopting', 'done', 'doubtful', 'failed')),
  -- An adoption that only tells what it would do.
  dry_run boolean not null default false,
  -- Where an adoption puts numbers: its rules in their order, and by number what goes before them; emptied at the end.
  rules jsonb not null default '[]',
  map jsonb not null default '{}',
  -- So many of our numbers may be missing before the list is doubted; null for as many as is usual.
  may_be_missing integer check (may_be_missing >= 0),
  -- Where to go on reading.
  next_page text,
  counts jsonb not null default '{}',
  -- What an adoption does, or would do, by organization.
  plan jsonb,
  -- While it runs: why it is waiting. At the end: what there is to say against it.
  problem text,
  next_at timestamptz,
  version integer not null default 1,
  -- How often in a row it could not go on.
  attempts integer not null default 0,
  actor_type text not null check (actor_type in ('key', 'user', 'system')),
  actor_id text not null,
  request_id text,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint carrier_runs_pkey primary key (tenant_id, id),
  constraint carrier_runs_account_fkey foreign key (tenant_id, carrier_account_id) references carrier_accounts (tenant_id, id),
  constraint carrier_runs_finished_check check ((status in ('done', 'doubtful', 'failed')) = (finished_at is not null)),
  constraint carrier_runs_next_check check ((finished_at is null) = (next_at is not null))
);
create index carrier_runs_account_idx on carrier_runs (tenant_id, carrier_account_id, id);
-- One at a time goes through an account.
create unique index carrier_runs_running_key on carrier_runs (tenant_id, carrier_account_id) where finished_at is null;
create index carrier_runs_next_idx on carrier_runs (next_at) where next_at is not null;

-- What the carrier has listed in a run, for as long as the run lasts.
create table carrier_stock (
  tenant_id uuid not null,
  run_id uuid not null,
  phone_number text collate "C" not null,
  carrier_number_id text not null,
  name text,
  tags text[] not null default '{}',
  reference text,
  subaccount text,
  -- Where the rules put it; null where none fits.
  wanted_organization_id uuid,
  constraint carrier_stock_pkey primary key (tenant_id, run_id, phone_number),
  constraint carrier_stock_run_fkey foreign key (tenant_id, run_id) references carrier_runs (tenant_id, id)
);

-- Where the two books differ, as of a run.
create table carrier_drift (
  tenant_id uuid not null,
  run_id uuid not null,
  phone_number text collate "C" not null,
  -- not_here: at the carrier only. not_there: in our book only. different: in both, and not the same.
  pile text not null check (pile in ('not_here', 'not_there', 'different')),
  -- Which has it here; null where none does.
  organization_id uuid,
  -- Where an adoption's rules put it; null where none fits.
  wanted_organization_id uuid,
  -- What the adoption does about it by itself; null for nothing.
  step text check (step in ('adopt', 'link')),
  -- As the carrier says; for a number that it does not have, as we do.
  carrier_number_id text not null,
  name text,
  tags text[] not null default '{}',
  reference text,
  subaccount text,
  differences jsonb not null default '[]',
  resolution text check (resolution in ('adopted', 'linked', 'forgotten', 'ignored', 'released_at_carrier')),
  resolved_at timestamptz,
  resolved_by_type text check (resolved_by_type in ('key', 'user', 'system')),
  resolved_by_id text,
  constraint carrier_drift_pkey primary key (tenant_id, run_id, phone_number),
  constraint carrier_drift_run_fkey foreign key (tenant_id, run_id) references carrier_runs (tenant_id, id),
  constraint carrier_drift_organization_fkey foreign key (tenant_id, organization_id) references organizations (tenant_id, id),
  constraint carrier_drift_wanted_fkey foreign key (tenant_id, wanted_organization_id) references organizations (tenant_id, id),
  constraint carrier_drift_target_check check (step is null or wanted_organization_id is not null),
  constraint carrier_drift_resolved_check check (
    (resolution is null) = (resolved_at is null) and (resolution is null) = (resolved_by_type is null)
    and (resolution is null) = (resolved_by_id is null))
);
create index carrier_drift_pile_idx on carrier_drift (tenant_id, run_id, pile, phone_number) where resolved_at is null;
create index carrier_drift_step_idx on carrier_drift (tenant_id, run_id, wanted_organization_id, phone_number)
  where step is not null and resolved_at is null;
