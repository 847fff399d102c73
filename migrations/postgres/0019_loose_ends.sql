-- A send can end while some of it is on the wire. What follows from the answers is written down
-- when the last of them is known.
alter table sends add column loose_ends boolean not null default false;
create index sends_loose_ends on sends (id) where loose_ends;

-- Those that ended before anybody kept this in mind.
update sends set loose_ends = true
 where state in ('done', 'reverted')
   and exists (select 1 from messages m
                where m.send_id = sends.id and (m.settled_at > sends.finished_at or m.state = 'attempting'));
