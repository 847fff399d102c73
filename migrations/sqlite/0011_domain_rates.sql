-- A limit for each recipient domain, beside the limit for the whole mail account.

-- Messages a second to one domain, as an owner has set it; null: no limit.
alter table provider_accounts add column domain_rate integer;

create table domain_paces (
    account    text not null,
    domain     text not null,
    -- Microseconds since 1970, by the database's clock: until then the domain's rate is used up.
    used_until integer not null default 0,
    primary key (account, domain)
);
