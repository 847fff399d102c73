-- Whoever shares an address is found, with all that an audience may ask of them, in one small index:
-- the table itself is not read.
drop index customers_shared;
create index customers_shared on customers (store_id, email_norm, id, email_standing, email_shared, tag_set, spent_cents,
    created_at, last_touch_at, last_purchase_at, open_repairs, largest_purchase_cents, birthday_month, anniversary_month)
    where email_shared;

-- So is whoever has a repair open: without the column itself it was not believed to be in the index.
drop index customers_open_repairs;
create index customers_open_repairs on customers (store_id, open_repairs, email_standing, email_shared)
    where open_repairs > 0;

-- All customers are counted by what is known of their addresses, one number after another.
create index customers_standing on customers (store_id, email_standing);
