//! What mail providers tell: only they, only of their account's messages, and each message is settled
//! once.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use loupe::{
    channels::email::events::Provider,
    context::{actor::Role, settings::Given},
    db::Backend,
    messages::model::Tally,
    on_db, on_tx,
};

use crate::{
    both,
    sends::after_sending::{partly_unconfirmed, unconfirmed_ids},
    support::{
        app::{TestApp, words},
        people,
        providers::{Post, belongs_to, kept, message_id, secret_of},
        sending::{status, tally},
    },
};

/// Three of whose messages the first was never answered, sent through this account.
async fn one_unanswered(app: &TestApp, account: &str) -> (i64, i64, i64) {
    let (campaign, send) = partly_unconfirmed(app, 1).await;
    run(app, "update messages set account = $1", account).await;
    let message = unconfirmed_ids(app, send).await[0];
    (campaign, send, message)
}

async fn run(app: &TestApp, sql: &'static str, text: &str) {
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(sql)
        .bind(text)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}

async fn state_of(app: &TestApp, message: i64) -> (String, Option<String>) {
    on_db!(app.db(), |pool| sqlx::query_as(
        "select state, resolution from messages where id = $1"
    )
    .bind(message)
    .fetch_one(pool)
    .await)
    .unwrap()
}

/// A kind that says that the provider had the message, one that says that it did not.
fn kinds(provider: Provider) -> (&'static str, Option<&'static str>) {
    match provider {
        Provider::Mailgun => ("delivered", Some("rejected")),
        Provider::Postmark => ("Delivery", None),
        Provider::Resend => ("email.delivered", Some("email.failed")),
    }
}

async fn an_event_settles_what_was_never_answered(app: &TestApp, provider: Provider) {
    let kept = belongs_to(app, provider).await;
    let (campaign, send, message) = one_unanswered(app, &kept.account).await;
    let id = message_id(app, message).await;
    let (had, _) = kinds(provider);
    let customer_knows = "select count(*) from customers where last_contacted_at is not null";
    let contacted = async || -> i64 {
        on_db!(app.db(), |pool| sqlx::query_scalar(customer_knows)
            .fetch_one(pool)
            .await)
        .unwrap()
    };
    people::change(
        app.db(),
        "update customers set last_contacted_at = null where id = (select customer_id from messages where id = $1)",
        message,
    )
    .await;
    assert_eq!(contacted().await, 4);
    assert_eq!(Post::of(app, provider, had, &id, 0).to(app, &kept).await, 200);
    assert_eq!(
        state_of(app, message).await,
        ("accepted".to_owned(), Some("told_by_provider".to_owned()))
    );
    let all = Tally {
        sent: 5,
        ..Tally::default()
    };
    assert_eq!(tally(app.db(), &app.store, send).await, all);
    let count: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select sent_count from campaigns where id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(
        (count, status(app.db(), campaign).await.as_str(), contacted().await),
        (5, "sent", 5),
        "as when a person says so"
    );
    // Once more, and whatever comes later, changes nothing.
    for kind in [Some(had), kinds(provider).1].into_iter().flatten() {
        assert_eq!(
            Post::of(app, provider, kind, &id, 0).to(app, &kept).await,
            200,
            "{kind}"
        );
    }
    assert_eq!(tally(app.db(), &app.store, send).await, all);
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = words(&app.get(&format!("/marketing/campaigns/{campaign}"), &cookie).await.text);
    let said = format!("{} says that it had the message: delivered.", provider.name());
    assert!(page.contains(&said) && !page.contains("unconfirmed."), "{page}");
    let told = format!("Settled 1 unconfirmed customer of “Ring clean”: {said}");
    assert_eq!(page.matches(&told).count(), 1, "{page}");
}

