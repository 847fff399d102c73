//! What the owner sets, the log that tells of it, and the outbox.

mod audit_log;
mod what_is_kept;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::Duration;
use sqlx::AssertSqlSafe;

use loupe::{
    audit::queries::{self as log, Wanted},
    context::actor::Role,
    stores,
};

use crate::{
    both,
    support::app::{Answer, TestApp},
};

const SENDING: [(&str, &str); 4] = [
    ("from_name", "Aurelia of Sydney"),
    ("from_email", "shop@Aurelia.example.com"),
    ("reply_to", "ask@aurelia.example.com"),
    ("footer", "Aurelia\r\n2 George Street, Sydney"),
];

fn flash(answer: &Answer) -> String {
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

async fn run(app: &TestApp, sql: &str) -> Result<u64, sqlx::Error> {
    let mut tx = app.db().begin().await?;
    let sql = sql.to_owned();
    let rows = loupe::on_tx!(&mut tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(app.now())
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))?;
    tx.commit().await?;
    Ok(rows)
}

async fn newest(app: &TestApp) -> log::Line {
    log::page(app.db(), app.store.id, &Wanted::default(), 1, 0)
        .await
        .unwrap()
        .remove(0)
}

both!(each_section_is_saved_by_itself_and_told_in_the_log, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let saved = app
        .post_form("/api/settings/sending", "/settings", &SENDING, &cookie)
        .await;
    assert_eq!(saved.location(), "/settings?ok=sending", "{}", saved.text);
    let page = app.get("/settings?ok=sending", &cookie).await;
    for words in [
        "Sending settings saved.",
        "Aurelia of Sydney",
        "shop@aurelia.example.com",
        "2 George Street",
    ] {
        assert!(page.text.contains(words), "{words}");
    }
    let line = newest(&app).await;
    assert_eq!(
        (line.actor.as_str(), line.action.as_str()),
        ("owner Person", "store.sending_changed")
    );
    let before = line.before.unwrap();
    assert!(
        before.contains("Aurelia Sydney") && !before.contains("time_zone"),
        "{before}"
    );
    // Saving the same again is no event.
    app.post_form("/api/settings/sending", "/settings", &SENDING, &cookie)
        .await;
    assert_eq!(log::count(app.db(), app.store.id, &Wanted::default()).await.unwrap(), 1);
    let store = [
        ("name", "Aurelia II"),
        ("time_zone", "Pacific/Auckland"),
        ("country", "NZ"),
        ("currency", "NZD"),
    ];
    app.post_form("/api/settings/store", "/settings", &store, &cookie).await;
    let kept = stores::queries::find(app.db(), app.store.id).await.unwrap().unwrap();
    assert_eq!(
        (kept.name.as_str(), kept.time_zone.as_str(), kept.country.as_str()),
        ("Aurelia II", "Pacific/Auckland", "NZ")
    );
    assert_eq!(
        (kept.from_name.as_str(), kept.currency.as_str()),
        ("Aurelia of Sydney", "NZD")
    );
    assert_eq!(kept.footer, "Aurelia\n2 George Street, Sydney");
});

both!(a_refused_section_keeps_what_was_typed_and_changes_nothing, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let wrong = [
        ("from_name", ""),
        ("from_email", "nobody<script>"),
        ("reply_to", "x"),
        ("footer", "</textarea><b>"),
    ];
    let refused = app
        .post_form("/api/settings/sending", "/settings", &wrong, &cookie)
        .await;
    assert_eq!(refused.location(), "/settings");
    let page = app.get("/settings", &format!("{cookie}; {}", flash(&refused))).await;
    for words in [
        "There is a problem",
        "Enter the name messages come from",
        "<title>Error: Settings",
        "nobody&lt;script&gt;",
        "&lt;/textarea&gt;&lt;b&gt;",
        "href=\"#reply-to\"",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    // The other forms of the page are as they are kept.
    let tick = page.text.split("id=\"requires-opt-in\"").nth(1).unwrap();
    assert!(tick.split('>').next().unwrap().contains("checked"), "{tick}");
    assert!(!page.text.contains("<b>") || !page.text.contains("</textarea><b>"));
    let kept = stores::queries::find(app.db(), app.store.id).await.unwrap().unwrap();
    assert_eq!(kept.from_name, "Aurelia Sydney");
    assert_eq!(log::count(app.db(), app.store.id, &Wanted::default()).await.unwrap(), 0);
    for (path, fields) in [
        (
            "store",
            vec![
                ("name", "A"),
                ("time_zone", "Mars/Base"),
                ("country", "AU"),
                ("currency", "AUD"),
            ],
        ),
        (
            "store",
            vec![
                ("name", "A"),
                ("time_zone", "UTC"),
                ("country", "XX"),
                ("currency", "AUD"),
            ],
        ),
        (
            "safety",
            vec![("undo_seconds", "121"), ("email_requires_opt_in", "true")],
        ),
        (
            "safety",
            vec![("undo_seconds", "ten"), ("email_requires_opt_in", "true")],
        ),
    ] {
        let refused = app
            .post_form(&format!("/api/settings/{path}"), "/settings", &fields, &cookie)
            .await;
        assert_eq!(refused.location(), "/settings", "{fields:?}");
    }
});

