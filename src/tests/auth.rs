//! Who you are: setting up, signing in, being slowed down, being signed out, and the team.

use axum::http::{StatusCode, header};
use chrono::Duration;
use loupe::{
    audit,
    auth::{
        model::Role,
        password, rules,
        rules::SignInTry,
        setup,
        store::{self as users, Device},
        team::{self, Desk},
    },
    db::Backend,
    error::AppError,
    server::{AppState, router::router},
    stores,
};

use crate::{
    both,
    support::app::{Answer, TestApp},
};

const GOOD: &str = "correct horse battery";

fn device(ip: &str) -> Device {
    Device {
        ip: Some(ip.to_owned()),
        user_agent: None,
    }
}

async fn set_password(app: &TestApp, role: Role) {
    team::reset_password(desk(app), app.user(role), GOOD.to_owned())
        .await
        .unwrap();
}

fn desk(app: &TestApp) -> Desk<'_> {
    Desk {
        db: app.db(),
        key: &app.state.settings.secret_key,
        store: app.store.id,
        by: "Test",
        now: app.now(),
    }
}

async fn try_in(state: &AppState, email: &str, password: &str, ip: &str) -> Result<rules::SignedIn, AppError> {
    let typed = SignInTry {
        email: email.to_owned(),
        password: password.to_owned(),
        known: None,
    };
    rules::sign_in(
        &state.db,
        &state.settings.secret_key,
        typed,
        &device(ip),
        state.clock.now(),
    )
    .await
}

fn cookie<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .find(|v| v.starts_with(&format!("{name}=")))
}

fn pair(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

const OWNER: &str = "owner@aurelia.example.com";

both!(a_right_password_signs_in_with_a_session_of_its_own, |app| {
    set_password(&app, Role::Owner).await;
    let planted = "sid=planted-by-somebody-else";
    let fields = [
        ("email", " Owner@Aurelia.example.com "),
        ("password", GOOD),
        ("next", "/customers/3"),
    ];
    let answer = app.post_form("/api/auth/sign-in", "/login", &fields, planted).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(answer.location(), "/customers/3");
    let set = cookie(&answer, "sid").unwrap();
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/"),
        "{set}"
    );
    assert!(!set.contains("planted"), "{set}");
    assert_eq!(app.get("/account", &pair(set)).await.status, StatusCode::OK);
    assert_eq!(app.get("/account", planted).await.status, StatusCode::SEE_OTHER);
    // Signed in again: another session, and the first one still holds.
    let again = app.post_form("/api/auth/sign-in", "/login", &fields, &pair(set)).await;
    assert_ne!(pair(cookie(&again, "sid").unwrap()), pair(set));
});

both!(a_password_is_stored_peppered_and_hashed, |app| {
    set_password(&app, Role::Owner).await;
    let kept = users::user_by_email(app.db(), OWNER)
        .await
        .unwrap()
        .unwrap()
        .password_hash;
    assert!(kept.starts_with("$argon2id$"), "{kept}");
    let other = secrecy::SecretString::from("another key, also long enough, for sure");
    assert!(!password::verify(&other, GOOD.to_owned(), Some(kept)).await.unwrap());
});

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

both!(a_session_ends_when_it_is_idle_or_old, |app| {
    let idle = app.sign_in_as(Role::Manager).await;
    let busy = app.sign_in_as(Role::Manager).await;
    let start = app.now();
    for hours in (6..14 * 24).step_by(6) {
        app.clock.set(start + Duration::hours(hours));
        assert_eq!(app.get("/account", &busy).await.status, StatusCode::OK, "{hours} h");
        if hours == 12 {
            assert_eq!(app.get("/account", &idle).await.status, StatusCode::SEE_OTHER);
        }
    }
    app.clock.set(start + Duration::days(14));
    let over = app.get("/account", &busy).await;
    assert_eq!(
        (over.status, over.location()),
        (StatusCode::SEE_OTHER, "/login?next=/account")
    );
});

both!(signing_out_ends_this_session_and_no_other, |app| {
    let here = app.sign_in_as(Role::Owner).await;
    let there = app.sign_in_as(Role::Owner).await;
    let answer = app.post_form("/api/auth/sign-out", "/account", &[], &here).await;
    assert_eq!(answer.location(), "/login?out=1");
    assert!(cookie(&answer, "sid").unwrap().contains("Max-Age=0"));
    assert_eq!(app.get("/account", &here).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.get("/account", &there).await.status, StatusCode::OK);
});

