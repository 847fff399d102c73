-- When customers were last written to is noted on them after the end of their send, a piece at a time:
-- past which message, as long as there is something left to note.
alter table sends add column contacts_after bigint;
create index sends_contacts on sends (id) where contacts_after is not null;