async fn only_what_is_proved_is_believed(app: &TestApp, provider: Provider) {
    let kept = belongs_to(app, provider).await;
    let (_, send, message) = one_unanswered(app, &kept.account).await;
    let id = message_id(app, message).await;
    let (had, _) = kinds(provider);
    let post = |ago: i64| Post::of(app, provider, had, &id, ago);
    let forged = match provider {
        Provider::Mailgun => vec![
            post(24 * 3600 + 1),
            post(0).with_body("\"token\":\"", "\"token\":\"x"),
            post(0).with_body("\"token\"", "\"tokens\""),
            post(0).with_body("\"signature\":\"", "\"signature\":\"00"),
            Post::bare(json!({ "event-data": { "event": had } })),
            Post::bare(json!("no event at all")),
        ],
        Provider::Postmark => vec![
            post(0).without("authorization"),
            Post {
                headers: vec![("authorization", format!("Basic {}", STANDARD.encode("loupe:another")))],
                ..post(0)
            },
            Post {
                headers: vec![("authorization", format!("Bearer {}", secret_of(provider)))],
                ..post(0)
            },
        ],
        Provider::Resend => vec![
            post(301),
            post(0).with_body("delivered", "bounced"),
            post(0).without("svix-id"),
            post(0).without("svix-timestamp"),
            post(0).without("svix-signature"),
        ],
    };
    // Mailgun posts again for hours after anything else.
    let refused = if provider == Provider::Mailgun { 406 } else { 401 };
    for (n, post) in forged.into_iter().enumerate() {
        assert_eq!(post.to(app, &kept).await, refused, "{provider:?} {n}");
    }
    if provider != Provider::Postmark {
        // In a while it is not too early any more.
        assert_eq!(post(-301).to(app, &kept).await, 401);
    }
    assert_eq!(post(0).post_to(app, "/hooks/email/no-such-token").await, 404);
    let mut long = post(0);
    long.body.push_str(&" ".repeat(256 * 1024));
    assert_eq!(long.to(app, &kept).await, 413);
    assert_eq!(unconfirmed_ids(app, send).await, [message], "nothing has changed");
    // Signed a little before or after by another clock is still now.
    assert_eq!(post(299).to(app, &kept).await, 200);
    assert!(unconfirmed_ids(app, send).await.is_empty());
}

async fn what_is_not_ours_is_fine_and_changes_nothing(app: &TestApp, provider: Provider) {
    let kept = belongs_to(app, provider).await;
    let (_, send, message) = one_unanswered(app, &kept.account).await;
    let (had, _) = kinds(provider);
    let ours = message_id(app, message).await;
    let no_such = message_id(app, message + 1_000).await;
    let elsewhere = format!("{message}.0badc0de@aurelia.example.com");
    for id in [no_such.as_str(), &elsewhere, "0100018f@email.amazonses.com", ""] {
        assert_eq!(Post::of(app, provider, had, id, 0).to(app, &kept).await, 200, "{id}");
    }
    assert_eq!(
        Post::of(app, provider, "something.new", &ours, 0).to(app, &kept).await,
        200
    );
    // It went through another account, or one whose provider was not known.
    run(app, "update messages set account = $1", "other@mail.example.com:587").await;
    assert_eq!(Post::of(app, provider, had, &ours, 0).to(app, &kept).await, 200);
    run(app, "update messages set account = null where name <> $1", "").await;
    assert_eq!(Post::of(app, provider, had, &ours, 0).to(app, &kept).await, 200);
    assert_eq!(unconfirmed_ids(app, send).await, [message]);
}

/// For each provider on each database.
macro_rules! each {
    ($($name:ident),*) => { $(
        mod $name {
            use super::*;
            both!(mailgun, "", |app, _sink| { super::$name(&app, Provider::Mailgun).await; });
            both!(postmark, "", |app, _sink| { super::$name(&app, Provider::Postmark).await; });
            both!(resend, "", |app, _sink| { super::$name(&app, Provider::Resend).await; });
        }
    )* };
}
each!(
    an_event_settles_what_was_never_answered,
    only_what_is_proved_is_believed,
    what_is_not_ours_is_fine_and_changes_nothing
);

