-- What waits for its turn is found by account or organization (server/work/leases.ts): who has something due, by one
-- look-up for each, and what is due of each, in its order. So nobody's work is read to come to somebody else's.
drop index orders_next_idx;
create index orders_due_idx on orders (tenant_id, carrier_account_id, next_at) where next_at is not null;
drop index phone_numbers_release_idx;
create index phone_numbers_release_idx on phone_numbers (tenant_id, carrier_account_id, release_due_at)
  where release_due_at is not null;
drop index phone_numbers_attach_idx;
create index phone_numbers_attach_idx on phone_numbers (tenant_id, carrier_account_id, attach_due_at)
  where attach_due_at is not null and release_due_at is null;

-- Beside the one by `until` alone, which tells at once that little or nothing is due.
create index phone_numbers_expiry_idx on phone_numbers (tenant_id, organization_id, until) where until is not null;
