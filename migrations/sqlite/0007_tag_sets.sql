-- Each combination of tags that somebody carries, so that a union of tags is counted without
-- looking anybody up twice: a customer has one set, and an index holds the customers by it. Sets
-- are never removed: there are few, and nobody has to wait for anybody over one.

create table tag_sets (
    id       integer primary key autoincrement,
    store_id integer not null references stores (id),
    -- The tags in order, as a list in JSON.
    tags     text not null,
    unique (store_id, tags)
);

create table tag_set_tags (
    store_id integer not null,
    tag      text not null,
    tag_set  integer not null references tag_sets (id),
    primary key (store_id, tag, tag_set)
) without rowid;

create trigger tag_sets_insert after insert on tag_sets begin
    insert into tag_set_tags (store_id, tag, tag_set) select new.store_id, value, new.id from json_each(new.tags);
end;

-- Null for somebody without tags. Kept by triggers, because it must be right whatever wrote a tag.
alter table customers add column tag_set integer;

insert into tag_sets (store_id, tags)
    select distinct store_id, json_group_array(tag order by tag) from customer_tags group by customer_id;
update customers set tag_set = s.id
  from (select store_id, customer_id, json_group_array(tag order by tag) as tags
          from customer_tags group by customer_id) own
  join tag_sets s on s.store_id = own.store_id and s.tags = own.tags
 where customers.id = own.customer_id;

create trigger customer_tags_insert after insert on customer_tags begin
    insert into tag_sets (store_id, tags)
        select new.store_id, json_group_array(tag order by tag) from customer_tags where customer_id = new.customer_id
        on conflict do nothing;
    update customers set tag_set = (
        select s.id from tag_sets s where s.store_id = new.store_id and s.tags = (
            select json_group_array(tag order by tag) from customer_tags where customer_id = new.customer_id))
     where id = new.customer_id;
end;
-- Whoever loses their last tag is in no set; a customer who is removed is in none anyway.
create trigger customer_tags_delete after delete on customer_tags begin
    insert into tag_sets (store_id, tags)
        select old.store_id, json_group_array(tag order by tag) from customer_tags
         where customer_id = old.customer_id having count(*) > 0
        on conflict do nothing;
    update customers set tag_set = (
        select s.id from tag_sets s where s.store_id = old.store_id and s.tags = (
            select json_group_array(tag order by tag) from customer_tags where customer_id = old.customer_id))
     where id = old.customer_id;
end;
create trigger customer_tags_update before update on customer_tags begin
    select raise(abort, 'a tag is added or removed, never changed');
end;

-- The recipient count reads these alone, in this order.
create index customers_tag_set on customers (store_id, tag_set, email_standing);
drop index customers_standing;
drop index customers_shared;
create index customers_shared on customers (store_id, email_norm, id, email_standing, tag_set) where email_shared;
