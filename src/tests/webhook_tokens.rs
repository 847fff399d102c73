//! Mailgun signs a time and a token and nothing of the event: a token carries one event, once.

use chrono::TimeDelta;
use loupe::{channels::email::events::Provider, context::actor::Role, on_db, sends::provider_events};

use crate::{
    both,
    sends::after_sending::{partly_unconfirmed, unconfirmed_ids},
    support::{
        app::{TestApp, words},
        people,
        providers::{Post, belongs_to, message_id},
    },
};

async fn through(app: &TestApp, account: &str) {
    let mut tx = app.db().begin().await.unwrap();
    loupe::on_tx!(&mut tx, |conn| sqlx::query("update messages set account = $1")
        .bind(account)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}

async fn tokens_kept(app: &TestApp) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from webhook_tokens"
    )
    .fetch_one(pool)
    .await)
    .unwrap()
}

both!(a_caught_signature_carries_no_other_event, "", |app, _sink| {
    let kept = belongs_to(&app, Provider::Mailgun).await;
    let (_, send) = partly_unconfirmed(&app, 3).await;
    through(&app, &kept.account).await;
    let [first, second, third] = unconfirmed_ids(&app, send).await[..] else {
        panic!("three of them")
    };
    let (one, two) = (message_id(&app, first).await, message_id(&app, second).await);
    let caught = Post::of(&app, Provider::Mailgun, "delivered", &one, 0);
    assert_eq!(caught.clone().to(&app, &kept).await, 200);
    assert_eq!(unconfirmed_ids(&app, send).await, [second, third]);
    // The same again is fine, and whatever else is put beside the signature is not heard.
    assert_eq!(caught.clone().to(&app, &kept).await, 200);
    for kind in ["delivered", "rejected"] {
        let other = caught.clone().with_body(&one, &two).with_body("delivered", kind);
        assert_eq!(other.to(&app, &kept).await, 200, "{kind}");
    }
    // Nor is it after an event that was about nothing of ours.
    let other = message_id(&app, third).await;
    let nothing = Post::of(&app, Provider::Mailgun, "delivered", "0100@mail.example.com", 0);
    assert_eq!(nothing.clone().to(&app, &kept).await, 200);
    let late = nothing.with_body("0100@mail.example.com", &other);
    assert_eq!(late.to(&app, &kept).await, 200);
    assert_eq!(unconfirmed_ids(&app, send).await, [second, third]);
    // It is forgotten when nothing that carries it is believed any more.
    app.clock.set(app.now() + TimeDelta::hours(49));
    provider_events::forget_tokens(app.db(), app.now()).await.unwrap();
    assert_eq!(tokens_kept(&app).await, 0);
    assert_eq!(caught.with_body(&one, &two).to(&app, &kept).await, 406);
    assert_eq!(unconfirmed_ids(&app, send).await, [second, third]);
});

both!(of_many_events_with_one_token_at_once_one_counts, "", |app, _sink| {
    let kept = belongs_to(&app, Provider::Mailgun).await;
    let (_, send) = partly_unconfirmed(&app, 5).await;
    through(&app, &kept.account).await;
    let waiting = unconfirmed_ids(&app, send).await;
    let one = message_id(&app, waiting[0]).await;
    let caught = Post::of(&app, Provider::Mailgun, "delivered", &one, 0);
    let mut posts = Vec::new();
    for message in &waiting {
        let id = message_id(&app, *message).await;
        posts.push(caught.clone().with_body(&one, &id).to(&app, &kept));
    }
    assert_eq!(futures::future::join_all(posts).await, [200; 5]);
    assert_eq!(unconfirmed_ids(&app, send).await.len(), 4);
    assert_eq!(tokens_kept(&app).await, 1);
});

both!(what_is_posted_again_for_hours_is_heard, "", |app, _sink| {
    let kept = belongs_to(&app, Provider::Mailgun).await;
    let (_, send) = partly_unconfirmed(&app, 2).await;
    through(&app, &kept.account).await;
    for message in unconfirmed_ids(&app, send).await {
        let id = message_id(&app, message).await;
        let early = Post::of(&app, Provider::Mailgun, "delivered", &id, 0);
        // We were away, and had not heard it.
        app.clock.set(app.now() + TimeDelta::hours(12));
        assert_eq!(early.to(&app, &kept).await, 200);
    }
    assert!(unconfirmed_ids(&app, send).await.is_empty());
});

both!(what_fails_for_now_has_not_failed, "", |app, _sink| {
    let kept = belongs_to(&app, Provider::Mailgun).await;
    let (campaign, send) = partly_unconfirmed(&app, 1).await;
    through(&app, &kept.account).await;
    let message = unconfirmed_ids(&app, send).await[0];
    let id = message_id(&app, message).await;
    let post = Post::of(&app, Provider::Mailgun, "failed", &id, 0).with_body(
        "\"event\":\"failed\"",
        "\"event\":\"failed\",\"severity\":\"temporary\"",
    );
    assert_eq!(post.to(&app, &kept).await, 200);
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = words(&app.get(&format!("/marketing/campaigns/{campaign}"), &cookie).await.text);
    assert!(
        page.contains("Mailgun says that it had the message: delayed."),
        "{page}"
    );
    let failed: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from messages where state = 'failed'"
    )
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(failed, 0);
});

// Our own fault must lose no event: it is posted again.
both!(a_secret_that_cannot_be_opened_is_ours_to_mend, "", |app, sink| {
    let kept = belongs_to(&app, Provider::Mailgun).await;
    let (_, send) = partly_unconfirmed(&app, 1).await;
    through(&app, &kept.account).await;
    let id = message_id(&app, unconfirmed_ids(&app, send).await[0]).await;
    let post = Post::of(&app, Provider::Mailgun, "delivered", &id, 0);
    let examined = |key: &str| {
        let said = std::process::Command::new(env!("CARGO_BIN_EXE_loupe"))
            .arg("doctor")
            .current_dir(app.folder.path())
            .env("LOUPE_DATABASE_URL", &app.url)
            .env("LOUPE_SMTP_URL", sink.url())
            .env("LOUPE_SECRET_KEY", key)
            .output()
            .unwrap();
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    let said = examined("a secret key for tests, long enough");
    assert!(said.contains("ok    Events"), "{said}");
    let said = examined("another secret key for tests, long enough");
    assert!(
        said.contains("mend  Events") && said.contains("LOUPE_SECRET_KEY"),
        "{said}"
    );
    people::change(
        app.db(),
        "update provider_accounts set hook_secret = 'c2VhbGVkIHdpdGggYW5vdGhlciBrZXk=' where 1 = $1",
        1,
    )
    .await;
    assert_eq!(post.clone().to(&app, &kept).await, 503);
    assert_eq!(unconfirmed_ids(&app, send).await.len(), 1);
    let mended = belongs_to(&app, Provider::Mailgun).await;
    assert_eq!(post.to(&app, &mended).await, 200);
    assert!(unconfirmed_ids(&app, send).await.is_empty());
});