both!(a_new_password_signs_out_everywhere_else, |app| {
    set_password(&app, Role::Salesperson).await;
    let here = app.sign_in_as(Role::Salesperson).await;
    let there = app.sign_in_as(Role::Salesperson).await;
    let wrong = [
        ("present_password", "not this one"),
        ("new_password", "another good one"),
    ];
    let refused = app.post_form("/api/auth/password", "/account", &wrong, &here).await;
    assert_eq!(refused.location(), "/account");
    let shown = app
        .get(
            "/account",
            &format!("{here}; {}", pair(cookie(&refused, "flash").unwrap())),
        )
        .await;
    assert!(
        shown.text.contains("This isn't your present password"),
        "{}",
        shown.text
    );
    let right = [("present_password", GOOD), ("new_password", "another good one")];
    let done = app.post_form("/api/auth/password", "/account", &right, &here).await;
    assert_eq!(done.location(), "/account?ok=password", "{}", done.text);
    assert_eq!(
        app.get("/account", &pair(cookie(&done, "sid").unwrap())).await.status,
        StatusCode::OK
    );
    for old in [here, there] {
        assert_eq!(app.get("/account", &old).await.status, StatusCode::SEE_OTHER);
    }
    let email = "salesperson@aurelia.example.com";
    assert!(try_in(&app.state, email, GOOD, "192.0.2.1").await.is_err());
    assert!(try_in(&app.state, email, "another good one", "192.0.2.1").await.is_ok());
});

both!(all_other_sessions_can_be_ended, |app| {
    let here = app.sign_in_as(Role::Workshop).await;
    let there = app.sign_in_as(Role::Workshop).await;
    let another = app.sign_in_as(Role::Owner).await;
    let done = app.post_form("/api/auth/end-others", "/account", &[], &here).await;
    assert_eq!(done.location(), "/account?ok=others-ended", "{}", done.text);
    assert_eq!(app.get("/account", &there).await.status, StatusCode::SEE_OTHER);
    for kept in [here, another] {
        assert_eq!(app.get("/account", &kept).await.status, StatusCode::OK);
    }
});

both!(a_changed_role_or_a_reset_password_or_being_kept_out_signs_out, |app| {
    let id = app.user(Role::Manager);
    let steps: [&str; 3] = ["role", "password", "disable"];
    for step in steps {
        let cookie = app.sign_in_as(Role::Manager).await;
        let another = app.sign_in_as(Role::Owner).await;
        assert_eq!(app.get("/account", &cookie).await.status, StatusCode::OK);
        match step {
            "role" => team::change_role(desk(&app), id, Role::Accountant).await.unwrap(),
            "password" => team::reset_password(desk(&app), id, GOOD.to_owned()).await.unwrap(),
            _ => team::disable(desk(&app), id).await.unwrap(),
        }
        assert_eq!(
            app.get("/account", &cookie).await.status,
            StatusCode::SEE_OTHER,
            "{step}"
        );
        assert_eq!(app.get("/account", &another).await.status, StatusCode::OK, "{step}");
    }
    assert!(
        try_in(&app.state, "manager@aurelia.example.com", GOOD, "192.0.2.1")
            .await
            .is_err()
    );
    team::enable(desk(&app), id).await.unwrap();
    assert!(
        try_in(&app.state, "manager@aurelia.example.com", GOOD, "192.0.2.1")
            .await
            .is_ok()
    );
    let lines = audit::store::page(app.db(), app.store.id, &audit::store::Wanted::default(), 10, 0)
        .await
        .unwrap();
    let actions: Vec<&str> = lines.iter().map(|l| l.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "user.enabled",
            "user.disabled",
            "user.password_reset",
            "user.role_changed"
        ]
    );
});

