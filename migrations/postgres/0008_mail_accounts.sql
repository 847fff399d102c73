-- One row per mail account, whichever store sends through it and however many programs do.

create table provider_accounts (
    -- User and server as LOUPE_SMTP_URL names them; never the password.
    account     text primary key,
    -- Messages a second, and connections at a time, as an owner has set them; null: as the URL says.
    rate        bigint,
    connections bigint,
    -- Microseconds since 1970, by the database's clock: until then the rate is used up.
    used_until  bigint not null default 0,
    -- Messages a second to one recipient domain, as an owner has set it; null: no limit.
    domain_rate bigint,
    -- What is known of the provider: whether it tells what became of a message, and whether it takes a
    -- message with the same key only once.
    provider    text,
    -- The last part of the address that its events are posted to, and what proves that they are its
    -- own, sealed with the installation's key.
    hook_token  text,
    hook_secret text
);
create unique index provider_accounts_hook on provider_accounts (hook_token) where hook_token is not null;

-- The limit for each recipient domain, beside the limit for the whole mail account.
create table domain_paces (
    account    text not null,
    domain     text not null,
    -- Microseconds since 1970, by the database's clock: until then the domain's rate is used up.
    used_until bigint not null default 0,
    primary key (account, domain)
);

-- Events of mail providers whose signature says nothing of the event itself are accepted once. Only the
-- SHA-256 of a token is kept.
create table webhook_tokens (
    account    text not null,
    token_hash text not null,
    taken_at   timestamptz not null,
    primary key (account, token_hash)
);
create index webhook_tokens_age on webhook_tokens (taken_at);