both!(
    what_was_never_taken_has_failed_and_is_not_sent_again,
    "",
    |app, sink| {
        for (provider, words) in [
            (
                Provider::Mailgun,
                "Mailgun says that it did not send the message. Old address",
            ),
            (Provider::Resend, "Resend says that it did not send the message. quota"),
        ] {
            let kept = belongs_to(&app, provider).await;
            let (campaign, send, message) = one_unanswered(&app, &kept.account).await;
            let (had, never) = kinds(provider);
            let id = message_id(&app, message).await;
            let before = sink.counts().offered;
            for kind in [never.unwrap(), had] {
                assert_eq!(Post::of(&app, provider, kind, &id, 0).to(&app, &kept).await, 200);
                assert_eq!(state_of(&app, message).await.0, "failed", "the first word holds");
            }
            let after = tally(app.db(), &app.store, send).await;
            assert_eq!((after.sent, after.failed), (4, 1));
            let cookie = app.sign_in_as(Role::Owner).await;
            let page = app.get(&format!("/marketing/campaigns/{campaign}"), &cookie).await.text;
            assert!(page.contains(words), "{page}");
            assert_eq!(sink.counts().offered, before);
            run(&app, "delete from outbox where recipient <> $1", "").await;
            run(&app, "delete from messages where name <> $1", "").await;
            run(&app, "delete from customers where name <> $1", "").await;
        }
    }
);

both!(what_a_person_has_settled_stays_so, "", |app, _sink| {
    let kept = belongs_to(&app, Provider::Mailgun).await;
    let (campaign, send) = partly_unconfirmed(&app, 2).await;
    run(&app, "update messages set account = $1", &kept.account).await;
    let [first, second] = unconfirmed_ids(&app, send).await[..] else {
        panic!("two of them")
    };
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = format!("/marketing/campaigns/{campaign}");
    let press = async |path: &str, message: i64| {
        let fields = [
            ("send_id", &*send.to_string()),
            ("message_id", &*message.to_string()),
            ("send_token", "again"),
        ];
        app.post_form(path, &page, &fields, &cookie).await;
    };
    press("/api/sends/treat-as-sent", first).await;
    press("/api/sends/again", second).await;
    let settled = [state_of(&app, first).await, state_of(&app, second).await];
    for message in [first, second] {
        let id = message_id(&app, message).await;
        for kind in ["rejected", "delivered"] {
            let post = Post::of(&app, Provider::Mailgun, kind, &id, 0);
            assert_eq!(post.to(&app, &kept).await, 200);
        }
    }
    assert_eq!([state_of(&app, first).await, state_of(&app, second).await], settled);
    // And what the provider has settled is not offered to a person any more.
    run(
        &app,
        "update messages set resolution = null, state = 'unconfirmed' where resolution = $1",
        "treated_as_sent",
    )
    .await;
    let id = message_id(&app, first).await;
    Post::of(&app, Provider::Mailgun, "delivered", &id, 0)
        .to(&app, &kept)
        .await;
    press("/api/sends/again", first).await;
    press("/api/sends/treat-as-sent", first).await;
    assert_eq!(state_of(&app, first).await.1.as_deref(), Some("told_by_provider"));
});

