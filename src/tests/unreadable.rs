//! A zero character, which one of the databases can't keep, and bytes that are not UTF-8: in every
//! place where text comes in.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use loupe::context::actor::Role;

use crate::{both, server::endpoints};

const FORM: &str = "application/x-www-form-urlencoded";

both!(no_address_with_a_zero_leads_anywhere, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    for path in [
        "/u/%00",
        "/u/a%00b",
        "/customers/import/%00",
        "/sends/%00/view",
        "/nothing/%00",
        "/%00",
        "/pkg/%00",
        "/fonts/a%00.woff2",
        "/customers?q=%00",
        "/customers?tag=a%00",
        "/marketing/campaigns?q=%00",
        "/marketing/campaigns/new?find=%00",
        "/marketing/campaigns/new?tags=%00",
        "/marketing/bulk-email?find=%00",
        "/audit-log?who=%00",
        "/audit-log.csv?who=%00",
        "/audit-log?%00=x",
        "/outbox?to=%00",
        "/setup?token=%00",
        "/login?next=%00",
        "/u/%ff",
        "/customers?q=%ff",
    ] {
        for cookie in ["", cookie.as_str()] {
            let answer = app.get(path, cookie).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
        }
    }
    for path in ["/u/a%00b", "/hooks/email/%00", "/customers/import/%00", "/api/%00"] {
        let answer = app.call(path, FORM, "", &cookie).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
    }
});

both!(no_form_and_no_call_with_a_zero_is_read, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    for path in endpoints::posted_to().iter().filter(|path| path.starts_with("/api/")) {
        let (kind, bodies) = match loupe::api::content_type(path) {
            Some("application/json") => (
                "application/json",
                [
                    r#"{"text":"a\u0000b"}"#,
                    r#"{"filter":{"type":"tags","tags":["\u0000"]}}"#,
                    "\"\0\"",
                ],
            ),
            _ => (
                FORM,
                ["email=a%00b&name=x", "form[tags]=%00&subject=x", "a%00b=x&body=\0"],
            ),
        };
        for body in bodies {
            for cookie in ["", cookie.as_str()] {
                let call = app.call(path, kind, body, cookie).await;
                assert_eq!(
                    call.status,
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "{path} {body}: {}",
                    call.text
                );
                assert!(call.text.contains("can't be kept"), "{path}: {}", call.text);
            }
        }
    }
    for body in ["email=%ff&password=x", "email=a%00b%40example.com&password=x"] {
        let form = app
            .post_form_text("/api/auth/sign-in", "/login", body.to_owned(), "")
            .await;
        assert_eq!(
            (form.status, form.location()),
            (StatusCode::SEE_OTHER, "/login"),
            "{body}"
        );
        let page = app.follow(&form, "").await;
        assert!(page.text.contains("There is a character in this"), "{}", page.text);
    }
    // Forms of pages.
    for path in ["/customers/import/no-such-file", "/sends/1/correction"] {
        let form = app
            .post_form_text(path, path, "subject=%00&field=x".to_owned(), &cookie)
            .await;
        assert_eq!(form.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", form.text);
    }
});

both!(what_others_post_is_judged_by_what_it_says, |app| {
    // An unsubscription counts, whatever else a mail program writes.
    let id = crate::support::people::one(
        app.db(),
        app.store.id,
        "Amara",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    let token: String = loupe::on_db!(app.db(), |pool| sqlx::query_scalar(
        "select unsubscribe_token from customers where id = $1"
    )
    .bind(id)
    .fetch_one(pool)
    .await)
    .unwrap();
    let post = Request::post(format!("/u/{token}"))
        .header(header::CONTENT_TYPE, FORM)
        .body(Body::from("List-Unsubscribe=One-Click&x=%00%ff"))
        .unwrap();
    let answer = app.send(post).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.text.contains("You are unsubscribed"), "{}", answer.text);
});

both!(the_name_of_a_file_holds_no_zero, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = app
        .upload("a\0b.csv", b"name,email\nAmara,amara@example.com\n", &cookie)
        .await;
    assert!(
        [StatusCode::SEE_OTHER, StatusCode::UNPROCESSABLE_ENTITY].contains(&answer.status),
        "{} {}",
        answer.status,
        answer.text
    );
});
