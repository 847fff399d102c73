-- Of a send's people, those left out because an earlier go of the same message had reached them. Nobody has skipped
-- them: they have it.
alter table sends add column already integer not null default 0;
update sends set already = (select count(*) from messages m
                             where m.send_id = sends.id and m.skip_reason = 'already_received')
 where campaign_id is not null or of_send is not null;

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
