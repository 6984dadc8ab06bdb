-- What a purchase wants, if not one number in particular. Area codes stand in the order of preference. `starts_with` is
-- E.164 as far as it was given (`+1415`). In `contains` a `*` stands for any one digit.
alter table orders
  add column area_codes text[] not null default '{}',
  add column starts_with text collate "C" check (starts_with <> ''),
  add column ends_with text collate "C" check (ends_with <> ''),
  add column contains text collate "C" check (contains <> ''),
  add column toll_free boolean not null default false;
update orders set area_codes = array[area_code] where area_code is not null;
alter table orders drop column area_code;

-- When it came into its organization from another one; null if it was there from the beginning.
alter table phone_numbers add column transferred_at timestamptz;
update phone_numbers n set transferred_at = arrived.at
from (
  select l.tenant_id, l.id, max(v.to_at) as at
  from phone_numbers l join number_versions v
    on v.tenant_id = l.tenant_id and v.phone_number_id = l.id and v.organization_id <> l.organization_id
  where l.released_at is null
  group by l.tenant_id, l.id
) arrived
where n.tenant_id = arrived.tenant_id and n.id = arrived.id;
-- An organization's first number is the earlier of two: the first of those that were there from the beginning, and the
-- first of those that were transferred. Only transferred numbers are in the second index, so others cost nothing more.
drop index phone_numbers_created_idx;
create index phone_numbers_created_idx on phone_numbers (tenant_id, organization_id, created_at, phone_number)
  include (transferred_at) where released_at is null;
create index phone_numbers_transferred_idx on phone_numbers (tenant_id, organization_id, transferred_at, phone_number)
  where released_at is null and transferred_at is not null;

alter table tenants
  -- The numbers that the weekly price is charged for: those of carrier accounts, or all.
  add column weekly_fee_for text not null default 'carrier' check (weekly_fee_for in ('carrier', 'all')),
  -- When it was last set to `all`, and when that ended. Weeks that begin in between are charged for every number, however
  -- late the job comes.
  add column fees_for_all_from timestamptz,
  add column fees_for_all_to timestamptz,
  -- The last number, by id, that a job has given its first week since then; null if it has gone through all.
  add column fees_begun_after uuid,
  add constraint tenants_fees_for_all_check
    check ((weekly_fee_for = 'all') = (fees_for_all_from is not null and fees_for_all_to is null)),
  add constraint tenants_fees_for_all_order_check check (fees_for_all_to >= fees_for_all_from);
