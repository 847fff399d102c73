-- What the provider never answered is settled by a person or by time; and a send can follow
-- another one: a second try for those without an answer, a correction.

-- treated_as_sent or sent_again; null for everything that settled itself.
alter table messages add column resolution text;
create index messages_unconfirmed on messages (settled_at) where state = 'unconfirmed' and resolution is null;

alter table sends add column of_send bigint references sends (id);
create index sends_following on sends (of_send) where of_send is not null;