both!(the_secret_is_kept_sealed_and_never_shown, "", |app, _sink| {
    let kept_first = belongs_to(&app, Provider::Postmark).await;
    let secret = secret_of(Provider::Postmark);
    assert!(!kept_first.hook_secret.contains(secret));
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = app.get("/settings?ok=mail-provider", &cookie).await.text;
    let address = format!("http://loupe.test/hooks/email/{}", kept_first.hook_token);
    for part in ["Mail provider saved.", &address, "At Postmark"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(
        !page.contains(secret) && !page.contains(&kept_first.hook_secret),
        "{page}"
    );
    let set = async |provider: &str, secret: &str| {
        let fields = [("provider", provider), ("events_password", secret)];
        let answer = app
            .post_form("/api/settings/mail-provider", "/settings", &fields, &cookie)
            .await;
        answer.location().to_owned()
    };
    // The same without a secret changes nothing; another one needs its own.
    assert_eq!(set("postmark", "").await, "/settings?ok=mail-provider");
    assert_eq!(kept(&app).await, Some(kept_first.clone()));
    for (provider, secret) in [
        ("resend", ""),
        ("resend", "not-a-signing-secret"),
        ("mailgun", ""),
        ("mailgun", "short"),
        ("sendmail", "long-enough-for-anything"),
    ] {
        assert_eq!(set(provider, secret).await, "/settings", "{provider} {secret}");
        assert_eq!(kept(&app).await, Some(kept_first.clone()));
    }
    // A new secret keeps the address; a new provider gets another.
    assert_eq!(
        set("postmark", "another-password-of-it").await,
        "/settings?ok=mail-provider"
    );
    let renewed = kept(&app).await.unwrap();
    assert_eq!(renewed.hook_token, kept_first.hook_token);
    assert_ne!(renewed.hook_secret, kept_first.hook_secret);
    let old = Post::of(&app, Provider::Postmark, "Delivery", "1.1@x", 0);
    assert_eq!(old.to(&app, &renewed).await, 401);
    belongs_to(&app, Provider::Mailgun).await;
    assert_ne!(kept(&app).await.unwrap().hook_token, kept_first.hook_token);
    assert_eq!(set("", "").await, "/settings?ok=mail-provider");
    assert_eq!(kept(&app).await, None);
    let gone = Post::of(&app, Provider::Mailgun, "delivered", "1.1@x", 0);
    assert_eq!(gone.to(&app, &renewed).await, 404);
    let log: Vec<(String, Option<String>)> = on_db!(app.db(), |pool| sqlx::query_as(
        "select summary, after from audit_events where action = 'store.mail_provider_changed' order by id"
    )
    .fetch_all(pool)
    .await)
    .unwrap();
    assert_eq!(log.len(), 4, "{log:?}");
    assert!(
        log.iter().all(|line| !format!("{line:?}").contains("password")),
        "{log:?}"
    );
});

// One store must not choose for another: with two, only whoever runs the program does.
both!(with_several_stores_no_owner_sets_it, "", |app, sink| {
    let before = belongs_to(&app, Provider::Mailgun).await;
    let (_, staff) = app.another_store().await;
    for cookie in [
        app.sign_in_as(Role::Owner).await,
        app.session_of(staff[&Role::Owner]).await,
    ] {
        let fields = [
            ("provider", "postmark"),
            ("events_password", "mine-from-now-on-all-of-it"),
        ];
        app.post_form("/api/settings/mail-provider", "/settings", &fields, &cookie)
            .await;
        assert_eq!(kept(&app).await, Some(before.clone()));
        let page = app.get("/settings", &cookie).await.text;
        assert!(!page.contains("/api/settings/mail-provider") && !page.contains(&before.hook_token));
    }
    let file = app.folder.path().join("secret");
    std::fs::write(&file, format!("{}\n", secret_of(Provider::Resend))).unwrap();
    let run = |provider: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_loupe"))
            .args(["mail-server", "--provider", provider, "--events-secret-file"])
            .arg(&file)
            .current_dir(app.folder.path())
            .env("LOUPE_DATABASE_URL", &app.url)
            .env("LOUPE_SMTP_URL", sink.url())
            .env("LOUPE_SECRET_KEY", "a secret key for tests, long enough")
            .output()
            .unwrap()
    };
    let said = run("resend");
    let now = kept(&app).await.unwrap();
    assert_eq!(now.provider, Provider::Resend);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("Resend") && said.contains(&now.hook_token), "{said}");
    let post = Post::of(&app, Provider::Resend, "email.sent", "1.1@x", 0);
    assert_eq!(post.to(&app, &now).await, 200, "the secret of the file counts");
    assert!(!run("nobody").status.success());
    assert!(run("another").status.success());
    assert_eq!(kept(&app).await, None);
});

// What is tried again because its provider takes it once must not go to anybody else's server.
#[tokio::test(flavor = "multi_thread")]
async fn only_its_own_mail_server_takes_a_message_once() {
    for (url, is_fine) in [
        ("smtps://resend:key@smtp.resend.com", true),
        ("smtps://user:key@smtp.example.com", false),
    ] {
        let given = Given {
            smtp_url: Some(url.to_owned()),
            ..Given::default()
        };
        let app = TestApp::with(Backend::Sqlite, given).await;
        let cookie = app.sign_in_as(Role::Owner).await;
        let fields = [("provider", "resend"), ("events_password", secret_of(Provider::Resend))];
        let answer = app
            .post_form("/api/settings/mail-provider", "/settings", &fields, &cookie)
            .await;
        assert_eq!(kept(&app).await.is_some(), is_fine, "{url}: {}", answer.location());
        if !is_fine {
            let page = app.follow(&answer, &cookie).await.text;
            assert!(
                page.contains("smtp.example.com is not a mail server of Resend"),
                "{page}"
            );
        }
    }
}
