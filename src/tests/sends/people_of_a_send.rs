//! The list of a send's people: everybody once, on pages, in an order one can follow.

use std::collections::HashSet;

use loupe::{
    messages::people::{self as list, Part, RecipientRow},
    on_tx,
    recipients::model::RecipientFilter,
};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        sending::{begun, draft, press, tally},
    },
};

/// A send to 170 people, 20 of whom were skipped, with every kind of outcome.
async fn with_every_state(app: &TestApp) -> i64 {
    people::crowd(app.db(), app.store.id, 150, &[], app.now()).await;
    for n in 0..20 {
        people::one(app.db(), app.store.id, &format!("Nobody {n}"), None, &[], app.now()).await;
    }
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update messages set settled_at = case when id % 7 < 4 then created_at end,
                next_at = case when id % 7 = 4 then next_at end, lease_until = case when id % 7 > 4 then created_at end,
                state = case id % 7 when 0 then 'accepted' when 1 then 'rejected' when 2 then 'failed'
                                    when 3 then 'unconfirmed' when 4 then 'queued' when 5 then 'leased'
                                    else 'attempting' end
          where send_id = $1 and state = 'queued'"
    )
    .bind(send)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    send
}

async fn all_pages(app: &TestApp, send: i64, show: &str) -> (Vec<RecipientRow>, i64) {
    let numbers = tally(app.db(), &app.store, send).await;
    let mut all = Vec::new();
    for page in 1.. {
        let part = Part::page(page, 50);
        let (rows, total) = list::page(app.db(), app.store.id, &[send], &numbers, show, part)
            .await
            .unwrap();
        if rows.is_empty() {
            return (all, total);
        }
        all.extend(rows);
    }
    unreachable!("pages end")
}

both!(everybody_is_on_one_page_and_each_kind_on_its_own, |app| {
    let send = with_every_state(&app).await;
    let (all, total) = all_pages(&app, send, "").await;
    assert_eq!((all.len(), total), (170, 170));
    let once: HashSet<i64> = all.iter().map(|row| row.message_id).collect();
    assert_eq!(once.len(), 170);
    // Outcomes, who is on the wire, who waits, who was skipped; outcomes newest first, the others as
    // they go.
    let place = |row: &RecipientRow| match row.state.key() {
        "skipped" => (3, row.message_id),
        "queued" => (2, row.message_id),
        "leased" | "attempting" => (1, row.message_id),
        _ => (0, -row.message_id),
    };
    assert!(all.is_sorted_by_key(place));
    let mut of_kinds = 0;
    for show in ["sent", "failed", "unconfirmed", "waiting", "skipped"] {
        let (rows, total) = all_pages(&app, send, show).await;
        assert_eq!(i64::try_from(rows.len()).unwrap(), total, "{show}");
        assert!(rows.is_sorted_by_key(place), "{show}");
        of_kinds += rows.len();
    }
    assert_eq!(of_kinds, 170);
    let newest = list::newest(app.db(), app.store.id, send).await.unwrap();
    let top: Vec<i64> = all.iter().take(20).map(|row| row.message_id).collect();
    assert_eq!(newest.iter().map(|row| row.message_id).collect::<Vec<_>>(), top);
});

both!(another_store_sees_none_of_them, |app| {
    let send = with_every_state(&app).await;
    let numbers = tally(app.db(), &app.store, send).await;
    let other = loupe::ids::StoreId(app.store.id.0 + 1);
    let (rows, _) = list::page(app.db(), other, &[send], &numbers, "", Part::page(1, 50))
        .await
        .unwrap();
    assert!(rows.is_empty());
    assert!(list::newest(app.db(), other, send).await.unwrap().is_empty());
});
