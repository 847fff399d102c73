-- One row per running program that sends by itself: how the others, and the pages, know that it is alive.

create table scheduler_heartbeats (
    instance   text primary key,
    -- running, copy (nothing is sent until an owner confirms) or clock (it was put back).
    state      text not null,
    started_at timestamptz not null,
    beat_at    timestamptz not null
);
create index scheduler_heartbeats_beat on scheduler_heartbeats (beat_at);
