-- One row per mail account, whichever store sends through it and however many programs do.

create table provider_accounts (
    -- User and server as LOUPE_SMTP_URL names them; never the password.
    account     text primary key,
    -- Messages a second, and connections at a time, as an owner has set them; null: as the URL says.
    rate        integer,
    connections integer,
    -- Microseconds since 1970, by the database's clock: until then the rate is used up.
    used_until  integer not null default 0
);
