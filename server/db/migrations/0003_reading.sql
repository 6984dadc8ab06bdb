-- What a list reads lies together: one stretch of one index for the numbers, one for who has them, whatever order their
-- rows came in. `include` has what a list shows, so that nothing else is read while few rows have changed lately.
drop index phone_numbers_list_idx;
create index phone_numbers_list_idx on phone_numbers (tenant_id, organization_id, phone_number)
  include (id, pretty_phone_number, nickname, status, created_at) where released_at is null;
create index assignments_holder_idx on assignments (tenant_id, open_organization_id, phone_number_id)
  include (user_id, assigned_at) where ended_at is null;

-- The list in the order of their coming, page by page.
create index phone_numbers_created_idx on phone_numbers (tenant_id, organization_id, created_at, phone_number)
  where released_at is null;

-- What was, in the order of the list, so that a page of the past is read like one of the present.
drop index number_versions_as_of_idx;
create index number_versions_as_of_idx on number_versions (tenant_id, organization_id, phone_number, to_revision, from_revision);
