-- Who may be written to: what customers said, and what was said for addresses.

-- The consent ledger: append-only, who said what, when, where. The column on the customer is
-- the latest line of this.
create table consent_events (
    id          integer primary key autoincrement,
    store_id    integer not null references stores (id),
    customer_id integer not null references customers (id) on delete cascade,
    channel     text not null,
    change      text not null,
    source      text not null,
    evidence    text not null,
    actor       text not null,
    happened_at text not null,
    -- The address that something was said for, where the customer themselves did not change their mind.
    address     text
);
create index consent_events_customer on consent_events (customer_id, id);
create index consent_events_store on consent_events (store_id);

-- What was said for an address stays with the address, whoever has it: it unsubscribed, complained, or
-- bounced. A customer's own wish is beside it, in `customers.email_consent`: of two who share a mailbox one
-- may have agreed and the other not. Whoever has the address, or gets it, is skipped.
create table suppressions (
    store_id        integer not null references stores (id),
    channel         text not null,
    -- As it is compared: `customers.email_norm`.
    address         text not null,
    unsubscribed_at text,
    complained_at   text,
    bounced_at      text,
    bounce_reason   text,
    -- 1 unsubscribed, 2 complained, 4 bounced, added up.
    marks           integer generated always as (
        (unsubscribed_at is not null) + 2 * (complained_at is not null) + 4 * (bounced_at is not null)) virtual,
    primary key (store_id, channel, address)
) without rowid;

-- A link goes to an address. The token of a customer is that of the address they have; those of the addresses
-- they had stay good for these alone.
create table retired_unsubscribe_tokens (
    token       text primary key,
    store_id    integer not null references stores (id),
    customer_id integer not null references customers (id) on delete cascade,
    address     text not null
) without rowid;
create index retired_unsubscribe_tokens_customer on retired_unsubscribe_tokens (customer_id);

-- From the address to the customers who have it.
create trigger suppressions_insert after insert on suppressions when new.channel = 'email' begin
    update customers set email_suppression = new.marks
     where store_id = new.store_id and email_norm = new.address and email_suppression <> new.marks;
end;
create trigger suppressions_update after update on suppressions when new.channel = 'email' begin
    update customers set email_suppression = new.marks
     where store_id = new.store_id and email_norm = new.address and email_suppression <> new.marks;
end;
create trigger suppressions_delete after delete on suppressions when old.channel = 'email' begin
    update customers set email_suppression = 0
     where store_id = old.store_id and email_norm = old.address and email_suppression <> 0;
end;

-- To a customer who gets an address.
create trigger customers_suppression_insert after insert on customers
  when exists (select 1 from suppressions s
                where s.store_id = new.store_id and s.channel = 'email' and s.address = new.email_norm
                  and s.marks <> new.email_suppression)
begin
    update customers set email_suppression = (
        select s.marks from suppressions s
         where s.store_id = new.store_id and s.channel = 'email' and s.address = new.email_norm)
     where id = new.id;
end;
create trigger customers_suppression_update after update of email_norm on customers
  when new.email_norm is not old.email_norm
begin
    update customers set email_suppression = coalesce((
        select s.marks from suppressions s
         where s.store_id = new.store_id and s.channel = 'email' and s.address = new.email_norm), 0)
     where id = new.id;
end;

-- A customer who says no, complains or bounces says so for the address they have at that moment. Nothing
-- here takes that back: only an agreement for that very address does, and it says so itself. Where the
-- marks of the address were written first, with their moment, nothing is written again.
create trigger customers_suppress_insert after insert on customers
  when new.email_norm is not null
   and ((new.email_consent = 'withdrawn' and (new.email_suppression & 1) = 0)
        or (new.email_complained_at is not null and (new.email_suppression & 2) = 0)
        or (new.email_bounced_at is not null and (new.email_suppression & 4) = 0))
begin
    insert into suppressions (store_id, channel, address, unsubscribed_at, complained_at, bounced_at, bounce_reason)
    values (new.store_id, 'email', new.email_norm, case when new.email_consent = 'withdrawn' then new.updated_at end,
            new.email_complained_at, new.email_bounced_at, new.email_bounce_reason)
    on conflict (store_id, channel, address) do update set
        unsubscribed_at = coalesce(unsubscribed_at, excluded.unsubscribed_at),
        complained_at = coalesce(complained_at, excluded.complained_at),
        bounced_at = coalesce(bounced_at, excluded.bounced_at),
        bounce_reason = coalesce(bounce_reason, excluded.bounce_reason);
end;
create trigger customers_suppress_update
    after update of email_consent, email_complained_at, email_bounced_at on customers
  when new.email_norm is not null
   and ((new.email_consent = 'withdrawn' and old.email_consent <> 'withdrawn' and (new.email_suppression & 1) = 0)
        or (new.email_complained_at is not null and new.email_complained_at is not old.email_complained_at)
        or (new.email_bounced_at is not null and new.email_bounced_at is not old.email_bounced_at))
begin
    insert into suppressions (store_id, channel, address, unsubscribed_at, complained_at, bounced_at, bounce_reason)
    values (new.store_id, 'email', new.email_norm,
            case when new.email_consent = 'withdrawn' and old.email_consent <> 'withdrawn' then new.updated_at end,
            case when new.email_complained_at is not old.email_complained_at then new.email_complained_at end,
            case when new.email_bounced_at is not old.email_bounced_at then new.email_bounced_at end,
            case when new.email_bounced_at is not old.email_bounced_at then new.email_bounce_reason end)
    on conflict (store_id, channel, address) do update set
        unsubscribed_at = coalesce(unsubscribed_at, excluded.unsubscribed_at),
        complained_at = coalesce(complained_at, excluded.complained_at),
        bounced_at = coalesce(bounced_at, excluded.bounced_at),
        bounce_reason = coalesce(bounce_reason, excluded.bounce_reason);
end;

-- Another address, another link: 128 random bits.
create trigger customers_token_turns_over after update of email_norm on customers
  when old.email_norm is not null and new.email_norm is not old.email_norm
begin
    insert into retired_unsubscribe_tokens (token, store_id, customer_id, address)
    values (old.unsubscribe_token, old.store_id, old.id, old.email_norm);
    update customers set unsubscribe_token = lower(hex(randomblob(16))) where id = new.id;
end;
