-- Whoever is written to, buys or visits keeps their standing. One trigger wrote both, and the standing
-- is in ten indexes: ending a send to a million wrote ten million entries anew that said what they
-- had said before. What a change touches is written alone, and only if it says something new.
drop trigger customers_derived_update;
create trigger customers_standing_update
    after update of archived_at, do_not_contact, email_norm, email_valid, email_complained_at, email_consent,
        email_bounced_at on customers begin
    update customers set email_standing = (select d.email_standing from customers_derived d where d.id = new.id)
     where id = new.id and email_standing <> (select d.email_standing from customers_derived d where d.id = new.id);
end;
create trigger customers_touch_update
    after update of last_contacted_at, last_purchase_at, last_repair_at, last_visit_at on customers
  when new.last_touch_at <> max(coalesce(new.last_contacted_at, ''), coalesce(new.last_purchase_at, ''),
                                coalesce(new.last_repair_at, ''), coalesce(new.last_visit_at, ''))
begin
    update customers set last_touch_at = max(coalesce(last_contacted_at, ''), coalesce(last_purchase_at, ''),
                                             coalesce(last_repair_at, ''), coalesce(last_visit_at, ''))
     where id = new.id;
end;
