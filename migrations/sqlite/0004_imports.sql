-- Customers from files: the files on their way in, and what became of their rows.

-- Files on their way in through the page, in pieces, until they are imported: at most a day.
create table uploads (
    token      text primary key,
    store_id   integer not null references stores (id) on delete cascade,
    -- As the person's own computer calls it.
    file_name  text not null,
    -- All of its pieces are here.
    is_whole   boolean not null default false,
    created_at text not null
);
create index uploads_store on uploads (store_id, created_at);
create index uploads_age on uploads (created_at);

create table upload_pieces (
    token text not null references uploads (token) on delete cascade,
    -- The file itself, or the rows of it that a check found to be mended.
    part  text not null check (part in ('file', 'errors')),
    place integer not null,
    bytes blob not null,
    primary key (token, part, place)
);

create table imports (
    id          integer primary key autoincrement,
    store_id    integer not null references stores (id),
    file_name   text not null,
    file_sha256 text not null,
    mapping     text not null,
    started_by  text not null,
    started_at  text not null,
    progress_at text not null,
    finished_at text,
    problem     text,
    rows_read   integer not null default 0,
    added       integer not null default 0,
    updated     integer not null default 0,
    unchanged   integer not null default 0,
    refused     integer not null default 0,
    kept_back   integer not null default 0,
    noted       integer not null default 0
);
create index imports_store on imports (store_id, id);

-- What is told of single rows: `refused` ones are not in the book, `noted` ones are with a
-- value kept as typed, `kept_back` ones without the consent the file claims.
create table import_errors (
    id        integer primary key autoincrement,
    import_id integer not null references imports (id) on delete cascade,
    line      integer not null,
    kind      text not null,
    field     text not null,
    reason    text not null,
    record    text not null
);
create index import_errors_import on import_errors (import_id, id);
