-- An index row has at most 8,191 bytes, and a list of tags may have more: sets are told apart by a
-- hash of their tags.
create function tags_hash(tags text[]) returns bytea language sql immutable strict parallel safe as $$
    select sha256(convert_to(cast(array_to_json(tags) as text), 'UTF8'))
$$;
alter table tag_sets drop constraint tag_sets_store_id_tags_key;
create unique index tag_sets_tags on tag_sets (store_id, tags_hash(tags));

create or replace function customers_retag(who bigint[]) returns void language plpgsql
set enable_seqscan = off as $$
begin
    perform from customers where id = any (who) order by id for no key update;
    insert into tag_sets (store_id, tags)
        select distinct store_id, array_agg(tag order by tag) as tags from customer_tags
         where customer_id = any (who) group by store_id, customer_id order by store_id, tags
        on conflict do nothing;
    update customers c set tag_set = own.tag_set
      from (select id, (select s.id from tag_sets s where s.store_id = w.store_id and tags_hash(s.tags) = tags_hash((
                            select array_agg(t.tag order by t.tag) from customer_tags t where t.customer_id = w.id)))
                   as tag_set
              from customers w where id = any (who)) own
     where c.id = own.id and c.tag_set is distinct from own.tag_set;
end $$;

-- Sets that nobody is in are removed from time to time.
create index tag_set_tags_set on tag_set_tags (tag_set);
delete from tag_set_tags t where not exists (select 1 from customers c where c.tag_set = t.tag_set);
delete from tag_sets s where not exists (select 1 from customers c where c.tag_set = s.id);

-- Always empty here: this database's triggers see a whole change. The other one needs it.
create table tags_changing (
    customer_id bigint primary key
);
