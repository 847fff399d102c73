-- What is known of a mail account's provider: whether it tells what became of a message, and
-- whether it takes a message with the same key only once.
alter table provider_accounts add column provider text;
-- The last part of the address that its events are posted to, and what proves that they are its
-- own, sealed with the installation's key.
alter table provider_accounts add column hook_token text;
alter table provider_accounts add column hook_secret text;
create unique index provider_accounts_hook on provider_accounts (hook_token) where hook_token is not null;

-- The mail account that a message was last tried through, where its provider is known; until when
-- that provider knows the message's key, by the database's clock; how often it went back to the
-- queue because of it.
alter table messages add column account text;
alter table messages add column key_until timestamptz;
alter table messages add column idempotent_retries bigint not null default 0;
create index messages_idempotent_retries on messages (send_id) where idempotent_retries > 0;
