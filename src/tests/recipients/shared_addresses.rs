//! The mark "somebody else has this address", and what follows from the other columns: right
//! whatever wrote the row.

use loupe::{on_db, on_tx};

use super::{change, number, someone, write_for};
use crate::{
    both,
    support::{
        app::open_store,
        books::{Dice, Roughness, somebody},
    },
};

const WRONG: &str = "select count(*) from customers c where c.store_id = $1 and c.email_shared <> (
    c.email_norm is not null and
    (select count(*) from customers o where o.store_id = c.store_id and o.email_norm = c.email_norm) > 1)";

both!(the_mark_is_right_after_any_change, |app| {
    let mut dice = Dice(11);
    let rough = Roughness {
        trouble: 10,
        shared: 50,
        tagged: 0,
    };
    // The same addresses in a neighbour's book are nobody's business here.
    let neighbour = open_store(app.db(), "next-door", app.now()).await;
    let people: Vec<_> = (0..40).map(|i| somebody(&mut dice, i, rough, app.now())).collect();
    write_for(&app, neighbour.id, &people).await;
    let mut ids = write_for(&app, app.store.id, &people).await;
    let shared = number(
        &app,
        "select count(*) from customers where store_id = $1 and email_shared",
        app.store.id.0,
    )
    .await;
    assert!(shared > 5 && shared < 40, "{shared}");
    for step in 0..300 {
        let at = usize::try_from(dice.below(ids.len() as u64)).unwrap();
        let address = (!dice.percent(15)).then(|| format!("person{}@example.com", dice.below(30)));
        let mut tx = app.db().begin().await.unwrap();
        match dice.below(4) {
            0 => {
                let mut new = somebody(&mut dice, 0, rough, app.now());
                new.email = address;
                ids.push(new.insert(&mut tx, app.store.id).await.unwrap());
            }
            1 if ids.len() > 10 => {
                let id = ids.swap_remove(at);
                on_tx!(&mut tx, |conn| sqlx::query("delete from customers where id = $1")
                    .bind(id)
                    .execute(&mut *conn)
                    .await
                    .map(|_| ()))
                .unwrap();
            }
            2 => {
                // Many at once.
                on_tx!(&mut tx, |conn| sqlx::query(
                    "update customers set email_norm = $1 where store_id = $2 and id % 7 = $3"
                )
                .bind(address)
                .bind(app.store.id)
                .bind(dice.below(7).cast_signed())
                .execute(&mut *conn)
                .await
                .map(|_| ()))
                .unwrap();
            }
            _ => {
                on_tx!(&mut tx, |conn| sqlx::query(
                    "update customers set email_norm = $1, name = 'New' where id = $2"
                )
                .bind(address)
                .bind(ids[at])
                .execute(&mut *conn)
                .await
                .map(|_| ()))
                .unwrap();
            }
        }
        tx.commit().await.unwrap();
        let wrong = number(&app, WRONG, app.store.id.0).await;
        assert_eq!(wrong, 0, "after step {step}");
    }
    assert_eq!(number(&app, WRONG, neighbour.id.0).await, 0);
});

both!(what_stands_against_mail_follows_every_change, |app| {
    let ids = write_for(&app, app.store.id, &[someone(&app, "Amara Okafor")]).await;
    let changes = [
        ("update customers set email_bounced_at = updated_at where id = $1", 10),
        ("update customers set email_consent = 'none' where id = $1", 9),
        ("update customers set email_bounced_at = null where id = $1", 9),
        // That the address bounced is remembered until the address itself is allowed again.
        ("update suppressions set bounced_at = null where $1 > 0", 8),
        ("update customers set email_consent = 'withdrawn' where id = $1", 7),
        ("update customers set email_complained_at = updated_at where id = $1", 6),
        ("update customers set email_valid = false where id = $1", 5),
        ("update customers set email_norm = null where id = $1", 4),
        ("update customers set do_not_contact = true where id = $1", 2),
        ("update customers set archived_at = updated_at where id = $1", 1),
        (
            "update customers set archived_at = null, do_not_contact = false, email_norm = 'a@example.com', email_valid = true,
                    email_complained_at = null, email_consent = 'granted' where id = $1",
            0,
        ),
    ];
    for (statement, standing) in changes {
        change(&app, statement, ids[0]).await;
        let found: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
            "select email_standing from customers where id = $1"
        )
        .bind(ids[0])
        .fetch_one(pool)
        .await)
        .unwrap();
        assert_eq!(found, standing, "{statement}");
    }
});
