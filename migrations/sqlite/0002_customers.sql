-- The customer book. The summary columns (spent_cents … last_contacted_at) are recomputed from
-- purchases, repairs and messages in the transaction that changes those. What an imported file
-- says was spent before (spent_elsewhere_cents) counts into the sum, but is no purchase: it has
-- no day and no single amount.

create table customers (
    id                     integer primary key autoincrement,
    store_id               integer not null references stores (id),
    external_id            text,
    name                   text not null,
    name_key               text not null,
    first_name             text not null default '',
    last_name              text not null default '',
    email                  text,
    email_norm             text,
    email_valid            boolean not null default false,
    phone                  text,
    phone_typed            text,
    is_vip                 boolean not null default false,
    birthday_month         integer,
    birthday_day           integer,
    birthday_year          integer,
    partner_name           text not null default '',
    partner_birthday_month integer,
    partner_birthday_day   integer,
    anniversary_month      integer,
    anniversary_day        integer,
    anniversary_year       integer,
    notes                  text not null default '',
    -- The customer's own wish; what was said for their address is in email_suppression.
    email_consent          text not null default 'none',
    whatsapp_consent       text not null default 'none',
    do_not_contact         boolean not null default false,
    archived_at            text,
    email_bounced_at       text,
    email_bounce_reason    text,
    email_complained_at    text,
    spent_cents            integer not null default 0,
    spent_elsewhere_cents  integer not null default 0,
    largest_purchase_cents integer not null default 0,
    last_purchase_at       text,
    last_repair_at         text,
    open_repairs           integer not null default 0,
    last_visit_at          text,
    last_contacted_at      text,
    unsubscribe_token      text not null unique,
    -- Another customer of the store has the same address. Kept by triggers, see below.
    email_shared           boolean not null default false,
    created_at             text not null,
    updated_at             text not null,
    -- Both kept by triggers from the other columns, see `customers_derived`.
    last_touch_at          text not null default '',
    email_standing         integer not null default 0,
    -- The set of the customer's tags, see `tag_sets`; null for somebody without tags. Kept by triggers,
    -- because it must be right whatever wrote a tag.
    tag_set                integer,
    -- The marks of the customer's address, see `suppressions`. Kept by triggers, because it must be right
    -- whatever wrote the row.
    email_suppression      integer not null default 0
);
create index customers_name on customers (store_id, name_key, id);
create index customers_email on customers (store_id, email_norm, id);
create unique index customers_external on customers (store_id, external_id) where external_id is not null;
create index customers_phone on customers (store_id, phone);

-- The recipient count reads nothing but indexes: each ends in what tells who would be skipped (and in
-- the id, which is part of every index). Their order matters: of indexes that do equally well SQLite
-- takes the newest.
create index customers_spent on customers (store_id, spent_cents desc, id, email_standing, email_shared);
create index customers_created on customers (store_id, created_at, email_standing, email_shared);
create index customers_last_purchase on customers (store_id, last_purchase_at, email_standing, email_shared);
create index customers_last_touch on customers (store_id, last_touch_at, email_standing, email_shared);
create index customers_largest on customers (store_id, largest_purchase_cents, email_standing, email_shared);
create index customers_birthday on customers (store_id, birthday_month, email_standing, email_shared);
create index customers_anniversary on customers (store_id, anniversary_month, email_standing, email_shared);
create index customers_tag_set on customers (store_id, tag_set, email_standing);
-- Customers who share an address are found, with all that an audience may ask of them, in one small
-- index: the table itself is not read.
create index customers_shared on customers (store_id, email_norm, id, email_standing, email_shared, tag_set, spent_cents,
    created_at, last_touch_at, last_purchase_at, open_repairs, largest_purchase_cents, birthday_month, anniversary_month)
    where email_shared;
-- Holds open_repairs too: SQLite does not conclude it from the condition, and would read the table.
create index customers_open_repairs on customers (store_id, open_repairs, email_standing, email_shared)
    where open_repairs > 0;
-- All customers are counted by what is known of their addresses, one number after another.
create index customers_standing on customers (store_id, email_standing);

create table customer_tags (
    store_id    integer not null references stores (id),
    customer_id integer not null references customers (id) on delete cascade,
    tag         text not null,
    primary key (customer_id, tag)
);
create index customer_tags_tag on customer_tags (store_id, tag, customer_id);

-- Each combination of tags that somebody carries, so that a union of tags is counted without
-- looking anybody up twice: a customer has one set, and an index holds the customers by it. Sets
-- that nobody is in are removed from time to time.
create table tag_sets (
    id       integer primary key autoincrement,
    store_id integer not null references stores (id),
    -- The tags in order, as a list in JSON.
    tags     text not null,
    unique (store_id, tags)
);

create table tag_set_tags (
    store_id integer not null,
    tag      text not null,
    tag_set  integer not null references tag_sets (id),
    primary key (store_id, tag, tag_set)
) without rowid;
create index tag_set_tags_set on tag_set_tags (tag_set);

-- Customers whose tags are being changed, inside one transaction: their set is looked for once, when
-- they leave this table. After each single tag there would be a set for every prefix of a list:
-- thousands of rows for a few dozen tags. Without a row here a tag may still be written alone.
create table tags_changing (
    customer_id integer primary key
) without rowid;

create table purchases (
    id           integer primary key autoincrement,
    store_id     integer not null references stores (id),
    customer_id  integer not null references customers (id) on delete cascade,
    external_id  text,
    description  text not null,
    amount_cents integer not null,
    bought_at    text not null
);
create index purchases_customer on purchases (customer_id, bought_at);
create index purchases_store on purchases (store_id);
create unique index purchases_external on purchases (store_id, external_id) where external_id is not null;