both!(a_store_always_keeps_an_owner, |app| {
    let owner = app.user(Role::Owner);
    for role in [Role::Manager, Role::Accountant] {
        let refused = team::change_role(desk(&app), owner, role).await.unwrap_err();
        assert!(
            matches!(&refused, AppError::Refused { words, .. } if words.contains("only owner")),
            "{refused:?}"
        );
    }
    assert!(team::disable(desk(&app), owner).await.is_err());
    // A second owner who is kept out doesn't count.
    let manager = app.user(Role::Manager);
    team::change_role(desk(&app), manager, Role::Owner).await.unwrap();
    team::disable(desk(&app), manager).await.unwrap();
    assert!(team::change_role(desk(&app), owner, Role::Manager).await.is_err());
    team::enable(desk(&app), manager).await.unwrap();
    // Of two owners who demote each other at the same moment, one stays.
    let (one, other) = tokio::join!(
        team::change_role(desk(&app), owner, Role::Manager),
        team::change_role(desk(&app), manager, Role::Manager)
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let owners = users::staff(app.db(), app.store.id).await.unwrap();
    assert_eq!(owners.iter().filter(|u| u.role == Role::Owner).count(), 1);
});

both!(the_team_of_another_store_is_out_of_reach, |app| {
    let (other, staff) = app.another_store().await;
    let stranger = staff[&Role::Manager];
    let theirs = app.session_of(stranger).await;
    assert_eq!(
        team::change_role(desk(&app), stranger, Role::Owner).await,
        Err(AppError::NotFound)
    );
    assert_eq!(team::disable(desk(&app), stranger).await, Err(AppError::NotFound));
    assert_eq!(
        team::reset_password(desk(&app), stranger, GOOD.to_owned()).await,
        Err(AppError::NotFound)
    );
    assert_eq!(app.get("/account", &theirs).await.status, StatusCode::OK);
    let kept = users::user(app.db(), other.id, stranger).await.unwrap().unwrap();
    assert_eq!(
        (kept.role, kept.password_hash.as_str(), kept.disabled_at),
        (Role::Manager, "no password", None)
    );
});

fn shop(token: &str) -> Vec<(&'static str, String)> {
    [
        ("shop[token]", token),
        ("shop[name]", "Zenith & Daughters"),
        ("shop[time_zone]", "Europe/London"),
        ("shop[country]", "GB"),
        ("shop[currency]", "GBP"),
        ("shop[from_name]", "Zenith"),
        ("shop[from_email]", "hello@zenith.example.com"),
        ("shop[footer]", "1 High Street, London"),
        ("shop[owner_name]", "Amara Okafor"),
        ("shop[email]", "Amara@zenith.example.com"),
        ("shop[password]", GOOD),
    ]
    .map(|(n, v)| (n, v.to_owned()))
    .to_vec()
}

fn borrowed(fields: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    fields.to_vec()
}

async fn send(app: &TestApp, from: &str, fields: &[(&'static str, String)]) -> Answer {
    let fields = borrowed(fields);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    app.post_form("/api/auth/set-up", from, &fields, "").await
}

both!(an_empty_installation_is_set_up_once_by_who_has_the_link, |app| {
    let app = app.emptied().await;
    assert_eq!(app.get("/", "").await.location(), "/setup");
    assert_eq!(app.get("/login", "").await.location(), "/setup");
    let without = app.get("/setup", "").await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    assert!(
        without.text.contains("http://loupe.test/setup?token="),
        "{}",
        without.text
    );
    assert!(!without.text.contains("Your name"));
    let first = setup::ensure_token(app.db(), app.now()).await.unwrap().unwrap();
    let token = setup::ensure_token(app.db(), app.now()).await.unwrap().unwrap();
    // The newest link holds.
    assert_eq!(
        app.get(&format!("/setup?token={first}"), "").await.status,
        StatusCode::FORBIDDEN
    );
    let here = format!("/setup?token={token}");
    let page = app.get(&here, "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Store time zone") && page.text.contains("Australia/Sydney"));
    // A mistake keeps what was typed, but for the password, and uses nothing up.
    let mut wrong = shop(&token);
    wrong[3].1 = "XX".to_owned();
    wrong[10].1 = "aurelia-demo".to_owned();
    let refused = send(&app, &here, &wrong).await;
    assert_eq!(refused.location(), here);
    let flash = pair(cookie(&refused, "flash").unwrap());
    let again = app.get(&here, &flash).await;
    for words in [
        "There is a problem",
        "Zenith &amp; Daughters",
        "two-letter country code",
        "demo store's password",
    ] {
        assert!(again.text.contains(words), "{words}: {}", again.text);
    }
    assert!(!again.text.contains("value=\"aurelia-demo\""));
    // Somebody with another token gets nowhere.
    let stranger = send(&app, "/setup", &shop("not-the-token")).await;
    assert_eq!(stranger.location(), "/setup");
    assert_eq!(stores::store::census(app.db()).await.unwrap().0, 0);
    // Two at once make one store.
    let (fields, also) = (shop(&token), shop(&token));
    let (one, two) = tokio::join!(send(&app, &here, &fields), send(&app, &here, &also));
    let done = if one.status == StatusCode::SEE_OTHER && one.location().starts_with("/marketing") {
        &one
    } else {
        &two
    };
    assert_eq!(
        done.location(),
        "/marketing/campaigns?ok=set-up",
        "{} {}",
        one.text,
        two.text
    );
    assert_eq!(stores::store::census(app.db()).await.unwrap().0, 1);
    let store = stores::store::by_slug(app.db(), "zenith-daughters")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (store.time_zone.as_str(), store.country.as_str(), store.is_demo),
        ("Europe/London", "GB", false)
    );
    // The owner is signed in, may sign in, and the door is gone.
    let session = pair(cookie(done, "sid").unwrap());
    assert_eq!(app.get("/settings", &session).await.status, StatusCode::OK);
    assert!(
        try_in(&app.state, "amara@zenith.example.com", GOOD, "192.0.2.1")
            .await
            .is_ok()
    );
    for path in ["/setup", here.as_str()] {
        assert_eq!(app.get(path, "").await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(send(&app, &here, &shop(&token)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(setup::ensure_token(app.db(), app.now()).await.unwrap(), None);
});

both!(guessing_the_setup_link_is_slowed_down, |app| {
    let app = app.emptied().await;
    let token = setup::ensure_token(app.db(), app.now()).await.unwrap().unwrap();
    for i in 0..10 {
        let wrong = app.get(&format!("/setup?token=guess{i}"), "").await;
        assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    }
    let right = app.get(&format!("/setup?token={token}"), "").await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
    app.clock.set(app.now() + Duration::minutes(6));
    assert_eq!(
        app.get(&format!("/setup?token={token}"), "").await.status,
        StatusCode::OK
    );
});

#[tokio::test]
async fn an_unknown_account_takes_as_long_as_a_known_one() {
    let app = TestApp::new(Backend::Sqlite).await;
    set_password(&app, Role::Owner).await;
    let key = &app.state.settings.secret_key;
    let hash = users::user_by_email(app.db(), OWNER)
        .await
        .unwrap()
        .unwrap()
        .password_hash;
    let mut times = Vec::new();
    for hash in [Some(hash), None] {
        let mut best = std::time::Duration::MAX;
        for _ in 0..5 {
            let begun = std::time::Instant::now();
            assert!(!password::verify(key, "wrong".to_owned(), hash.clone()).await.unwrap());
            best = best.min(begun.elapsed());
        }
        times.push(best.as_secs_f64());
    }
    let ratio = times[1] / times[0];
    assert!((0.5..2.0).contains(&ratio), "{times:?}");
}

#[tokio::test]
async fn on_https_the_cookies_are_tied_to_the_host() {
    let given = loupe::server::settings::Given {
        base_url: Some("https://loupe.example.com".to_owned()),
        ..Default::default()
    };
    let app = TestApp::with(Backend::Sqlite, given).await;
    set_password(&app, Role::Owner).await;
    let fields = [("email", OWNER), ("password", GOOD)];
    let answer = app.post_form("/api/auth/sign-in", "/login", &fields, "").await;
    for name in ["__Host-sid", "__Host-known"] {
        let set = cookie(&answer, name).unwrap();
        for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(set.contains(part), "{set}");
        }
        assert!(!set.contains("Domain"), "{set}");
    }
    // The plain name is not read there: it could have been planted from a sister host.
    let stolen = pair(cookie(&answer, "__Host-sid").unwrap()).replace("__Host-sid", "sid");
    assert_eq!(app.get("/account", &stolen).await.status, StatusCode::SEE_OTHER);
    let _ = router(app.state.clone());
}
