//! Setting up an empty installation.

use loupe::{auth::setup, stores};

use super::*;

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
    assert_eq!(stores::queries::census(app.db()).await.unwrap().0, 0);
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
    assert_eq!(stores::queries::census(app.db()).await.unwrap().0, 1);
    let store = stores::queries::by_slug(app.db(), "zenith-daughters")
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
