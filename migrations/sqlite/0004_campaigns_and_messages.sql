-- A campaign is what staff wrote; a send is one attempt to reach an audience; a message is one
-- person of a send. A bulk send is a send without a campaign.

create table campaigns (
    id              integer primary key autoincrement,
    store_id        integer not null references stores (id),
    name            text not null,
    -- Name and subject in small letters, for the search: only one of the databases folds letters
    -- beyond ASCII.
    search_key      text not null default '',
    channel         text not null default 'email',
    subject         text not null,
    body            text not null,
    fallbacks       text not null default '{}',
    template_id     integer references templates (id) on delete set null,
    filter          text,
    status          text not null default 'draft',
    version         integer not null default 1,
    scheduled_local text,
    scheduled_zone  text,
    scheduled_at    text,
    -- Why it was not sent by itself when it was due; the words are in problem.
    hold            text,
    shown_count     integer,
    shown_at        text,
    skip_already    boolean not null default true,
    problem         text,
    created_by      text not null,
    created_at      text not null,
    updated_by      text not null,
    updated_at      text not null,
    sent_at         text,
    sent_count      integer,
    failed_count    integer,
    -- The form it was first saved from: the same form twice is one campaign.
    form_token      text
);
create unique index campaigns_form on campaigns (store_id, form_token) where form_token is not null;
create index campaigns_store on campaigns (store_id, updated_at);
create index campaigns_due on campaigns (scheduled_at, id) where status = 'scheduled' and hold is null;
create index campaigns_template on campaigns (template_id);

create table sends (
    id              integer primary key autoincrement,
    store_id        integer not null references stores (id),
    campaign_id     integer references campaigns (id) on delete set null,
    kind            text not null,
    channel         text not null default 'email',
    token           text not null,
    label           text not null,
    subject         text not null,
    body            text not null,
    fallbacks       text not null,
    filter          text not null,
    audience_words  text not null,
    from_name       text not null,
    from_email      text not null,
    reply_to        text,
    store_name      text not null,
    footer          text not null,
    signature       text not null,
    state           text not null,
    hold_until      text not null,
    shown_count     integer,
    shown_at        text,
    started_by      text not null,
    started_at      text not null,
    -- For what went out by itself: when it was planned for, how many seconds late it was, and why.
    scheduled_at      text,
    late_by         integer,
    late_why        text,
    finished_at     text,
    problem         text,
    -- Since when nothing goes out; by whom (null: the provider is in trouble); when it is tried again.
    paused_at       text,
    paused_by       text,
    resume_at       text
);
create unique index sends_token on sends (store_id, token);
create index sends_campaign on sends (campaign_id, id);
create index sends_open on sends (hold_until) where state in ('holding', 'sending');
create index sends_store on sends (store_id, started_at);

-- Outbox and history in one: written for every person of the audience before any provider is
-- called. The names are those of the moment, so that the exact message can be shown again.
create table messages (
    id                integer primary key autoincrement,
    store_id          integer not null references stores (id),
    send_id           integer not null references sends (id),
    customer_id       integer not null references customers (id),
    channel           text not null,
    state             text not null,
    skip_reason       text,
    name              text not null,
    first_name        text not null,
    last_name         text not null,
    anniversary_month integer,
    anniversary_day   integer,
    address           text,
    addr_norm         text,
    unsubscribe_token text not null,
    attempts          integer not null default 0,
    next_at           text,
    lease_owner       text,
    lease_until       text,
    epoch             integer not null default 0,
    attempted_at      text,
    settled_at        text,
    reply_code        integer,
    reply             text,
    created_at        text not null
);
create unique index messages_person on messages (send_id, customer_id, channel);
create unique index messages_address on messages (send_id, channel, addr_norm) where state <> 'skipped';
create index messages_customer on messages (customer_id, id);
create index messages_store on messages (store_id);
create index messages_state on messages (send_id, state, id);
create index messages_due on messages (send_id, next_at, id) where state = 'queued';
create index messages_leases on messages (lease_until) where state in ('leased', 'attempting');

-- What the built-in outbox holds: exactly the bytes a mail server would have been given.
create table outbox (
    id         integer primary key autoincrement,
    store_id   integer not null references stores (id),
    message_id integer references messages (id),
    recipient  text not null,
    subject    text not null,
    source     text not null,
    accepted_at text not null
);
create index outbox_store on outbox (store_id, id);
create unique index outbox_message on outbox (message_id);

-- What was typed into a one-shot form, per person, so that a refusal or an expired session
-- loses nothing.
create table scratches (
    user_id    integer primary key references users (id) on delete cascade,
    form       text not null,
    updated_at text not null
);
