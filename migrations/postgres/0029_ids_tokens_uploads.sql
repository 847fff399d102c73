-- The installation a message left as: with the message's own number it makes the ids that leave with
-- it. A database that was copied goes on as another installation, and what has left keeps its id.
insert into instance (key, value) values ('id', substr(md5(cast(random() as text) || cast(clock_timestamp() as text)), 1, 8))
    on conflict do nothing;
alter table messages add column installation text;
update messages set installation = (select value from instance where key = 'id') where attempts > 0;

-- Events of mail providers whose signature says nothing of the event itself are accepted once. Only the
-- SHA-256 of a token is kept.
create table webhook_tokens (
    account    text not null,
    token_hash text not null,
    taken_at   timestamptz not null,
    primary key (account, token_hash)
);
create index webhook_tokens_age on webhook_tokens (taken_at);

-- Files on their way in through the page, in pieces, until they are imported: at most a day.
create table uploads (
    token       text primary key,
    store_id    bigint not null references stores (id) on delete cascade,
    -- As the person's own computer calls it.
    file_name   text not null,
    -- All of its pieces are here.
    is_whole    boolean not null default false,
    created_at  timestamptz not null
);
create index uploads_store on uploads (store_id, created_at);
create index uploads_age on uploads (created_at);
create table upload_pieces (
    token  text not null references uploads (token) on delete cascade,
    -- The file itself, or the rows of it that a check found to be mended.
    part   text not null check (part in ('file', 'errors')),
    place  bigint not null,
    bytes  bytea not null,
    primary key (token, part, place)
);
-- It is soon gone: packing it is not worth the time.
alter table upload_pieces alter column bytes set storage external;
