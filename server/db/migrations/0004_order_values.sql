-- What an order says of the number to come: every field that users edit (server/numbers/fields.ts) can be given, so there
-- is no column for each.
alter table orders add column fields jsonb not null default '{}' check (jsonb_typeof(fields) = 'object');
update orders set fields = jsonb_build_object('nickname', nickname) where nickname is not null;
alter table orders drop column nickname;
