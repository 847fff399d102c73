//! A database that was restored or copied counts its rows from the same number as its other life. What
//! leaves it must not be taken for what the other life sent.

use std::collections::BTreeSet;

use loupe::{
    channels::email::events::Provider,
    context::actor::Role,
    db::Db,
    instance,
    messages::queries::leases::{self as ledger, ProviderAccount},
    on_db,
    recipients::model::RecipientFilter,
};

use crate::{
    both,
    sends::after_sending::{partly_unconfirmed, unconfirmed_ids},
    support::{
        app::TestApp,
        people,
        providers::{Post, belongs_to, message_id},
        sending::{begun, deliver, draft, press},
        sink::Sink,
    },
};

/// Forgets everything that was sent after this message, as a backup that was made before it does.
async fn go_back(app: &TestApp, last: i64) {
    people::change(app.db(), "delete from messages where id > $1", last).await;
    match app.db() {
        Db::Sqlite(_) => {
            people::change(
                app.db(),
                "update sqlite_sequence set seq = $1 where name = 'messages'",
                last,
            )
            .await;
        }
        Db::Postgres(pool) => {
            let sql = format!("alter table messages alter column id restart with {}", last + 1);
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await.unwrap();
        }
    }
}

/// The database is put back, and an owner confirms it.
async fn put_back(app: &TestApp) {
    let mut tx = app.db().begin().await.unwrap();
    instance::mark_restored(&mut tx, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(instance::settle(&app.state).await.unwrap().is_some());
    let owner = app.sign_in_as(Role::Owner).await;
    app.post_form("/api/instance/confirm", "/marketing/campaigns", &[], &owner)
        .await;
    assert!(!app.state.send_gate.is_passive());
}

async fn send_to_all(app: &TestApp, name: &str) -> i64 {
    let campaign = draft(app.db(), &app.store, name, &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, send).await;
    send
}

async fn rows(app: &TestApp, send: i64) -> Vec<i64> {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select id from messages where send_id = $1 order by id"
    )
    .bind(send)
    .fetch_all(pool)
    .await)
    .unwrap()
}

/// Everything that names a message at the mail server: its Message-ID and the provider's key.
fn names_at(sink: &Sink) -> Vec<String> {
    let mut names = Vec::new();
    for one in sink.received() {
        let text = String::from_utf8_lossy(&one.bytes).into_owned();
        let key = text
            .lines()
            .find_map(|line| line.strip_prefix("Resend-Idempotency-Key: "));
        names.extend(key.map(str::to_owned));
        names.push(one.message_id);
    }
    names
}

both!(what_leaves_after_a_restore_has_ids_of_its_own, "", |app, sink| {
    let kept = belongs_to(&app, Provider::Resend).await;
    instance::settle(&app.state).await.unwrap();
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let first = rows(&app, send_to_all(&app, "Before").await).await;
    let last = *first.last().unwrap();
    // Sent after the backup was made.
    let lost = rows(&app, send_to_all(&app, "Lost").await).await;
    let lost_id = message_id(&app, lost[0]).await;
    go_back(&app, last).await;
    put_back(&app).await;
    let (_, send) = partly_unconfirmed(&app, 1).await;
    let again = rows(&app, send).await;
    assert!(again.starts_with(&lost), "the numbers are the same: {again:?} {lost:?}");
    let names = names_at(&sink);
    assert_eq!(names.len(), 2 * (3 + 3 + again.len()));
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");

    // What is still told of the lost send settles nothing of the new one.
    let waiting = unconfirmed_ids(&app, send).await;
    assert_eq!(waiting, lost[..1]);
    for kind in ["email.delivered", "email.failed"] {
        let post = Post::of(&app, Provider::Resend, kind, &lost_id, 0);
        assert_eq!(post.to(&app, &kept).await, 200);
        assert_eq!(unconfirmed_ids(&app, send).await, waiting, "{kind}");
    }
    let id = message_id(&app, waiting[0]).await;
    assert_ne!(id, lost_id);
    let post = Post::of(&app, Provider::Resend, "email.delivered", &id, 0);
    assert_eq!(post.to(&app, &kept).await, 200);
    assert!(unconfirmed_ids(&app, send).await.is_empty());
});

