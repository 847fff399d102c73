//! Pages over HTTP.

use axum::http::StatusCode;
use loupe::context::actor::Role;

use crate::both;

both!(somebody_signed_out_is_sent_to_sign_in_and_back, |app| {
    let answer = app.get("/login?next=/marketing/campaigns", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.contains("Sign in"), "{}", answer.text);
    let cookie = app.sign_in_as(Role::Owner).await;
    let missing = app.get("/nothing-here", &cookie).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text.contains("Page not found"));
});

both!(a_wrong_password_says_so_and_keeps_the_address, |app| {
    let fields = [
        ("email", "owner@aurelia.example.com"),
        ("password", "wrong"),
        ("next", ""),
    ];
    let answer = app.post_form("/api/auth/sign-in", "/login", &fields, "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(answer.location(), "/login");
    let flash = answer.cookie();
    let page = app.get("/login", flash).await;
    assert!(
        page.text.contains("The email or password isn't right."),
        "{}",
        page.text
    );
    assert!(page.text.contains("owner@aurelia.example.com"));
    assert!(!page.text.contains("wrong\""));
});
