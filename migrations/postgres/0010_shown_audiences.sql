-- Who would have got a message when somebody was shown how many that is: when it was scheduled, or
-- when the question before a send was asked. What changed until it went out is told from it.

create table audience_snapshots (
    store_id  bigint not null references stores (id),
    -- The token under which it is sent.
    token     text not null,
    will_send bigint not null,
    -- JSON lists of customers' ids: who would have got it, and who was left out with a reason. Null
    -- when there are too many to keep.
    getting   text,
    left_out  text,
    shown_at  timestamptz not null,
    primary key (store_id, token)
);
create index audience_snapshots_old on audience_snapshots (shown_at);