both!(
    what_left_before_is_still_found_by_the_id_it_left_with,
    "",
    |app, sink| {
        let kept = belongs_to(&app, Provider::Mailgun).await;
        instance::settle(&app.state).await.unwrap();
        let (_, send) = partly_unconfirmed(&app, 1).await;
        people::change(
        app.db(),
        "update messages set account = (select account from provider_accounts where provider is not null) where 1 = $1",
        1,
    )
    .await;
        let message = unconfirmed_ids(&app, send).await[0];
        let left_with = sink.received().into_iter().map(|one| one.message_id);
        let prefix = format!("<{message}.");
        let left_with = left_with.into_iter().find(|id| id.starts_with(&prefix)).unwrap();
        put_back(&app).await;
        let now = loupe::context::installation::id(app.db()).await.unwrap();
        assert!(!left_with.contains(&now));
        let under_the_new = format!("{message}.{now}@aurelia.example.com");
        for (id, left) in [(under_the_new.as_str(), 1), (left_with.trim_matches(['<', '>']), 0)] {
            let post = Post::of(&app, Provider::Mailgun, "delivered", id, 0);
            assert_eq!(post.to(&app, &kept).await, 200);
            assert_eq!(unconfirmed_ids(&app, send).await.len(), left, "{id}");
        }
    }
);

both!(every_copy_that_is_confirmed_is_an_installation_of_its_own, |app| {
    instance::settle(&app.state).await.unwrap();
    let mut ids = vec![loupe::context::installation::id(app.db()).await.unwrap()];
    for _ in 0..4 {
        // As one who confirms this copy, and another the next: both begin with the same id.
        people::change(
            app.db(),
            "update instance set value = 'the same' where key = 'id' and 1 = $1",
            1,
        )
        .await;
        put_back(&app).await;
        ids.push(loupe::context::installation::id(app.db()).await.unwrap());
        let owner = app.sign_in_as(Role::Owner).await;
        app.post_form("/api/instance/confirm", "/marketing/campaigns", &[], &owner)
            .await;
        assert_eq!(
            ids.last(),
            Some(&loupe::context::installation::id(app.db()).await.unwrap()),
            "pressed twice"
        );
    }
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 5, "{ids:?}");
});

// An idempotent retry is one only with the key that the provider has seen.
both!(a_message_keeps_its_id_over_all_its_attempts, |app| {
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let [retried, deferred, fresh] = rows(&app, send).await[..] else {
        panic!("three of them")
    };
    let change = async |sql: &'static str, id: i64| people::change(app.db(), sql, id).await;
    change(
        "update messages set installation = 'former', attempts = 1, idempotent_retries = 1, account = 'theirs',
                key_until = '2099-01-01 00:00:00+00:00' where id = $1",
        retried,
    )
    .await;
    change(
        "update messages set installation = 'former', attempts = 1 where id = $1",
        deferred,
    )
    .await;
    // Leased in the former life, and never attempted.
    change("update messages set installation = 'former' where id = $1", fresh).await;
    let through = ProviderAccount {
        account: "theirs",
        is_idempotent: true,
    };
    let mut tx = app.db().begin().await.unwrap();
    let leased = ledger::lease(&mut tx, send, ("me", 30), Some(through), 10, app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let now = loupe::context::installation::id(app.db()).await.unwrap();
    let found: Vec<(i64, &str)> = leased.iter().map(|row| (row.id, row.installation.as_str())).collect();
    assert_eq!(
        found,
        [(retried, "former"), (deferred, "former"), (fresh, now.as_str())]
    );
});
