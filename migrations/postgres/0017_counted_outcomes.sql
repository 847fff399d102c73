-- How many of a send have which outcome, counted where the rows are written: the page of a send to
-- a million costs no more than that of a send to ten. Kept by a trigger in the transaction of the
-- change itself, whatever writes a message, so the numbers cannot drift from the rows.

-- What became of a message; null while it is on its way.
alter table messages add column outcome text
    generated always as (case when state not in ('queued', 'leased', 'attempting') then state end) stored;

-- How many people a send was written down for, the skipped ones too.
alter table sends add column people bigint not null default 0;

create table send_tallies (
    send_id bigint not null,
    outcome text not null,
    -- The server process that counted: nobody waits for anybody's count. They are added up.
    writer  integer not null,
    people  bigint not null,
    primary key (send_id, outcome, writer)
) with (fillfactor = 50);

-- Each stage of a message has its moment, and only that one: when it is due, until when it is
-- leased, when it was settled. The indexes follow these, and the mark before a message's content,
-- which changes the state alone, touches none of them.
update messages set next_at = null where state <> 'queued' and next_at is not null;
update messages set next_at = created_at where state = 'queued' and next_at is null;
update messages set lease_until = '1970-01-01T00:00:00Z' where state in ('leased', 'attempting') and lease_until is null;
update messages set lease_until = null where state not in ('leased', 'attempting') and lease_until is not null;
update messages set settled_at = coalesce(attempted_at, created_at)
 where settled_at is null and state not in ('queued', 'leased', 'attempting');
update messages set settled_at = null where settled_at is not null and state in ('queued', 'leased', 'attempting');

alter table messages add constraint messages_whole check (
    (state = 'queued') = (next_at is not null)
    and (state in ('leased', 'attempting')) = (lease_until is not null)
    and (state in ('queued', 'leased', 'attempting')) = (settled_at is null)
);

insert into send_tallies (send_id, outcome, writer, people)
    select send_id, outcome, 0, count(*) from messages where outcome is not null group by send_id, outcome;
update sends set people = (select count(*) from messages m where m.send_id = sends.id);

create function count_outcomes() returns trigger language plpgsql as $$
begin
    insert into send_tallies as t (send_id, outcome, writer, people)
    select c.send_id, c.outcome, pg_backend_pid(), sum(c.people)
      from (select n.send_id, n.outcome, 1 as people from new_messages n where n.outcome is not null
             union all
            select o.send_id, o.outcome, -1 from old_messages o where o.outcome is not null) c
     group by c.send_id, c.outcome having sum(c.people) <> 0
        on conflict (send_id, outcome, writer) do update set people = t.people + excluded.people;
    return null;
end $$;
create trigger messages_outcomes after update on messages
    referencing old table as old_messages new table as new_messages
    for each statement execute function count_outcomes();

drop index messages_state;
drop index messages_due;
drop index messages_leases;
drop index messages_unconfirmed;
create index messages_due on messages (send_id, next_at, id) where next_at is not null;
create index messages_leases on messages (lease_until, send_id) where lease_until is not null;
create index messages_outcome on messages (send_id, outcome, id);
create index messages_unconfirmed on messages (settled_at) where outcome = 'unconfirmed' and resolution is null;

-- Room for a message's next version beside the last one.
alter table messages set (fillfactor = 50);
