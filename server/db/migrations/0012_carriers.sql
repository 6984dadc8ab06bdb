-- breaking: no

-- Callers of one organization have idempotency keys of their own. Null: those of the whole tenant, and all that were used
-- before.
alter table idempotency_keys add column organization_id uuid;
alter table idempotency_keys drop constraint idempotency_keys_pkey;
alter table idempotency_keys add constraint idempotency_keys_key unique nulls not distinct (tenant_id, key, organization_id);

-- Until when a number that is not here may be on its way back to the carrier. Nobody adopts it meanwhile.
alter table carrier_drift add column releasing_until timestamptz;
create index carrier_drift_releasing_idx on carrier_drift (tenant_id, phone_number) where releasing_until is not null;

-- A number that changes its organization, or whose organization changes its registration, is attached anew at its
-- carrier, whatever its status is. The registrations that it may still be attached to, by service and campaign; null:
-- none but its own. The next migration looks at the rows that are there: it locks nobody out.
alter table phone_numbers add column left_registrations text[];
alter table phone_numbers drop constraint phone_numbers_attach_check;
alter table phone_numbers add constraint phone_numbers_attach_check
  check (attach_due_at is null or pending_reason is null and status <> 'released') not valid;
