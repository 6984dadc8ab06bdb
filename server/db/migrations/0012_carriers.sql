-- Callers of one organization have idempotency keys of their own. Null: those of the whole tenant, and all that were used
-- before.
alter table idempotency_keys add column organization_id uuid;
alter table idempotency_keys drop constraint idempotency_keys_pkey;
alter table idempotency_keys add constraint idempotency_keys_key unique nulls not distinct (tenant_id, key, organization_id);

-- Until when a number that is not here may be on its way back to the carrier. Nobody adopts it meanwhile.
alter table carrier_drift add column releasing_until timestamptz;
create index carrier_drift_releasing_idx on carrier_drift (tenant_id, phone_number) where releasing_until is not null;
