-- How many of a send have which outcome, counted where the rows are written: the page of a send to
-- a million costs no more than that of a send to ten. Kept by triggers in the transaction of the
-- change itself, whatever writes a message, so the numbers cannot drift from the rows.

-- What became of a message; null while it is on its way. (One by one: a list of three would be made
-- into a table and searched, for each message anew.)
alter table messages add column outcome text
    generated always as (case when state <> 'queued' and state <> 'leased' and state <> 'attempting' then state end) virtual;

-- How many people a send was written down for, the skipped ones too.
alter table sends add column people integer not null default 0;

create table send_tallies (
    send_id integer not null,
    outcome text not null,
    -- Who counted: see the other database.
    writer  integer not null,
    people  integer not null,
    primary key (send_id, outcome, writer)
) without rowid;

-- Each stage of a message has its moment, and only that one: when it is due, until when it is
-- leased, when it was settled. The indexes follow these, and the mark before a message's content,
-- which changes the state alone, touches none of them.
update messages set next_at = null where state <> 'queued' and next_at is not null;
update messages set next_at = created_at where state = 'queued' and next_at is null;
update messages set lease_until = '1970-01-01T00:00:00+00:00' where state in ('leased', 'attempting') and lease_until is null;
update messages set lease_until = null where state not in ('leased', 'attempting') and lease_until is not null;
update messages set settled_at = coalesce(attempted_at, created_at)
 where settled_at is null and state not in ('queued', 'leased', 'attempting');
update messages set settled_at = null where settled_at is not null and state in ('queued', 'leased', 'attempting');

-- For changes only: an insert with a trigger would write everybody of an audience down twice.
create trigger messages_whole after update of state, next_at, lease_until, settled_at on messages
  when (new.state = 'queued') <> (new.next_at is not null)
    or (new.state = 'leased' or new.state = 'attempting') <> (new.lease_until is not null)
    or (new.outcome is null) <> (new.settled_at is null)
begin
    select raise(abort, 'a message has the moment of its state and no other');
end;

insert into send_tallies (send_id, outcome, writer, people)
    select send_id, outcome, 0, count(*) from messages where outcome is not null group by send_id, outcome;
update sends set people = (select count(*) from messages m where m.send_id = sends.id);

create trigger messages_outcome_gained after update of state on messages
  when new.outcome is not null and new.outcome is not old.outcome
begin
    insert into send_tallies (send_id, outcome, writer, people) values (new.send_id, new.outcome, 0, 1)
        on conflict (send_id, outcome, writer) do update set people = people + 1;
end;
create trigger messages_outcome_lost after update of state on messages
  when old.outcome is not null and new.outcome is not old.outcome
begin
    insert into send_tallies (send_id, outcome, writer, people) values (old.send_id, old.outcome, 0, -1)
        on conflict (send_id, outcome, writer) do update set people = people - 1;
end;

drop index messages_state;
drop index messages_due;
drop index messages_leases;
drop index messages_unconfirmed;
create index messages_send on messages (send_id, id);
create index messages_due on messages (send_id, next_at, id) where next_at is not null;
create index messages_leases on messages (lease_until, send_id) where lease_until is not null;
create index messages_outcome on messages (send_id, outcome, id) where settled_at is not null;
create index messages_unconfirmed on messages (settled_at) where outcome = 'unconfirmed' and resolution is null;
