-- What was done, and what is running.

-- Append-only: who did what, when.
create table audit_events (
    id          integer primary key autoincrement,
    store_id    integer not null references stores (id),
    actor       text not null,
    action      text not null,
    subject     text not null,
    subject_id  integer,
    summary     text not null,
    before      text,
    after       text,
    happened_at text not null
);
create index audit_events_store on audit_events (store_id, id);
create index audit_events_subject on audit_events (store_id, subject, subject_id);

-- Whoever holds the database file can still rewrite it; nothing that goes through the program can.
create trigger audit_events_stay_as_they_are before update on audit_events
begin
    select raise(abort, 'audit events are never changed');
end;
create trigger audit_events_stay before delete on audit_events
begin
    select raise(abort, 'audit events are never removed');
end;

-- What this installation knows of itself. Its id is part of what leaves with its messages.
create table instance (
    key   text primary key,
    value text not null
);
insert into instance (key, value) values ('id', lower(hex(randomblob(4))));

-- One row per running program that sends by itself: how the others, and the pages, know that it is alive.
create table scheduler_heartbeats (
    instance   text primary key,
    -- running, copy (nothing is sent until an owner confirms) or clock (it was put back).
    state      text not null,
    started_at text not null,
    beat_at    text not null
);
create index scheduler_heartbeats_beat on scheduler_heartbeats (beat_at);
