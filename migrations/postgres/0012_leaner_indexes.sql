-- A message changes its state three times on its way. Indexes that depend on the state are written
-- each time: these depend on what changes once.
drop index messages_address;
create unique index messages_address on messages (send_id, channel, addr_norm) where skip_reason is null;
drop index messages_leases;
create index messages_leases on messages (lease_until) where lease_until is not null;
-- Nobody asks for a store's messages but by send or by customer.
drop index messages_store;
-- A message is written by its send, which belongs to the store.
alter table messages drop constraint messages_store_id_fkey;
