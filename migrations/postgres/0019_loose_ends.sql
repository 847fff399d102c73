-- A send can end while some of it is on the wire. What follows from the answers is written down
-- when the last of them is known.
alter table sends add column needs_reconcile boolean not null default false;
create index sends_needs_reconcile on sends (id) where needs_reconcile;

-- Those that ended before anybody kept this in mind.
update sends set needs_reconcile = true
 where state in ('done', 'reverted')
   and exists (select 1 from messages m
                where m.send_id = sends.id and (m.settled_at > sends.finished_at or m.state = 'attempting'));
