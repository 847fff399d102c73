-- Outbox and history in one: written for every person of the audience before any provider is
-- called. The names are those of the moment, so that the exact message can be shown again.

create table messages (
    id                 integer primary key autoincrement,
    store_id           integer not null references stores (id),
    send_id            integer not null references sends (id),
    customer_id        integer not null references customers (id),
    channel            text not null,
    state              text not null,
    skip_reason        text,
    name               text not null,
    first_name         text not null,
    last_name          text not null,
    anniversary_month  integer,
    anniversary_day    integer,
    address            text,
    addr_norm          text,
    unsubscribe_token  text not null,
    attempts           integer not null default 0,
    -- Each stage of a message has its moment, and only that one: when it is due (next_at), until when
    -- it is leased (lease_until), when it was settled (settled_at). The indexes follow these, and the
    -- mark before a message's content, which changes the state alone, touches none of them.
    next_at            text,
    lease_owner        text,
    lease_until        text,
    epoch              integer not null default 0,
    attempted_at       text,
    settled_at         text,
    reply_code         integer,
    reply              text,
    created_at         text not null,
    -- What the provider never answered is settled by a person or by time: treated_as_sent or
    -- sent_again; null for everything that settled itself.
    resolution         text,
    -- What became of it; null while it is on its way. (One by one: a list of three would be made into
    -- a table and searched, for each message anew.)
    outcome            text
        generated always as (case when state <> 'queued' and state <> 'leased' and state <> 'attempting' then state end) virtual,
    -- The mail account that it was last tried through, where its provider is known; until when that
    -- provider knows the message's key, by the database's clock; how often it went back to the queue
    -- because of it.
    account            text,
    key_until          text,
    idempotent_retries integer not null default 0,
    -- The installation it left as: with the message's own number it makes the ids that leave with it. A
    -- database that was copied goes on as another installation, and what has left keeps its id.
    installation       text
);

-- A message changes its state three times on its way. Indexes that depend on the state would be written
-- each time: these depend on what changes once. Nobody asks for a store's messages but by send or by
-- customer.
create unique index messages_address on messages (send_id, channel, addr_norm) where skip_reason is null;
-- Nobody is twice in a send. It begins with the customer, and serves their history too.
create unique index messages_person on messages (customer_id, send_id, channel);
create index messages_send on messages (send_id, id);
create index messages_due on messages (send_id, next_at, id) where next_at is not null;
create index messages_leases on messages (lease_until, send_id) where lease_until is not null;
create index messages_outcome on messages (send_id, outcome, id) where settled_at is not null;
create index messages_unconfirmed on messages (settled_at) where outcome = 'unconfirmed' and resolution is null;
create index messages_idempotent_retries on messages (send_id) where idempotent_retries > 0;

-- How many of a send have which outcome, counted where the rows are written: the page of a send to
-- a million costs no more than that of a send to ten. Kept by triggers in the transaction of the
-- change itself, whatever writes a message, so the numbers cannot drift from the rows.
create table send_tallies (
    send_id integer not null,
    outcome text not null,
    -- Who counted: always 0 here, where one connection writes.
    writer  integer not null,
    people  integer not null,
    primary key (send_id, outcome, writer)
) without rowid;

-- What the built-in outbox holds: exactly the bytes a mail server would have been given.
create table outbox (
    id          integer primary key autoincrement,
    store_id    integer not null references stores (id),
    message_id  integer references messages (id),
    recipient   text not null,
    subject     text not null,
    source      text not null,
    accepted_at text not null
);
create index outbox_store on outbox (store_id, id);
create unique index outbox_message on outbox (message_id);

-- For changes only: an insert with a trigger would write everybody of an audience down twice.
create trigger messages_whole after update of state, next_at, lease_until, settled_at on messages
  when (new.state = 'queued') <> (new.next_at is not null)
    or (new.state = 'leased' or new.state = 'attempting') <> (new.lease_until is not null)
    or (new.outcome is null) <> (new.settled_at is null)
begin
    select raise(abort, 'a message has the moment of its state and no other');
end;

create trigger messages_outcome_gained after update of state on messages
  when new.outcome is not null and new.outcome is not old.outcome
begin
    insert into send_tallies (send_id, outcome, writer, people) values (new.send_id, new.outcome, 0, 1)
        on conflict (send_id, outcome, writer) do update set people = people + 1;
end;
create trigger messages_outcome_lost after update of state on messages
  when old.outcome is not null and new.outcome is not old.outcome
begin
    insert into send_tallies (send_id, outcome, writer, people) values (old.send_id, old.outcome, 0, -1)
        on conflict (send_id, outcome, writer) do update set people = people - 1;
end;
