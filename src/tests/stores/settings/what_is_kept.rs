//! The outbox, which keeps what would have been mailed.

use loupe::{
    db::Backend,
    ids::StoreId,
    outbox::{
        self,
        queries::{Keep, keep_many},
    },
};

use super::*;

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
    let kept = outbox::queries::page(app.db(), app.store.id, "person_7@", 1, 0)
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
                               unsubscribe_token, created_at, settled_at)
         values (1, {id}, 1, 1, 'email', 'accepted', 'A', 'A', '', 't', $1, $1)"
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
    assert_eq!(outbox::queries::count(app.db(), app.store.id, "").await.unwrap(), 2);
});

#[tokio::test(flavor = "multi_thread")]
async fn with_a_mail_server_there_is_no_outbox() {
    let given = loupe::context::settings::Given {
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