both!(emailing_without_agreement_needs_a_reason_that_is_recorded, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let without = [("undo_seconds", "20")];
    let refused = app
        .post_form("/api/settings/safety", "/settings", &without, &cookie)
        .await;
    let page = app.get("/settings", &format!("{cookie}; {}", flash(&refused))).await;
    assert!(page.text.contains("Say why customers may be emailed"), "{}", page.text);
    let kept = async || stores::queries::find(app.db(), app.store.id).await.unwrap().unwrap();
    assert!(kept().await.email_requires_opt_in);
    let with = [
        ("undo_seconds", "20"),
        ("email_basis_reason", "Existing customers, asked at the till"),
    ];
    let done = app.post_form("/api/settings/safety", "/settings", &with, &cookie).await;
    assert_eq!(done.location(), "/settings?ok=safety", "{}", done.text);
    assert!(!kept().await.email_requires_opt_in);
    assert_eq!(kept().await.undo_seconds, 20);
    let line = newest(&app).await;
    assert_eq!(line.actor, "owner Person");
    assert!(line.after.unwrap().contains("asked at the till"));
    // Switched on again, the reason is gone, and the log keeps it.
    let again = [
        ("undo_seconds", "20"),
        ("email_requires_opt_in", "true"),
        ("email_basis_reason", "left over"),
    ];
    app.post_form("/api/settings/safety", "/settings", &again, &cookie)
        .await;
    assert_eq!(
        (kept().await.email_requires_opt_in, kept().await.email_basis_reason),
        (true, None)
    );
    assert!(newest(&app).await.before.unwrap().contains("asked at the till"));
});

both!(the_time_zone_stays_while_campaigns_are_scheduled_in_it, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = app.store.id.0;
    run(
        &app,
        &format!(
        "insert into campaigns (store_id, name, subject, body, status, created_by, created_at, updated_by, updated_at)
         values ({id}, 'C', 'S', 'B', 'scheduled', 'x', $1, 'x', $1)"
    ),
    )
    .await
    .unwrap();
    let fields = [
        ("name", "Aurelia"),
        ("time_zone", "Europe/Paris"),
        ("country", "AU"),
        ("currency", "AUD"),
    ];
    let refused = app
        .post_form("/api/settings/store", "/settings", &fields, &cookie)
        .await;
    let page = app.get("/settings", &format!("{cookie}; {}", flash(&refused))).await;
    assert!(
        page.text.contains("1 campaign is scheduled in Australia/Sydney"),
        "{}",
        page.text
    );
    // Everything else can be changed meanwhile.
    let other = [
        ("name", "Aurelia!"),
        ("time_zone", "Australia/Sydney"),
        ("country", "AU"),
        ("currency", "AUD"),
    ];
    let saved = app.post_form("/api/settings/store", "/settings", &other, &cookie).await;
    assert_eq!(saved.location(), "/settings?ok=store");
    run(
        &app,
        &format!("update campaigns set status = 'draft', updated_at = $1 where store_id = {id}"),
    )
    .await
    .unwrap();
    let saved = app
        .post_form("/api/settings/store", "/settings", &fields, &cookie)
        .await;
    assert_eq!(saved.location(), "/settings?ok=store");
});

both!(the_owner_builds_the_team, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let fields = [
        ("name", "Mina <b>Cho</b>"),
        ("email", "Mina@aurelia.example.com"),
        ("role", "manager"),
        ("password", "a first password"),
    ];
    let added = app.post_form("/api/team/add", "/settings/team", &fields, &cookie).await;
    assert_eq!(added.location(), "/settings/team?ok=added", "{}", added.text);
    let page = app.get("/settings/team?ok=added", &cookie).await;
    assert!(page.text.contains("Mina &lt;b&gt;Cho&lt;/b&gt;") && page.text.contains("mina@aurelia.example.com"));
    assert!(!page.text.contains("<b>Cho"));
    let twice = app.post_form("/api/team/add", "/settings/team", &fields, &cookie).await;
    let page = app.get("/settings/team", &format!("{cookie}; {}", flash(&twice))).await;
    assert!(
        page.text.contains("This address can't be added. Use another one"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("a first password"));
    let user = loupe::auth::queries::user_by_email(app.db(), "mina@aurelia.example.com")
        .await
        .unwrap()
        .unwrap();
    let theirs = format!("/settings/team/{}", user.id);
    assert_eq!(app.get(&theirs, &cookie).await.status, StatusCode::OK);
    let line = newest(&app).await;
    assert_eq!(line.action, "user.added");
    assert!(!format!("{line:?}").contains("a first password"));
    let id = user.id.to_string();
    let role = app
        .post_form("/api/team/role", &theirs, &[("id", &id), ("role", "king")], &cookie)
        .await;
    assert_eq!(role.location(), theirs);
    let only = app.user(Role::Owner).to_string();
    let last = app
        .post_form("/api/team/disable", "/settings/team", &[("id", &only)], &cookie)
        .await;
    let page = app.get("/settings/team", &format!("{cookie}; {}", flash(&last))).await;
    assert!(page.text.contains("is the only owner"), "{}", page.text);
});
