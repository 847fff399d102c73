//! The set of tags a customer is in: right whatever wrote the tags, because the count relies on it.

use loupe::{customers::queries as customers, on_tx};

use super::{number, someone, write};
use crate::{
    both,
    support::{app::TestApp, books::Dice},
};

/// Customers whose set is not exactly their tags.
const WRONG: &str = "select count(*) from customers c where c.store_id = $1 and (
    (select count(*) from customer_tags t where t.customer_id = c.id)
        <> (select count(*) from tag_set_tags s where s.tag_set = c.tag_set and s.store_id = c.store_id)
    or exists (
        select 1 from customer_tags t where t.customer_id = c.id and not exists (
            select 1 from tag_set_tags s where s.tag_set = c.tag_set and s.tag = t.tag)))";

const TAGS: [&str; 5] = ["wedding", "vip", "café", "o'neil's", "a \"quoted\", {braced} \\ one"];

async fn add(app: &TestApp, id: i64, tags: &[String]) {
    let mut tx = app.db().begin().await.unwrap();
    customers::add_tags(&mut tx, app.store.id, id, tags).await.unwrap();
    tx.commit().await.unwrap();
}

both!(a_set_of_tags_follows_every_change, |app| {
    let mut dice = Dice(5);
    let people: Vec<_> = (0..12).map(|i| someone(&app, &format!("Somebody {i}"))).collect();
    let mut ids = write(&app, &people).await;
    for step in 0..200 {
        let at = usize::try_from(dice.below(ids.len() as u64)).unwrap();
        let tags: Vec<String> = TAGS
            .iter()
            .filter(|_| dice.percent(40))
            .map(|t| (*t).to_owned())
            .collect();
        let mut tx = app.db().begin().await.unwrap();
        match dice.below(8) {
            0 if ids.len() > 4 => {
                let id = ids.swap_remove(at);
                on_tx!(&mut tx, |conn| sqlx::query("delete from customers where id = $1")
                    .bind(id)
                    .execute(&mut *conn)
                    .await
                    .map(|_| ()))
                .unwrap();
            }
            // Many at once.
            1 => on_tx!(&mut tx, |conn| sqlx::query(
                "delete from customer_tags where store_id = $1 and tag = $2"
            )
            .bind(app.store.id)
            .bind(*dice.pick(&TAGS))
            .execute(&mut *conn)
            .await
            .map(|_| ()))
            .unwrap(),
            2 => on_tx!(&mut tx, |conn| sqlx::query(
                "insert into customer_tags (store_id, customer_id, tag)
                 select store_id, id, $2 from customers where store_id = $1 and id % 2 = 0 on conflict do nothing"
            )
            .bind(app.store.id)
            .bind(*dice.pick(&TAGS))
            .execute(&mut *conn)
            .await
            .map(|_| ()))
            .unwrap(),
            3..=5 => {
                let changed = customers::set_tags(&mut tx, app.store.id, ids[at], &tags).await;
                changed.unwrap();
            }
            _ => {
                let changed = customers::add_tags(&mut tx, app.store.id, ids[at], &tags).await;
                changed.unwrap();
            }
        }
        tx.commit().await.unwrap();
        assert_eq!(number(&app, WRONG, app.store.id.0).await, 0, "after step {step}");
    }
    let sets = number(
        &app,
        "select count(distinct tag_set) from customers where store_id = $1",
        app.store.id.0,
    )
    .await;
    assert!(sets > 1, "{sets}");
});

both!(two_who_tag_one_customer_at_once_are_both_seen, |app| {
    for round in 0..20 {
        let ids = write(&app, &[someone(&app, &format!("Somebody {round}"))]).await;
        let (wedding, vip) = (["wedding".to_owned()], ["vip".to_owned()]);
        tokio::join!(add(&app, ids[0], &wedding), add(&app, ids[0], &vip));
        assert_eq!(number(&app, WRONG, app.store.id.0).await, 0, "round {round}");
    }
});
