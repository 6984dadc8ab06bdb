-- breaking: no
-- transaction: none

-- Outside of the transaction that made the constraint: it would keep its lock of the table for as long.
alter table phone_numbers validate constraint phone_numbers_attach_check;
