//! What the owner sets, the log that tells of it, and the outbox.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use chrono::Duration;
use loupe::{
    audit::store::{self as log, Wanted},
    auth::model::{Role, StoreId},
    db::Backend,
    outbox::{
        self,
        store::{Keep, keep_many},
    },
    stores,
};
use sqlx::AssertSqlSafe;

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
    let kept = stores::store::find(app.db(), app.store.id).await.unwrap().unwrap();
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
    let kept = stores::store::find(app.db(), app.store.id).await.unwrap().unwrap();
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
    let kept = async || stores::store::find(app.db(), app.store.id).await.unwrap().unwrap();
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
        page.text.contains("Someone signs in with this address already"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("a first password"));
    let user = loupe::auth::store::user_by_email(app.db(), "mina@aurelia.example.com")
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

async fn write_lines(app: &TestApp) {
    let id = app.store.id.0;
    for (actor, action, summary, minutes) in [
        (
            "Priya Nair",
            "campaign.sent",
            "Sent Autumn trunk show to 1,171 customers",
            0,
        ),
        ("=cmd|calc", "customer.edited", "Edited <script>alert(1)</script>", 60),
        ("Priya Nair", "campaign.deleted", "Deleted a draft, \"Old\"", 60 * 24),
    ] {
        app.clock.set(app.now() + Duration::minutes(minutes));
        let summary = summary.replace('\'', "''");
        run(
            app,
            &format!(
                "insert into audit_events (store_id, actor, action, subject, summary, before, after, happened_at)
             values ({id}, '{actor}', '{action}', 'x', '{summary}', '{{\"name\":\"A\"}}', '{{\"name\":\"B\"}}', $1)"
            ),
        )
        .await
        .unwrap();
    }
}

both!(the_log_is_read_by_who_what_and_when, |app| {
    write_lines(&app).await;
    let cookie = app.sign_in_as(Role::Manager).await;
    let all = app.get("/audit-log", &cookie).await;
    for words in [
        "Audit log",
        "Sent Autumn trunk show to 1,171 customers",
        // 1 May 2026, 10:00 in Sydney, to the second and with its zone.
        "Fri 1 May 2026, 10:00:00 am AEST",
        "Before and after",
        "A → B",
        "3 entries",
    ] {
        assert!(all.text.contains(words), "{words}: {}", all.text);
    }
    assert!(!all.text.contains("<script>alert"));
    let (newest, oldest) = (
        all.text.find("Deleted a draft").unwrap(),
        all.text.find("Sent Autumn").unwrap(),
    );
    assert!(newest < oldest);
    for (query, shown, hidden) in [
        ("?who=Priya%20Nair", "Deleted a draft", "Edited"),
        ("?action=campaign.sent", "Sent Autumn", "Deleted a draft"),
        ("?from=2026-05-02", "Deleted a draft", "Sent Autumn"),
        ("?to=2026-05-01", "Sent Autumn", "Deleted a draft"),
        ("?from=2026-05-01&to=2026-05-01", "Edited", "Deleted a draft"),
    ] {
        let page = app.get(&format!("/audit-log{query}"), &cookie).await;
        assert!(
            page.text.contains(shown) && !page.text.contains(hidden),
            "{query}: {}",
            page.text
        );
    }
    let none = app.get("/audit-log?who=Nobody", &cookie).await;
    assert!(none.text.contains("Nothing yet for these filters."));
    let odd = app.get("/audit-log?from=yesterday&page=-1", &cookie).await;
    assert_eq!(odd.status, StatusCode::OK);
    assert!(odd.text.contains("3 entries"));
});

