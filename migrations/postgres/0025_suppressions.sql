-- What was said for an address stays with the address, whoever has it: it unsubscribed, complained, or
-- bounced. A customer's own wish is beside it, in `customers.email_consent`: of two who share a mailbox one
-- may have agreed and the other not. Whoever has the address, or gets it, is skipped.

create table suppressions (
    store_id        bigint not null references stores (id),
    channel         text not null,
    -- As it is compared: `customers.email_norm`.
    address         text not null,
    unsubscribed_at timestamptz,
    complained_at   timestamptz,
    bounced_at      timestamptz,
    bounce_reason   text,
    -- 1 unsubscribed, 2 complained, 4 bounced, added up.
    marks bigint not null generated always as (
        case when unsubscribed_at is null then 0 else 1 end + case when complained_at is null then 0 else 2 end
        + case when bounced_at is null then 0 else 4 end) stored,
    primary key (store_id, channel, address)
);

-- A link goes to an address. The token of a customer is that of the address they have; those of the addresses
-- they had stay good for these alone.
create table retired_unsubscribe_tokens (
    token       text primary key,
    store_id    bigint not null references stores (id),
    customer_id bigint not null references customers (id) on delete cascade,
    address     text not null
);
create index retired_unsubscribe_tokens_customer on retired_unsubscribe_tokens (customer_id);

-- The address that something was said for, where the customer themselves did not change their mind.
alter table consent_events add column address text;

-- What customers say already. Where somebody with the same address agreed later, by word or by link, the
-- address said yes last.
with said as (
    select c.store_id, c.email_norm as address,
           max(case when c.email_consent = 'withdrawn'
                    then coalesce((select max(e.happened_at) from consent_events e
                                    where e.customer_id = c.id and e.channel = 'email' and e.change = 'withdrawn'),
                                  c.updated_at) end) as unsubscribed_at,
           max(c.email_complained_at) as complained_at, max(c.email_bounced_at) as bounced_at,
           max(case when c.email_bounced_at is not null then c.email_bounce_reason end) as bounce_reason
      from customers c
     where c.email_norm is not null
       and (c.email_consent = 'withdrawn' or c.email_complained_at is not null or c.email_bounced_at is not null)
     group by c.store_id, c.email_norm
)
insert into suppressions (store_id, channel, address, unsubscribed_at, complained_at, bounced_at, bounce_reason)
    select s.store_id, 'email', s.address,
           case when not exists (
                    select 1 from customers o
                      join consent_events e on e.customer_id = o.id and e.channel = 'email' and e.change = 'granted'
                                           and e.source in ('staff', 'link') and e.happened_at > s.unsubscribed_at
                     where o.store_id = s.store_id and o.email_norm = s.address and o.email_consent = 'granted')
                then s.unsubscribed_at end,
           s.complained_at, s.bounced_at, s.bounce_reason
      from said s;

-- The marks of the address a customer has. Kept by triggers, because it must be right whatever wrote the row.
alter table customers add column email_suppression bigint not null default 0;
update customers c set email_suppression = s.marks
  from suppressions s
 where s.store_id = c.store_id and s.channel = 'email' and s.address = c.email_norm;

-- A generated column is made anew to say something else, and the indexes that hold it with it.
alter table customers drop column email_standing;
alter table customers add column email_standing bigint not null generated always as (
    case
        when archived_at is not null then 1
        when do_not_contact then 2
        when email_norm is null then 4
        when not email_valid then 5
        when email_complained_at is not null or (email_suppression & 2) <> 0 then 6
        when email_consent = 'withdrawn' or (email_suppression & 1) <> 0 then 7
        when email_consent = 'none' and (email_bounced_at is not null or (email_suppression & 4) <> 0) then 9
        when email_consent = 'none' then 8
        when email_bounced_at is not null or (email_suppression & 4) <> 0 then 10
        else 0
    end) stored;
create index customers_shared on customers (store_id, email_norm, id, email_standing, tag_set) where email_shared;
create index customers_spent on customers (store_id, spent_cents desc, id, email_standing, email_shared);
create index customers_created on customers (store_id, created_at, email_standing, email_shared, id);
create index customers_last_purchase on customers (store_id, last_purchase_at, email_standing, email_shared, id);
create index customers_last_touch on customers (store_id, last_touch_at, email_standing, email_shared, id);
create index customers_largest on customers (store_id, largest_purchase_cents, email_standing, email_shared, id);
create index customers_birthday on customers (store_id, birthday_month, email_standing, email_shared, id);
create index customers_anniversary on customers (store_id, anniversary_month, email_standing, email_shared, id);
create index customers_open_repairs on customers (store_id, email_standing, email_shared, id) where open_repairs > 0;
create index customers_tag_set on customers (store_id, tag_set, email_standing);

-- Who gives somebody an address and who says something for it wait for each other: whichever comes second
-- sees the first. There are 1,024 locks, taken in order, so that a statement with a hundred thousand rows
-- neither runs out of locks nor meets another crosswise.
create function customers_lock(store bigint, addresses text[]) returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext(current_schema()), b.lock::integer)
       from (select distinct hashtextextended(a, store) & 1023 as lock from unnest(addresses) a order by lock) b;
end $$;

create or replace function customers_share(store bigint, addresses text[]) returns void language plpgsql
set enable_seqscan = off set enable_sort = off set jit = off as $$
begin
    perform customers_lock(store, addresses);
    update customers c set email_shared = t.is_shared, email_suppression = t.marks
      from (select o.id, o.email_shared as was, o.email_suppression as had, w.marks,
                   count(*) over (partition by w.address) > 1 as is_shared
              from (select d.a as address,
                           coalesce((select s.marks from suppressions s
                                      where s.store_id = store and s.channel = 'email' and s.address = d.a), 0) as marks
                      from (select distinct a from unnest(addresses) a) d) w
             cross join lateral (select p.id, p.email_shared, p.email_suppression from customers p
                                  where p.store_id = store and p.email_norm = w.address order by p.id) o) t
     where c.id = t.id and (t.was <> t.is_shared or t.had <> t.marks);
