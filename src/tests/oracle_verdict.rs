//! The one who judges the rounds is judged: what it has to notice, it notices.

use std::collections::HashSet;

use loupe::{context::actor::Role, on_db, on_tx};

use crate::{
    both,
    oracle::{self, Arrived},
    sends::after_sending::partly_unconfirmed,
    support::{app::TestApp, sending::deliver},
};

/// One copy of every row in this state, as a mail server would have it.
async fn copies(app: &TestApp, state: &str) -> Vec<Arrived> {
    let rows: Vec<(i64, String)> = on_db!(app.db(), |pool| sqlx::query_as(
        "select id, addr_norm from messages where state = $1 order by id"
    )
    .bind(state)
    .fetch_all(pool)
    .await)
    .unwrap();
    let copy = |(row, recipient)| Arrived {
        message_id: format!("<{row}.loupe@example.com>"),
        recipient,
        answered: 250,
    };
    rows.into_iter().map(copy).collect()
}

async fn wrong(app: &TestApp, arrived: &[Arrived], given_up: &HashSet<i64>) -> Vec<String> {
    let verdict = oracle::examine(app.db(), app.store.id, arrived, given_up);
    verdict.await.unwrap().wrong
}

async fn change(app: &TestApp, sql: &'static str) {
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(sql).execute(&mut *conn).await.map(|_| ())).unwrap();
    tx.commit().await.unwrap();
}

both!(a_second_copy_is_right_only_where_somebody_asked_for_it, |app| {
    let (_, send) = partly_unconfirmed(&app, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = send.to_string();
    let fields = [("send_id", id.as_str()), ("send_token", "again")];
    app.post_form("/api/sends/again", "/marketing/campaigns", &fields, &cookie)
        .await;
    let again = loupe::sends::queries::by_token(app.db(), app.store.id, "again").await;
    deliver(&app.state, &app.store, again.unwrap().unwrap().id).await;

    let nobody = HashSet::new();
    let mut arrived = copies(&app, "accepted").await;
    arrived.extend(copies(&app, "unconfirmed").await);
    assert_eq!(wrong(&app, &arrived, &nobody).await, Vec::<String>::new());
    let mut twice = arrived.clone();
    twice.push(arrived[0].clone());
    let seen = wrong(&app, &twice, &nobody).await.join("\n");
    assert!(
        seen.contains("arrived 2 times") && seen.contains("has 2 copies"),
        "{seen}"
    );
    let seen = wrong(&app, &arrived[1..], &nobody).await.join("\n");
    assert!(seen.contains("is accepted but never arrived"), "{seen}");

    change(
        &app,
        "update messages set resolution = null where state = 'unconfirmed'",
    )
    .await;
    let seen = wrong(&app, &arrived, &nobody).await.join("\n");
    assert!(seen.contains("a second copy that nobody asked for"), "{seen}");
});

both!(whoever_a_stopped_campaign_did_not_reach_is_owed_nothing, |app| {
    let (campaign, _) = partly_unconfirmed(&app, 0).await;
    change(
        &app,
        "update messages set state = 'cancelled' where id = (select max(id) from messages)",
    )
    .await;
    change(&app, "update campaigns set status = 'draft'").await;
    let arrived = copies(&app, "accepted").await;
    let seen = wrong(&app, &arrived, &HashSet::new()).await.join("\n");
    assert!(seen.contains("and no outcome"), "{seen}");
    let given_up = HashSet::from([campaign]);
    assert_eq!(wrong(&app, &arrived, &given_up).await, Vec::<String>::new());
});

both!(what_is_treated_as_sent_need_not_have_arrived, |app| {
    let (_, send) = partly_unconfirmed(&app, 2).await;
    let arrived = copies(&app, "accepted").await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = send.to_string();
    app.post_form(
        "/api/sends/treat-as-sent",
        "/marketing/campaigns",
        &[("send_id", &id)],
        &cookie,
    )
    .await;
    assert_eq!(wrong(&app, &arrived, &HashSet::new()).await, Vec::<String>::new());
});
