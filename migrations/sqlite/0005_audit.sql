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
