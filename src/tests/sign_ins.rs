//! What the audit log tells of signing in, and that nobody can flood it; the names of staff in it.

use axum::http::StatusCode;
use chrono::Duration;
use loupe::{
    audit::queries::{self as log, Line, Wanted},
    auth::{
        rules::{self, SignInTry},
        team::{self, Desk, NewMember},
    },
    context::{actor::Role, response::Device},
    error::AppError,
};

use crate::{both, support::app::TestApp};

const GOOD: &str = "correct horse battery";
const OWNER: &str = "owner@aurelia.example.com";

fn desk(app: &TestApp) -> Desk<'_> {
    Desk {
        db: app.db(),
        key: &app.state.settings.secret_key,
        store: app.store.id,
        by: "Test",
        now: app.now(),
    }
}

async fn try_in(app: &TestApp, email: &str, password: &str, ip: &str) -> Result<(), AppError> {
    let typed = SignInTry {
        email: email.to_owned(),
        password: password.to_owned(),
        known: None,
    };
    let device = Device {
        ip: Some(ip.to_owned()),
        user_agent: None,
    };
    rules::sign_in(app.db(), &app.state.settings.secret_key, typed, &device, app.now())
        .await
        .map(drop)
}

async fn told(app: &TestApp, action: &str) -> Vec<Line> {
    let wanted = Wanted {
        action: action.to_owned(),
        ..Wanted::default()
    };
    log::page(app.db(), app.store.id, &wanted, 100, 0).await.unwrap()
}

both!(who_signs_in_and_who_is_turned_away_is_told_with_the_place, |app| {
    team::reset_password(desk(&app), app.user(Role::Owner), GOOD.to_owned())
        .await
        .unwrap();
    try_in(&app, OWNER, GOOD, "192.0.2.1").await.unwrap();
    let lines = told(&app, "user.signed_in").await;
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0].actor.as_str(), lines[0].subject_id),
        ("owner Person", Some(app.user(Role::Owner)))
    );
    assert_eq!(lines[0].summary, "Signed in from 192.0.2.1");
    try_in(&app, OWNER, "wrong-guess", "192.0.2.66").await.unwrap_err();
    let lines = told(&app, "user.sign_in_refused").await;
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0].actor.as_str(), lines[0].subject_id),
        ("Not signed in", Some(app.user(Role::Owner)))
    );
    assert_eq!(lines[0].summary, "A sign-in from 192.0.2.66 was refused");
    // Somebody who is kept out is turned away, and that is told as well.
    team::disable(desk(&app), app.user(Role::Manager)).await.unwrap();
    try_in(&app, "manager@aurelia.example.com", "whatever", "192.0.2.7")
        .await
        .unwrap_err();
    assert_eq!(told(&app, "user.sign_in_refused").await.len(), 2);
    let everything = format!("{:?}", told(&app, "").await);
    assert!(
        !everything.contains("wrong-guess") && !everything.contains(GOOD),
        "{everything}"
    );
});

both!(nobody_floods_the_log_by_guessing, |app| {
    team::reset_password(desk(&app), app.user(Role::Owner), GOOD.to_owned())
        .await
        .unwrap();
    let before = told(&app, "").await.len();
    for i in 0..40 {
        try_in(&app, OWNER, "guess", &format!("192.0.2.{i}")).await.unwrap_err();
        try_in(&app, "my-password-typed-here", "guess", &format!("198.51.100.{i}"))
            .await
            .unwrap_err();
    }
    assert_eq!(told(&app, "user.sign_in_refused").await.len(), 1);
    let throttled = told(&app, "user.sign_in_throttled").await;
    assert_eq!(throttled.len(), 1);
    assert!(
        throttled[0].summary.starts_with("Too many tries to sign in"),
        "{}",
        throttled[0].summary
    );
    assert_eq!(
        told(&app, "").await.len(),
        before + 2,
        "of unknown accounts nothing is told"
    );
    assert!(!format!("{:?}", told(&app, "").await).contains("my-password"));
    // In the next window once more.
    app.clock.set(app.now() + Duration::minutes(6));
    for _ in 0..3 {
        try_in(&app, OWNER, "guess", "192.0.2.1").await.unwrap_err();
    }
    assert_eq!(told(&app, "user.sign_in_refused").await.len(), 2);
});

both!(the_name_of_whoever_is_added_is_a_short_clean_line, |app| {
    let add = |name: String, email: &'static str| {
        let new = NewMember {
            name,
            email: email.to_owned(),
            role: Role::Workshop,
            password: GOOD.to_owned(),
        };
        team::add(desk(&app), new)
    };
    let id = add("Ann\r\nLee\u{202e}\u{1b} ".to_owned(), "ann@example.com")
        .await
        .unwrap();
    let kept = loupe::auth::queries::user(app.db(), app.store.id, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.name, "Ann Lee");
    for name in [
        "x".repeat(101),
        "x".repeat(100_000),
        "\u{200b}".to_owned(),
        "\u{1b}\u{7}".to_owned(),
    ] {
        let refused = add(name, "other@example.com").await.unwrap_err();
        assert!(
            matches!(&refused, AppError::Invalid { problems, .. } if problems[0].field == "name"),
            "{refused:?}"
        );
    }
    let cookie = app.sign_in_as(Role::Owner).await;
    let long = "x".repeat(101);
    for (path, field) in [("/api/settings/store", "name"), ("/api/settings/sending", "from_name")] {
        for name in [long.as_str(), "\u{202e}"] {
            let fields = [
                (field, name),
                ("time_zone", "Australia/Sydney"),
                ("country", "AU"),
                ("currency", "AUD"),
                ("from_email", "hello@aurelia.example.com"),
                ("footer", "1 George Street"),
            ];
            let refused = app.post_form(path, "/settings", &fields, &cookie).await;
            assert_eq!(
                (refused.status, refused.location()),
                (StatusCode::SEE_OTHER, "/settings"),
                "{path}"
            );
        }
    }
});