both!(the_log_as_a_file_holds_no_formula, |app| {
    write_lines(&app).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let file = app.get("/audit-log.csv", &cookie).await;
    let disposition = file.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(disposition, "attachment; filename=\"aurelia-audit-log-2026-05-02.csv\"");
    let lines: Vec<&str> = file.text.split("\r\n").collect();
    assert_eq!(lines[0], "When (Australia/Sydney),Who,Action,What,Before,After");
    assert!(
        lines[1].starts_with("2026-05-01 10:00:00 +1000,Priya Nair,Campaign sent,\"Sent"),
        "{}",
        lines[1]
    );
    assert!(lines[2].contains(",\"'=cmd|calc\","), "{}", lines[2]);
    assert!(lines[3].contains("\"Deleted a draft, \"\"Old\"\"\""), "{}", lines[3]);
    // As browsers ask for it: compressed on the way.
    let zipped = Request::get("/audit-log.csv")
        .header(header::COOKIE, &cookie)
        .header(header::ACCEPT_ENCODING, "gzip, br")
        .body(Body::empty())
        .unwrap();
    let zipped = app.send(zipped).await;
    assert_eq!(zipped.status, StatusCode::OK);
    assert!(zipped.headers.contains_key(header::CONTENT_ENCODING));
    let some = app.get("/audit-log.csv?action=campaign.sent", &cookie).await;
    assert_eq!(some.text.split("\r\n").count(), 3);
});

both!(a_long_log_is_paged_and_exported_whole, |app| {
    let id = app.store.id.0;
    for at in 0..26 {
        let rows: Vec<String> = (0..50)
            .map(|i| format!("({id}, 'Loupe', 'test.event', 'x', 'Event {}', $1)", at * 50 + i))
            .collect();
        run(
            &app,
            &format!(
                "insert into audit_events (store_id, actor, action, subject, summary, happened_at) values {}",
                rows.join(", ")
            ),
        )
        .await
        .unwrap();
    }
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = app.get("/audit-log?page=26", &cookie).await;
    assert!(
        page.text.contains("1,300 entries") && page.text.contains(">Event 0<"),
        "{}",
        page.text
    );
    let past = app.get("/audit-log?page=400", &cookie).await;
    assert!(past.text.contains(">Event 0<"));
    let file = app.get("/audit-log.csv", &cookie).await;
    for i in [0, 499, 500, 501, 999, 1000, 1299] {
        assert_eq!(file.text.matches(&format!(",Event {i},")).count(), 1, "{i}");
    }
    assert_eq!(file.text.split("\r\n").count(), 1302);
});

both!(the_database_itself_keeps_the_log_as_it_is, |app| {
    write_lines(&app).await;
    for sql in [
        "update audit_events set actor = 'Somebody else' where happened_at <= $1",
        "delete from audit_events where happened_at <= $1",
    ] {
        let refused = run(&app, sql).await.unwrap_err().to_string();
        assert!(refused.contains("audit events are never"), "{refused}");
    }
    assert_eq!(log::count(app.db(), app.store.id, &Wanted::default()).await.unwrap(), 3);
});

const LETTER: &str = "To: Amara <amara@example.com>\r\nSubject: Hello\r\nContent-Type: text/html; charset=utf-8\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>Caf=C3=A9</p><script>alert(1)</script>\
    <img src=3D\"https://elsewhere.example.com/open.gif\">\r\n";

fn letter(store: StoreId, app: &TestApp, recipient: &str) -> Keep {
    Keep {
        store_id: store,
        message_id: None,
        recipient: recipient.to_owned(),
        subject: format!("Hello {recipient}"),
        source: LETTER.to_owned(),
        accepted_at: app.now(),
    }
}

async fn keep(app: &TestApp, rows: &[Keep]) -> u64 {
    let mut tx = app.db().begin().await.unwrap();
    let kept = keep_many(&mut tx, rows).await.unwrap();
    tx.commit().await.unwrap();
    kept
}

