//! What is on its way to an address that said no.

use loupe::{
    consent::model::{ConsentState, Wish},
    customers::queries::note_complaint,
    messages::queries::{
        leases::{Leased, lease},
        settle::{Settled, remember_bounces, settle_and_mark},
    },
    on_tx,
};

use super::*;
use crate::{
    both,
    support::{
        people,
        sending::{begun, deliver, draft, midway, press, tally},
    },
};

async fn one(app: &TestApp, name: &str, email: &str) -> i64 {
    people::one(app.db(), app.store.id, name, Some(email), &[], app.now()).await
}

both!(what_waits_for_an_address_that_says_no_stays, |app| {
    let amara = one(&app, "Amara", "a@example.com").await;
    let partner = one(&app, "Chidi", "a@example.com").await;
    let ben = one(&app, "Ben", "b@example.com").await;
    let cleo = one(&app, "Cleo", "c@example.com").await;
    let sister = one(&app, "Dora", "c@example.com").await;
    let eve = one(&app, "Eve", "e@example.com").await;
    let bens = token(&app, ben).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let frozen = tally(app.db(), &app.store, send).await;
    assert_eq!((frozen.waiting, frozen.skipped), (4, 2));

    // Somebody else with her address says no; his old mailbox does; somebody complains.
    told(&app, partner, Wish::Withdraw).await;
    move_to(&app, ben, "b@example.org").await;
    press_unsubscribe(&app, &bens).await;
    let mut tx = app.db().begin().await.unwrap();
    note_complaint(&mut tx, app.store.id, sister, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    // She moves to an address that says no: what is on its way goes to the one she had.
    move_to(&app, eve, "a@example.com").await;
    assert_eq!(reason(&app, eve).await, Some(SkipReason::Unsubscribed));
    assert_eq!(find(&app, ben).await.email_consent, ConsentState::Granted);

    deliver(&app.state, &app.store, send).await;
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.sent, after.skipped), (1, 5));
    for (id, why) in [
        (amara, "Unsubscribed"),
        (ben, "Unsubscribed"),
        (cleo, "Marked a message as spam"),
        (eve, ""),
    ] {
        let timeline = loupe::messages::timeline::timeline(app.db(), app.store.id, id, 1)
            .await
            .unwrap();
        assert_eq!(timeline[0].why(), why, "{id}");
    }
});

both!(a_mailbox_that_does_not_exist_is_known_for_whoever_has_it, |app| {
    let amara = one(&app, "Amara", "a@example.com").await;
    let partner = one(&app, "Chidi", "a@example.com").await;
    let ben = one(&app, "Ben", "b@example.com").await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    midway(app.db(), send, 0).await;
    let mut tx = app.db().begin().await.unwrap();
    let leased = lease(&mut tx, send, ("me", 60), None, 10, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    // By the time it bounces she has another address.
    move_to(&app, amara, "new@example.com").await;
    let refused = |row: &Leased| Settled {
        id: row.id,
        epoch: row.epoch,
        state: "rejected",
        code: Some(550),
        reply: Some("550 5.1.1 No such user".to_owned()),
        next_at: None,
        refund: 0,
    };
    // In the one trip that most take, and in the other.
    let first = [refused(&leased[0])];
    let settled = serde_json::to_string(&first).unwrap();
    let [done, _] = settle_and_mark(app.db(), &first, &settled, "[]", app.now())
        .await
        .unwrap();
    assert_eq!(done, 1);
    let second = serde_json::to_string(&[refused(&leased[1]), refused(&leased[1])]).unwrap();
    let mut tx = app.db().begin().await.unwrap();
    remember_bounces(&mut tx, &second, app.now()).await.unwrap();
    remember_bounces(&mut tx, &second, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(reason(&app, amara).await, None);
    for id in [partner, ben] {
        assert_eq!(reason(&app, id).await, Some(SkipReason::Bounced));
    }
});

/// Customers whose marks are not those of their address.
const WRONG: &str = "select count(*) from customers c where c.email_suppression <> coalesce(
    (select s.marks from suppressions s
      where s.store_id = c.store_id and s.channel = 'email' and s.address = c.email_norm), 0)";

both!(the_marks_are_right_whatever_wrote_the_row, |app| {
    let a = one(&app, "Amara", "a@example.com").await;
    let b = one(&app, "Ben", "b@example.com").await;
    let change = async |sql: &'static str, id: i64, standings: [i64; 2]| {
        let mut tx = app.db().begin().await.unwrap();
        on_tx!(&mut tx, |conn| sqlx::query(sql)
            .bind(id)
            .execute(&mut *conn)
            .await
            .map(|_| ()))
        .unwrap();
        tx.commit().await.unwrap();
        let wrong: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(WRONG).fetch_one(pool).await).unwrap();
        let found = [find(&app, a).await.email_standing, find(&app, b).await.email_standing];
        assert_eq!((found, wrong), (standings, 0), "{sql}");
    };
    change(
        "update customers set email_consent = 'withdrawn' where id = $1",
        a,
        [7, 0],
    )
    .await;
    change(
        "update customers set email_norm = 'a@example.com' where id = $1",
        b,
        [7, 7],
    )
    .await;
    change(
        "update customers set email_consent = 'granted' where id = $1",
        a,
        [7, 7],
    )
    .await;
    change("update customers set email_norm = null where id = $1", b, [7, 4]).await;
    change("update suppressions set unsubscribed_at = null where $1 > 0", 1, [0, 4]).await;
    change(
        "update customers set email_norm = 'c@example.com', email_consent = 'withdrawn' where id = $1",
        a,
        [7, 4],
    )
    .await;
    change(
        "update customers set email_norm = 'c@example.com' where id = $1",
        b,
        [7, 7],
    )
    .await;
    change(
        "update customers set email_norm = 'd@example.com' where id = $1",
        a,
        [7, 7],
    )
    .await;
    change(
        "update customers set email_norm = 'd@example.com' where id = $1",
        b,
        [7, 0],
    )
    .await;
    change(
        "update customers set email_bounced_at = updated_at where id = $1",
        a,
        [7, 10],
    )
    .await;
    change(
        "update customers set email_complained_at = updated_at where id = $1",
        a,
        [6, 6],
    )
    .await;
    change("delete from suppressions where $1 > 0", 1, [6, 0]).await;
    // Of another channel it says nothing here.
    change(
        "insert into suppressions (store_id, channel, address, unsubscribed_at)
         select store_id, 'whatsapp', email_norm, updated_at from customers where id = $1",
        b,
        [6, 0],
    )
    .await;
});
