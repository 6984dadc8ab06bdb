-- The number's id in the customer's own system: one number of a tenant has it, for as long as that number lives.
alter table phone_numbers add column external_id text collate "C" check (external_id <> '');
create unique index phone_numbers_external_id_key on phone_numbers (tenant_id, external_id)
  where released_at is null and external_id is not null;
alter table number_versions add column external_id text collate "C";
