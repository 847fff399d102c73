-- The tenant, its staff, and how they are signed in.

create table stores (
    id                    integer primary key autoincrement,
    slug                  text not null unique,
    name                  text not null,
    time_zone             text not null,
    country               text not null,
    currency              text not null,
    from_name             text not null,
    from_email            text not null,
    reply_to              text,
    footer                text not null,
    undo_seconds          integer not null default 10,
    -- Minutes a scheduled send may be late before a person is asked.
    late_grace_minutes    integer not null default 60,
    -- Minutes after midnight between which nobody should get mail.
    quiet_from            integer not null default 1200,
    quiet_to              integer not null default 480,
    email_requires_opt_in boolean not null default true,
    email_basis_reason    text,
    is_demo               boolean not null default false,
    created_at            text not null
);

create table users (
    id            integer primary key autoincrement,
    store_id      integer not null references stores (id),
    email         text not null unique,
    name          text not null,
    role          text not null,
    password_hash text not null,
    disabled_at   text,
    created_at    text not null
);
create index users_store on users (store_id);

-- Only the SHA-256 of a session token is kept: a stolen database signs nobody in.
create table sessions (
    id           integer primary key autoincrement,
    token_hash   text not null unique,
    user_id      integer not null references users (id) on delete cascade,
    created_at   text not null,
    last_seen_at text not null,
    expires_at   text not null,
    ip           text,
    user_agent   text
);
create index sessions_user on sessions (user_id);

-- Failed sign-ins, by account and by address, shared by all instances.
create table login_failures (
    id        integer primary key autoincrement,
    subject   text not null,
    failed_at text not null
);
create index login_failures_subject on login_failures (subject, failed_at);

-- What was typed into a one-shot form, per person, so that a refusal or an expired session
-- loses nothing.
create table scratches (
    user_id    integer primary key references users (id) on delete cascade,
    form       text not null,
    updated_at text not null
);
