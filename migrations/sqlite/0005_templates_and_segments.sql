-- System rows are made with the store and are read-only; `system_key` says which they are.

create table templates (
    id         integer primary key autoincrement,
    store_id   integer not null references stores (id),
    system_key text,
    name       text not null,
    subject    text not null,
    body       text not null,
    fallbacks  text not null default '{}',
    created_at text not null,
    updated_at text not null
);
create unique index templates_system on templates (store_id, system_key) where system_key is not null;
create index templates_store on templates (store_id, name);

create table segments (
    id         integer primary key autoincrement,
    store_id   integer not null references stores (id),
    system_key text,
    name       text not null,
    rule       text not null,
    created_at text not null
);
create unique index segments_system on segments (store_id, system_key) where system_key is not null;
create index segments_store on segments (store_id, name);
