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
    email_shared           boolean not null default false,
    created_at             text not null,
    updated_at             text not null,
    -- Kept by triggers from the other columns, see `customers_derived`.
    last_touch_at  text not null default '',
    email_standing integer not null default 0
);
-- The recipient count reads nothing but indexes: each ends in what tells who would be skipped (and in
-- the id, which is part of every index).
create index customers_shared on customers (store_id, email_norm, id, email_standing, email_shared) where email_shared;
create index customers_name on customers (store_id, name_key, id);
create index customers_email on customers (store_id, email_norm, id);
create unique index customers_external on customers (store_id, external_id) where external_id is not null;
create index customers_phone on customers (store_id, phone);
create index customers_spent on customers (store_id, spent_cents desc, id, email_standing, email_shared);
create index customers_created on customers (store_id, created_at, email_standing, email_shared);
create index customers_last_purchase on customers (store_id, last_purchase_at, email_standing, email_shared);
create index customers_last_touch on customers (store_id, last_touch_at, email_standing, email_shared);
create index customers_largest on customers (store_id, largest_purchase_cents, email_standing, email_shared);
create index customers_birthday on customers (store_id, birthday_month, email_standing, email_shared);
create index customers_anniversary on customers (store_id, anniversary_month, email_standing, email_shared);
create index customers_open_repairs on customers (store_id, email_standing, email_shared) where open_repairs > 0;
-- The last one: of indexes that do equally well SQLite takes the newest, and this one is in the
-- order of the ids.
create index customers_standing on customers (store_id, id, email_standing, email_shared);

create table customer_tags (
    store_id    integer not null references stores (id),
    customer_id integer not null references customers (id) on delete cascade,
    tag         text not null,
    primary key (customer_id, tag)
);
create index customer_tags_tag on customer_tags (store_id, tag, customer_id);

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
    id           integer primary key autoincrement,
    store_id     integer not null references stores (id),
    customer_id  integer not null references customers (id) on delete cascade,
    description  text not null,
    opened_at    text not null,
    closed_at    text
);
create index repairs_customer on repairs (customer_id, opened_at);
create index repairs_store on repairs (store_id);

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
    happened_at text not null
);
create index consent_events_customer on consent_events (customer_id, id);
create index consent_events_store on consent_events (store_id);

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
               when email_complained_at is not null then 6
               when email_consent = 'withdrawn' then 7
               when email_consent = 'none' and email_bounced_at is not null then 9
               when email_consent = 'none' then 8
               when email_bounced_at is not null then 10
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
create trigger customers_derived_update
    after update of archived_at, do_not_contact, email_norm, email_valid, email_complained_at, email_consent,
        email_bounced_at, last_contacted_at, last_purchase_at, last_repair_at, last_visit_at on customers begin
    update customers set (email_standing, last_touch_at) =
        (select d.email_standing, d.last_touch_at from customers_derived d where d.id = new.id)
     where id = new.id and (email_standing, last_touch_at) <>
        (select d.email_standing, d.last_touch_at from customers_derived d where d.id = new.id);
end;

-- `email_shared`: another customer of the store has the same address. Kept by triggers, because
-- it must be right whatever wrote the row: the recipient count relies on it.
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
