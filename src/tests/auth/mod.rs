//! Who you are: setting up, signing in, being slowed down, being signed out, and the team.

mod setup;
mod throttle;

use axum::http::{StatusCode, header};
use chrono::Duration;
use loupe::{
    audit,
    auth::{
        password, queries as users,
        rules::{self, SignInTry},
        team::{self, Desk},
    },
    context::{AppState, actor::Role, response::Device},
    db::Backend,
    error::AppError,
    server::router::router,
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
    let lines = audit::queries::page(app.db(), app.store.id, &audit::queries::Wanted::default(), 10, 0)
        .await
        .unwrap();
    let actions: Vec<&str> = lines.iter().map(|l| l.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "user.signed_in",
            "user.enabled",
            "user.sign_in_refused",
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
    // In turns, and the best of each: whatever else the machine does slows both down.
    let mut times = [f64::MAX; 2];
    for _ in 0..7 {
        for (best, hash) in times.iter_mut().zip([Some(&hash), None]) {
            let begun = std::time::Instant::now();
            assert!(!password::verify(key, "wrong".to_owned(), hash.cloned()).await.unwrap());
            *best = best.min(begun.elapsed().as_secs_f64());
        }
    }
    // Without hashing it takes a thousandth.
    let ratio = times[1] / times[0];
    assert!((0.2..5.0).contains(&ratio), "{times:?}");
}

#[tokio::test]
async fn on_https_the_cookies_are_tied_to_the_host() {
    let given = loupe::context::settings::Given {
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
