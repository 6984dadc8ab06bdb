-- breaking: no

-- How many numbers an organization has, by area code and status, and how many each user has: a summary counts nothing.
-- Triggers keep the counts, once for each statement. So no code can forget them, not even a server of the version before.
-- Whoever changes a status, an organization or an assignment has locked the organization: these rows are waited for by
-- nobody else.
create table number_counts (
  tenant_id uuid not null,
  organization_id uuid not null,
  area_code text collate "C" not null, -- '' for numbers that have none
  status text collate "C" not null,
  count bigint not null,
  primary key (tenant_id, organization_id, area_code, status),
  constraint number_counts_organization_fkey
    foreign key (tenant_id, organization_id) references organizations (tenant_id, id)
) with (fillfactor = 50);

create table holder_counts (
  tenant_id uuid not null,
  organization_id uuid not null,
  user_id uuid not null,
  count bigint not null,
  primary key (tenant_id, organization_id, user_id),
  constraint holder_counts_user_fkey
    foreign key (tenant_id, organization_id, user_id) references users (tenant_id, organization_id, id)
) with (fillfactor = 50);

-- Every change locks an organization's row first. With this lock none of them is under way, so none can deadlock with the
-- locks that triggers take. Until the migration commits there are no changes, for about a second for a million numbers.
-- Reads go on.
lock table organizations in exclusive mode;

create function keep_number_counts() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into number_counts as kept (tenant_id, organization_id, area_code, status, count)
    select tenant_id, organization_id, coalesce(area_code, ''), status, count(*) from come where released_at is null group by 1, 2, 3, 4
    on conflict (tenant_id, organization_id, area_code, status) do update set count = kept.count + excluded.count;
  elsif tg_op = 'DELETE' then
    insert into number_counts as kept (tenant_id, organization_id, area_code, status, count)
    select tenant_id, organization_id, coalesce(area_code, ''), status, -count(*) from gone where released_at is null group by 1, 2, 3, 4
    on conflict (tenant_id, organization_id, area_code, status) do update set count = kept.count + excluded.count;
  else
    insert into number_counts as kept (tenant_id, organization_id, area_code, status, count)
    select tenant_id, organization_id, coalesce(area_code, ''), status, sum(n) from (
      select tenant_id, organization_id, area_code, status, 1 as n from come where released_at is null
      union all
      select tenant_id, organization_id, area_code, status, -1 from gone where released_at is null) moved
    group by 1, 2, 3, 4 having sum(n) <> 0
    on conflict (tenant_id, organization_id, area_code, status) do update set count = kept.count + excluded.count;
  end if;
  return null;
end $$;
create trigger number_counts_insert after insert on phone_numbers
  referencing new table as come for each statement execute function keep_number_counts();
create trigger number_counts_update after update on phone_numbers
  referencing old table as gone new table as come for each statement execute function keep_number_counts();
create trigger number_counts_delete after delete on phone_numbers
  referencing old table as gone for each statement execute function keep_number_counts();
insert into number_counts
  select tenant_id, organization_id, coalesce(area_code, ''), status, count(*) from phone_numbers where released_at is null group by 1, 2, 3, 4;

create function keep_holder_counts() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into holder_counts as kept (tenant_id, organization_id, user_id, count)
    select tenant_id, organization_id, user_id, count(*) from come where ended_at is null group by 1, 2, 3
    on conflict (tenant_id, organization_id, user_id) do update set count = kept.count + excluded.count;
  elsif tg_op = 'DELETE' then
    insert into holder_counts as kept (tenant_id, organization_id, user_id, count)
    select tenant_id, organization_id, user_id, -count(*) from gone where ended_at is null group by 1, 2, 3
    on conflict (tenant_id, organization_id, user_id) do update set count = kept.count + excluded.count;
  else
    insert into holder_counts as kept (tenant_id, organization_id, user_id, count)
    select tenant_id, organization_id, user_id, sum(n) from (
      select tenant_id, organization_id, user_id, 1 as n from come where ended_at is null
      union all
      select tenant_id, organization_id, user_id, -1 from gone where ended_at is null) moved
    group by 1, 2, 3 having sum(n) <> 0
    on conflict (tenant_id, organization_id, user_id) do update set count = kept.count + excluded.count;
  end if;
  return null;
end $$;
create trigger holder_counts_insert after insert on assignments
  referencing new table as come for each statement execute function keep_holder_counts();
create trigger holder_counts_update after update on assignments
  referencing old table as gone new table as come for each statement execute function keep_holder_counts();
create trigger holder_counts_delete after delete on assignments
  referencing old table as gone for each statement execute function keep_holder_counts();
insert into holder_counts
  select tenant_id, organization_id, user_id, count(*) from assignments where ended_at is null group by 1, 2, 3;

-- PostgreSQL does not inline a strict function whose body is not strict: a search for a nickname took three times as long.
alter function fold(text) called on null input;
