-- A set of tags is looked for once for each change of a customer's tags. After each single tag there
-- would be a set for every prefix of a list: thousands of rows for a few dozen tags.

-- Customers whose tags are being changed, inside one transaction: their set is looked for when they
-- leave. Without a row here a tag may still be written alone.
create table tags_changing (
    customer_id integer primary key
) without rowid;

drop trigger customer_tags_insert;
create trigger customer_tags_insert after insert on customer_tags
  when not exists (select 1 from tags_changing where customer_id = new.customer_id) begin
    insert into tag_sets (store_id, tags)
        select new.store_id, json_group_array(tag order by tag) from customer_tags where customer_id = new.customer_id
        on conflict do nothing;
    update customers set tag_set = (
        select s.id from tag_sets s where s.store_id = new.store_id and s.tags = (
            select json_group_array(tag order by tag) from customer_tags where customer_id = new.customer_id))
     where id = new.customer_id;
end;

drop trigger customer_tags_delete;
-- Whoever loses their last tag is in no set; a customer who is removed is in none anyway.
create trigger customer_tags_delete after delete on customer_tags
  when not exists (select 1 from tags_changing where customer_id = old.customer_id) begin
    insert into tag_sets (store_id, tags)
        select old.store_id, json_group_array(tag order by tag) from customer_tags
         where customer_id = old.customer_id having count(*) > 0
        on conflict do nothing;
    update customers set tag_set = (
        select s.id from tag_sets s where s.store_id = old.store_id and s.tags = (
            select json_group_array(tag order by tag) from customer_tags where customer_id = old.customer_id))
     where id = old.customer_id;
end;

create trigger tags_changing_done after delete on tags_changing begin
    insert into tag_sets (store_id, tags)
        select store_id, json_group_array(tag order by tag) from customer_tags
         where customer_id = old.customer_id group by store_id
        on conflict do nothing;
    update customers set tag_set = (
        select s.id from tag_sets s where s.store_id = customers.store_id and s.tags = (
            select json_group_array(tag order by tag) from customer_tags where customer_id = old.customer_id))
     where id = old.customer_id;
end;

-- Sets that nobody is in are removed from time to time.
create index tag_set_tags_set on tag_set_tags (tag_set);
delete from tag_set_tags
 where tag_set not in (select tag_set from customers where tag_set is not null);
delete from tag_sets
 where id not in (select tag_set from customers where tag_set is not null);
