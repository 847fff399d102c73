//! Whoever guesses is slowed down, each by themselves.

use axum::{body::Body, http::Request};
use loupe::{auth::throttle, context::settings::Given, tokens};

use super::*;

both!(
    wrong_passwords_are_slowed_down_for_the_account_on_every_instance,
    |app| {
        set_password(&app, Role::Owner).await;
        let second = AppState::new(
            loupe::db::connect(&app.url).await.unwrap(),
            app.clock.clone(),
            (*app.state.settings).clone(),
        );
        for i in 0..5 {
            let state = if i % 2 == 0 { &app.state } else { &second };
            let refused = try_in(state, OWNER, "wrong", &format!("192.0.2.{i}"))
                .await
                .unwrap_err();
            assert!(matches!(refused, AppError::Invalid { .. }), "{i}: {refused:?}");
        }
        for state in [&app.state, &second] {
            // Even the right password, from anywhere.
            let refused = try_in(state, OWNER, GOOD, "192.0.2.99").await.unwrap_err();
            assert_eq!(refused, AppError::TooMany { minutes: 6 });
        }
        // Others are not touched.
        set_password(&app, Role::Manager).await;
        assert!(
            try_in(&app.state, "manager@aurelia.example.com", GOOD, "192.0.2.1")
                .await
                .is_ok()
        );
        // However often the door was tried meanwhile, it opens when the window is over.
        app.clock.set(app.now() + Duration::minutes(4));
        assert_eq!(
            try_in(&second, OWNER, GOOD, "192.0.2.99").await.unwrap_err(),
            AppError::TooMany { minutes: 2 }
        );
        app.clock.set(app.now() + Duration::minutes(1));
        assert!(try_in(&second, OWNER, GOOD, "192.0.2.99").await.is_ok());
    }
);

both!(too_many_tries_say_so_on_the_page, |app| {
    let fields = [("email", OWNER), ("password", "wrong")];
    for _ in 0..5 {
        app.post_form("/api/auth/sign-in", "/login", &fields, "").await;
    }
    let answer = app.post_form("/api/auth/sign-in", "/login", &fields, "").await;
    let page = app.get("/login", &pair(cookie(&answer, "flash").unwrap())).await;
    assert!(page.text.contains("Too many tries. Try again in"), "{}", page.text);
    let json = app
        .call(
            "/api/auth/sign-in",
            "application/x-www-form-urlencoded",
            "email=owner%40aurelia.example.com&password=x",
            "",
        )
        .await;
    assert_eq!(json.status, StatusCode::TOO_MANY_REQUESTS);
});

both!(a_hundred_tries_at_once_are_not_all_the_first, |app| {
    let tries = (0..24).map(|i| {
        let state = app.state.clone();
        tokio::spawn(async move { try_in(&state, OWNER, "wrong", &format!("198.51.100.{i}")).await })
    });
    let mut let_through = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Err(AppError::Invalid { .. }) => let_through += 1,
            Err(AppError::TooMany { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(let_through <= 5, "{let_through}");
});

both!(an_address_is_slowed_down_whichever_account_it_tries, |app| {
    for i in 0..30 {
        let refused = try_in(&app.state, &format!("nobody{i}@example.com"), "x", "203.0.113.7")
            .await
            .unwrap_err();
        assert!(matches!(refused, AppError::Invalid { .. }), "{i}: {refused:?}");
    }
    let refused = try_in(&app.state, "nobody@example.com", "x", "203.0.113.7")
        .await
        .unwrap_err();
    assert!(matches!(refused, AppError::TooMany { .. }), "{refused:?}");
    let elsewhere = try_in(&app.state, "nobody@example.com", "x", "203.0.113.8")
        .await
        .unwrap_err();
    assert!(matches!(elsewhere, AppError::Invalid { .. }), "{elsewhere:?}");
});

both!(nobody_can_keep_a_person_out_of_a_browser_they_know, |app| {
    set_password(&app, Role::Owner).await;
    let known = try_in(&app.state, OWNER, GOOD, "192.0.2.1").await.unwrap().known;
    for i in 0..9 {
        let _ = try_in(&app.state, OWNER, "wrong", &format!("198.51.100.{i}")).await;
    }
    let typed = |password: &str| SignInTry {
        email: OWNER.to_owned(),
        password: password.to_owned(),
        known: known.clone(),
    };
    let key = &app.state.settings.secret_key;
    let here = device("192.0.2.1");
    assert!(
        rules::sign_in(app.db(), key, typed(GOOD), &here, app.now())
            .await
            .is_ok()
    );
    // That browser has no more tries than anybody else.
    for _ in 0..5 {
        let refused = rules::sign_in(app.db(), key, typed("wrong"), &here, app.now()).await;
        assert!(matches!(refused, Err(AppError::Invalid { .. })));
    }
    let refused = rules::sign_in(app.db(), key, typed(GOOD), &here, app.now()).await;
    assert!(matches!(refused, Err(AppError::TooMany { .. })));
});

/// Tries to sign in behind a proxy at 127.0.0.1, which says who asked it.
async fn try_behind_proxy(app: &TestApp, forwarded: &str) -> StatusCode {
    let request = Request::post("/api/auth/sign-in")
        .header(header::ACCEPT, "application/json")
        .header("sec-fetch-site", "same-origin")
        .header("x-forwarded-for", forwarded)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!(
            "email={}%40example.com&password=wrong",
            tokens::short()
        )))
        .unwrap();
    app.send(request).await.status
}

async fn behind_proxy(backend: Backend, trusted: Option<&str>) -> TestApp {
    let given = Given {
        trusted_proxies: trusted.map(str::to_owned),
        ..Given::default()
    };
    TestApp::with(backend, given).await
}

async fn everyone_has_a_counter_of_their_own(backend: Backend) {
    let app = behind_proxy(backend, Some("127.0.0.0/8")).await;
    for i in 0..throttle::PER_ADDRESS {
        // What the guesser writes there itself changes nothing.
        let tried = try_behind_proxy(&app, &format!("203.0.113.{i}, 198.51.100.7")).await;
        assert_eq!(tried, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let guesser = try_behind_proxy(&app, "192.0.2.99, 198.51.100.7").await;
    assert_eq!(guesser, StatusCode::TOO_MANY_REQUESTS);
    let colleague = try_behind_proxy(&app, "198.51.100.8").await;
    assert_eq!(colleague, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_everyone_has_a_counter_of_their_own_on_sqlite() {
    everyone_has_a_counter_of_their_own(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_everyone_has_a_counter_of_their_own_on_postgres() {
    everyone_has_a_counter_of_their_own(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_talks_their_way_out_of_the_counter_where_no_proxy_is_trusted() {
    let app = behind_proxy(Backend::Sqlite, None).await;
    for i in 0..throttle::PER_ADDRESS {
        let tried = try_behind_proxy(&app, &format!("203.0.113.{i}")).await;
        assert_eq!(tried, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let again = try_behind_proxy(&app, "203.0.113.200").await;
    assert_eq!(again, StatusCode::TOO_MANY_REQUESTS);
}