end $$;

create or replace function customers_share_moved() returns trigger language plpgsql as $$
begin
    perform customers_share(new.store_id, array_remove(array[old.email_norm, new.email_norm], null));
    if new.email_norm is null and (old.email_shared or old.email_suppression <> 0) then
        update customers set email_shared = false, email_suppression = 0 where id = new.id;
    end if;
    return null;
end $$;

-- From the address to those who have it.
create function suppressions_lock() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext(current_schema()), (hashtextextended(new.address, new.store_id) & 1023)::integer);
    return new;
end $$;
create trigger suppressions_lock before insert or update on suppressions
    for each row execute function suppressions_lock();

create function suppressions_reach() returns trigger language plpgsql
set enable_seqscan = off set jit = off as $$
begin
    update customers c set email_suppression = t.marks
      from (select p.id, s.marks from changed s
             cross join lateral (select p.id from customers p
                                  where p.store_id = s.store_id and p.email_norm = s.address
                                    and p.email_suppression <> s.marks order by p.id) p
             where s.channel = 'email') t
     where c.id = t.id;
    return null;
end $$;
create trigger suppressions_insert after insert on suppressions referencing new table as changed
    for each statement execute function suppressions_reach();
create trigger suppressions_update after update on suppressions referencing new table as changed
    for each statement execute function suppressions_reach();

create function suppressions_leave() returns trigger language plpgsql
set enable_seqscan = off as $$
begin
    perform customers_lock(old.store_id, array[old.address]);
    update customers set email_suppression = 0
     where old.channel = 'email' and store_id = old.store_id and email_norm = old.address and email_suppression <> 0;
    return null;
end $$;
create trigger suppressions_delete after delete on suppressions
    for each row execute function suppressions_leave();

-- A customer who says no, complains or bounces says so for the address they have at that moment. Nothing
-- here takes that back: only an agreement for that very address does, and it says so itself. Where the
-- marks of the address were written first, with their moment, nothing is written again.
create function customers_suppress_added() returns trigger language plpgsql as $$
begin
    insert into suppressions as s (store_id, channel, address, unsubscribed_at, complained_at, bounced_at, bounce_reason)
        select c.store_id, 'email', c.email_norm, min(case when c.email_consent = 'withdrawn' then c.updated_at end),
               min(c.email_complained_at), min(c.email_bounced_at),
               min(case when c.email_bounced_at is not null then c.email_bounce_reason end)
          from changed c
         where c.email_norm is not null
           and ((c.email_consent = 'withdrawn' and (c.email_suppression & 1) = 0)
                or (c.email_complained_at is not null and (c.email_suppression & 2) = 0)
                or (c.email_bounced_at is not null and (c.email_suppression & 4) = 0))
         group by c.store_id, c.email_norm
        on conflict (store_id, channel, address) do update set
            unsubscribed_at = coalesce(s.unsubscribed_at, excluded.unsubscribed_at),
            complained_at = coalesce(s.complained_at, excluded.complained_at),
            bounced_at = coalesce(s.bounced_at, excluded.bounced_at),
            bounce_reason = coalesce(s.bounce_reason, excluded.bounce_reason);
    return null;
end $$;
-- After `customers_shared_insert`, which has the locks of all addresses by then.
create trigger customers_suppress_insert after insert on customers referencing new table as changed
    for each statement execute function customers_suppress_added();

create function customers_suppress_changed() returns trigger language plpgsql as $$
begin
    insert into suppressions as s (store_id, channel, address, unsubscribed_at, complained_at, bounced_at, bounce_reason)
        values (new.store_id, 'email', new.email_norm,
                case when new.email_consent = 'withdrawn' and old.email_consent <> 'withdrawn' then new.updated_at end,
                case when new.email_complained_at is distinct from old.email_complained_at then new.email_complained_at end,
                case when new.email_bounced_at is distinct from old.email_bounced_at then new.email_bounced_at end,
                case when new.email_bounced_at is distinct from old.email_bounced_at then new.email_bounce_reason end)
        on conflict (store_id, channel, address) do update set
            unsubscribed_at = coalesce(s.unsubscribed_at, excluded.unsubscribed_at),
            complained_at = coalesce(s.complained_at, excluded.complained_at),
            bounced_at = coalesce(s.bounced_at, excluded.bounced_at),
            bounce_reason = coalesce(s.bounce_reason, excluded.bounce_reason);
    return null;
end $$;
create trigger customers_suppress_update after update of email_consent, email_complained_at, email_bounced_at on customers
    for each row when (
        new.email_norm is not null
        and ((new.email_consent = 'withdrawn' and old.email_consent <> 'withdrawn' and (new.email_suppression & 1) = 0)
             or (new.email_complained_at is not null and new.email_complained_at is distinct from old.email_complained_at)
             or (new.email_bounced_at is not null and new.email_bounced_at is distinct from old.email_bounced_at)))
    execute function customers_suppress_changed();

-- Another address, another link: 128 random bits.
create function customers_turn_token_over() returns trigger language plpgsql as $$
begin
    insert into retired_unsubscribe_tokens (token, store_id, customer_id, address)
        values (old.unsubscribe_token, old.store_id, old.id, old.email_norm);
    new.unsubscribe_token := left(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'), 32);
    return new;
end $$;
create trigger customers_token_turns_over before update of email_norm on customers for each row
    when (old.email_norm is not null and new.email_norm is distinct from old.email_norm)
    execute function customers_turn_token_over();
