-- Where the tenant's days and months begin: an IANA name, which the API has checked.
alter table tenants add column time_zone text not null default 'UTC' check (time_zone <> '');
