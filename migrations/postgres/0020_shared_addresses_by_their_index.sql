-- Who shares an address is looked up by the address. A store that came after the database had last
-- looked at the book counts as almost empty: each index of its customers then looks equally good,
-- and one was read from end to end for every new customer. Asking for them in order leaves only the
-- index that has the addresses. (Settings that forbid have no price in earnest: compiling the
-- statement for it has.)
create or replace function customers_share(store bigint, addresses text[]) returns void language plpgsql
set enable_seqscan = off set enable_sort = off set jit = off as $$
begin
    perform pg_advisory_xact_lock(hashtext(current_schema()), b.lock::integer)
       from (select distinct hashtextextended(a, store) & 1023 as lock from unnest(addresses) a order by lock) b;
    update customers c set email_shared = t.is_shared
      from (select o.id, o.email_shared as was, count(*) over (partition by w.address) > 1 as is_shared
              from (select distinct a from unnest(addresses) a) w(address)
             cross join lateral (select p.id, p.email_shared from customers p
                                  where p.store_id = store and p.email_norm = w.address order by p.id) o) t
     where c.id = t.id and t.was <> t.is_shared;
end $$;