both!(the_outbox_shows_what_it_keeps_and_fetches_nothing, |app| {
    let rows: Vec<Keep> = (0..123)
        .map(|i| letter(app.store.id, &app, &format!("person_{i}@example.com")))
        .collect();
    assert_eq!(keep(&app, &rows).await, 123);
    let cookie = app.sign_in_as(Role::Manager).await;
    let list = app.get("/outbox", &cookie).await;
    assert!(list.text.contains(outbox::NOTHING_IS_MAILED));
    assert!(
        list.text.contains("123 messages") && list.text.contains("person_122@") && !list.text.contains("person_72@")
    );
    let found = app.get("/outbox?to=PERSON_7%40", &cookie).await;
    assert!(
        found.text.contains("1 message") && found.text.contains("person_7@"),
        "{}",
        found.text
    );
    // `_` is a letter like any other.
    assert!(
        app.get("/outbox?to=person.7%40", &cookie)
            .await
            .text
            .contains("No message to an address like that.")
    );
    let kept = outbox::store::page(app.db(), app.store.id, "person_7@", 1, 0)
        .await
        .unwrap()
        .remove(0);
    let here = format!("/outbox/{}", kept.id);
    let page = app.get(&here, &cookie).await;
    assert!(
        page.text.contains("&lt;script&gt;alert(1)") && !page.text.contains("<script>alert"),
        "{}",
        page.text
    );
    assert!(page.text.contains(&format!("src=\"{here}/view\"")) && page.text.contains("sandbox"));
    let view = app.get(&format!("{here}/view"), &cookie).await;
    assert!(view.text.contains("<p>Café</p>"), "{}", view.text);
    let policy = view.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    for part in [
        "sandbox;",
        "default-src 'none'",
        "img-src data:;",
        "frame-ancestors 'self'",
        "form-action 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("https:") && !policy.contains("allow-"), "{policy}");
    let file = app.get(&format!("{here}/message.eml"), &cookie).await;
    assert_eq!(file.text, LETTER);
    assert!(
        file.headers[header::CONTENT_DISPOSITION]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    assert_eq!(file.headers[header::CONTENT_TYPE], "message/rfc822");
});

both!(a_message_is_kept_once, |app| {
    let id = app.store.id.0;
    run(
        &app,
        &format!(
            "insert into customers (id, store_id, name, name_key, unsubscribe_token, created_at, updated_at)
         values (1, {id}, 'A', 'a', 't', $1, $1)"
        ),
    )
    .await
    .unwrap();
    run(&app, &format!(
        "insert into sends (id, store_id, kind, token, label, subject, body, fallbacks, filter, audience_words, from_name,
                            from_email, store_name, footer, signature, state, hold_until, started_by, started_at)
         values (1, {id}, 'bulk', 't', 'l', 's', 'b', '{{}}', '{{}}', 'All', 'A', 'a@example.com', 'A', 'F', 'S', 'done', $1,
                 'x', $1)"
    )).await.unwrap();
    run(
        &app,
        &format!(
            "insert into messages (id, store_id, send_id, customer_id, channel, state, name, first_name, last_name,
                               unsubscribe_token, created_at)
         values (1, {id}, 1, 1, 'email', 'accepted', 'A', 'A', '', 't', $1)"
        ),
    )
    .await
    .unwrap();
    let row = Keep {
        message_id: Some(1),
        ..letter(app.store.id, &app, "a@example.com")
    };
    assert_eq!(keep(&app, std::slice::from_ref(&row)).await, 1);
    assert_eq!(keep(&app, &[row, letter(app.store.id, &app, "b@example.com")]).await, 1);
    assert_eq!(outbox::store::count(app.db(), app.store.id, "").await.unwrap(), 2);
});

#[tokio::test(flavor = "multi_thread")]
async fn with_a_mail_server_there_is_no_outbox() {
    let given = loupe::server::settings::Given {
        smtp_url: Some("smtp://127.0.0.1:2525".to_owned()),
        ..Default::default()
    };
    let app = TestApp::with(Backend::Sqlite, given).await;
    keep(&app, &[letter(app.store.id, &app, "a@example.com")]).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    for path in ["/outbox", "/outbox/1", "/outbox/1/view", "/outbox/1/message.eml"] {
        assert_eq!(app.get(path, &cookie).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!app.get("/account", &cookie).await.text.contains("href=\"/outbox\""));
    assert_eq!(outbox::notice(&app.state.settings), None);
}
