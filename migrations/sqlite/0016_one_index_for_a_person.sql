-- Whoever asks for a customer's messages is served by what says that nobody is twice in a send.
drop index messages_person;
create unique index messages_person on messages (customer_id, send_id, channel);
drop index messages_customer;
