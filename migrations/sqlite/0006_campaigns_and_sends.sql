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
    -- For what went out by itself: when it was scheduled for, how many seconds late it was, and why.
    scheduled_at    text,
    late_by         integer,
    late_why        text,
    finished_at     text,
    problem         text,
    -- Since when nothing goes out; by whom (null: the provider is in trouble); when it is tried again.
    paused_at       text,
    paused_by       text,
    resume_at       text,
    -- The send that this one follows: a second try for those without an answer, or a correction.
    of_send         integer references sends (id),
    -- How many people it was written down for, the skipped ones too.
    people          integer not null default 0,
    -- A send can end while some of it is on the wire. What follows from the answers is written down
    -- when the last of them is known.
    needs_reconcile boolean not null default false,
    -- When customers were last written to is noted on them after the end of their send, a piece at a
    -- time: past which message, as long as there is something left to note.
    contacts_after  bigint,
    -- Of its people, those left out because an earlier go of the same message had reached them. Nobody
    -- has skipped them: they have it.
    already         integer not null default 0
);
create unique index sends_token on sends (store_id, token);
create index sends_campaign on sends (campaign_id, id);
create index sends_open on sends (hold_until) where state in ('holding', 'sending');
create index sends_store on sends (store_id, started_at);
create index sends_following on sends (of_send) where of_send is not null;
create index sends_needs_reconcile on sends (id) where needs_reconcile;
create index sends_contacts on sends (id) where contacts_after is not null;

-- Who would have got a message when somebody was shown how many that is: when it was scheduled, or
-- when the question before a send was asked. What changed until it went out is told from it.
create table audience_snapshots (
    store_id  integer not null references stores (id),
    -- The token under which it is sent.
    token     text not null,
    will_send integer not null,
    -- JSON lists of customers' ids: who would have got it, and who was left out with a reason. Null
    -- when there are too many to keep.
    getting   text,
    left_out  text,
    shown_at  text not null,
    primary key (store_id, token)
);
create index audience_snapshots_old on audience_snapshots (shown_at);

-- The numbers of large campaigns that went out in several goes: everybody once, by the best that came of it. Worked
-- out from all their rows, and kept until one of the goes has other numbers.
create table campaign_tallies (
    campaign_id integer primary key references campaigns (id) on delete cascade,
    -- The goes and their numbers as they were.
    counted_of  text not null,
    counted_at  text not null,
    -- JSON: of people, by what came of it.
    tally       text not null
) without rowid;