create table repairs (
    id          integer primary key autoincrement,
    store_id    integer not null references stores (id),
    customer_id integer not null references customers (id) on delete cascade,
    description text not null,
    opened_at   text not null,
    closed_at   text
);
create index repairs_customer on repairs (customer_id, opened_at);
create index repairs_store on repairs (store_id);

-- What follows from the other columns of a customer. Not generated columns, which SQLite never
-- answers from an index alone.
--   email_standing: whether e-mail may go to this person, apart from what depends on the send. In
--     order of precedence: 1 archived, 2 do not contact, 4 no address, 5 not valid, 6 complained,
--     7 unsubscribed, 8 never agreed, 9 never agreed and bounced, 10 bounced, 0 fine.
--   last_touch_at: the latest message, purchase, repair or visit; the empty text if there was none,
--     so that "not since" is one comparison.
create view customers_derived as
    select id,
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
           end as email_standing,
           max(coalesce(last_contacted_at, ''), coalesce(last_purchase_at, ''), coalesce(last_repair_at, ''),
               coalesce(last_visit_at, '')) as last_touch_at
      from customers;
create trigger customers_derived_insert after insert on customers begin
    update customers set (email_standing, last_touch_at) =
        (select d.email_standing, d.last_touch_at from customers_derived d where d.id = new.id)
     where id = new.id and (email_standing, last_touch_at) <>
        (select d.email_standing, d.last_touch_at from customers_derived d where d.id = new.id);
end;

-- `email_shared` must be right whatever wrote the row: the recipient count relies on it.
create trigger customers_shared_insert after insert on customers when new.email_norm is not null begin
    update customers set email_shared = true
     where store_id = new.store_id and email_norm = new.email_norm
       and exists (select 1 from customers o where o.store_id = new.store_id and o.email_norm = new.email_norm and o.id <> new.id);
end;
create trigger customers_shared_update after update of email_norm on customers when new.email_norm is not old.email_norm begin
    update customers set email_shared = (
        select count(*) > 1 from customers o where o.store_id = customers.store_id and o.email_norm = customers.email_norm)
     where store_id = new.store_id and email_norm in (new.email_norm, old.email_norm);
    update customers set email_shared = false where id = new.id and new.email_norm is null;
end;
create trigger customers_shared_delete after delete on customers when old.email_norm is not null begin
    update customers set email_shared = (
        select count(*) > 1 from customers o where o.store_id = customers.store_id and o.email_norm = customers.email_norm)
     where store_id = old.store_id and email_norm = old.email_norm;
end;

-- Two triggers: a customer who is written to, buys or visits keeps their standing, and the standing is
-- in ten indexes. What a change touches is written alone, and only if it says something new.
create trigger customers_touch_update
    after update of last_contacted_at, last_purchase_at, last_repair_at, last_visit_at on customers
  when new.last_touch_at <> max(coalesce(new.last_contacted_at, ''), coalesce(new.last_purchase_at, ''),
                                coalesce(new.last_repair_at, ''), coalesce(new.last_visit_at, ''))
begin
    update customers set last_touch_at = max(coalesce(last_contacted_at, ''), coalesce(last_purchase_at, ''),
                                             coalesce(last_repair_at, ''), coalesce(last_visit_at, ''))
     where id = new.id;
end;
create trigger customers_standing_update
    after update of archived_at, do_not_contact, email_norm, email_valid, email_complained_at, email_consent,
        email_bounced_at, email_suppression on customers begin
    update customers set email_standing = (select d.email_standing from customers_derived d where d.id = new.id)
     where id = new.id and email_standing <> (select d.email_standing from customers_derived d where d.id = new.id);
end;

create trigger tag_sets_insert after insert on tag_sets begin
    insert into tag_set_tags (store_id, tag, tag_set) select new.store_id, value, new.id from json_each(new.tags);
end;
create trigger customer_tags_insert after insert on customer_tags
  when not exists (select 1 from tags_changing where customer_id = new.customer_id) begin
    insert into tag_sets (store_id, tags)
        select new.store_id, json_group_array(tag order by tag) from customer_tags where customer_id = new.customer_id
        on conflict do nothing;
    update customers set tag_set = (
        select s.id from tag_sets s where s.store_id = new.store_id and s.tags = (
            select json_group_array(tag order by tag) from customer_tags where customer_id = new.customer_id))
     where id = new.customer_id;
end;
-- A customer who loses their last tag is in no set; one who is removed is in none anyway.
create trigger customer_tags_delete after delete on customer_tags
  when not exists (select 1 from tags_changing where customer_id = old.customer_id) begin
    insert into tag_sets (store_id, tags)
        select old.store_id, json_group_array(tag order by tag) from customer_tags
         where customer_id = old.customer_id having count(*) > 0
        on conflict do nothing;
    update customers set tag_set = (
        select s.id from tag_sets s where s.store_id = old.store_id and s.tags = (
            select json_group_array(tag order by tag) from customer_tags where customer_id = old.customer_id))
     where id = old.customer_id;
end;
create trigger customer_tags_update before update on customer_tags begin
    select raise(abort, 'a tag is added or removed, never changed');
end;
create trigger tags_changing_done after delete on tags_changing begin
    insert into tag_sets (store_id, tags)
        select store_id, json_group_array(tag order by tag) from customer_tags
         where customer_id = old.customer_id group by store_id
        on conflict do nothing;
    update customers set tag_set = (
        select s.id from tag_sets s where s.store_id = customers.store_id and s.tags = (
            select json_group_array(tag order by tag) from customer_tags where customer_id = old.customer_id))
     where id = old.customer_id;
end;
