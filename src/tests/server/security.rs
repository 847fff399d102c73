//! What holds for every answer: headers, cookies, limits, and that nothing leaks.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
    routing::get,
};
use loupe::{
    context::{actor::Role, settings::Given},
    db::Backend,
    server::router::with_pages,
};

use crate::{
    both,
    support::app::{Answer, TestApp},
};

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |v| v.to_str().unwrap())
}

const ALWAYS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

fn assert_hardened(what: &str, answer: &Answer) {
    for (name, value) in ALWAYS {
        assert_eq!(header(answer, name), value, "{what}: {name}");
    }
    let policy = header(answer, "content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe-inline"), "{what}: {policy}");
    assert!(
        policy.split(';').all(|part| !part.contains("'unsafe-eval'")),
        "{what}: {policy}"
    );
    assert!(header(answer, "cache-control").contains("no-store"), "{what}");
    assert!(header(answer, "vary").contains("sec-fetch-site"), "{what}");
    for leak in ["server", "x-powered-by"] {
        assert_eq!(header(answer, leak), "", "{what}: {leak}");
    }
}

both!(every_kind_of_answer_carries_the_headers, |app| {
    let owner = app.sign_in_as(Role::Owner).await;
    let sales = app.sign_in_as(Role::Salesperson).await;
    let form = "application/x-www-form-urlencoded";
    for (what, answer) in [
        ("a page", app.get("/login", "").await),
        ("a page of staff", app.get("/settings", &owner).await),
        ("a redirect", app.get("/settings", "").await),
        ("not found", app.get("/nothing", &owner).await),
        ("forbidden", app.get("/settings", &sales).await),
        (
            "a form that worked",
            app.post_form("/api/appearance/theme", "/account", &[("theme", "dark")], &owner)
                .await,
        ),
        (
            "a form that was refused",
            app.post_form("/api/auth/sign-in", "/login", &[("email", "x")], "")
                .await,
        ),
        (
            "a call",
            app.call("/api/recipients/find", "application/json", r#"{"text":"x"}"#, &owner)
                .await,
        ),
        (
            "a refused call",
            app.call("/api/team/disable", form, "id=1", &sales).await,
        ),
        ("no such function", app.call("/api/no/such", form, "", &owner).await),
        (
            "not our method",
            app.send(
                Request::put("/settings")
                    .header("sec-fetch-site", "same-origin")
                    .body(Body::empty())
                    .unwrap(),
            )
            .await,
        ),
        (
            "another site",
            app.send(Request::post("/api/auth/sign-out").body(Body::empty()).unwrap())
                .await,
        ),
        ("a file", app.get("/audit-log.csv", &owner).await),
        ("alive", app.get("/livez", "").await),
    ] {
        assert_hardened(what, &answer);
        assert_eq!(header(&answer, "strict-transport-security"), "", "{what}: plain http");
    }
});

#[tokio::test(flavor = "multi_thread")]
async fn on_https_browsers_are_told_to_stay_there() {
    let given = Given {
        base_url: Some("https://loupe.example.com".to_owned()),
        ..Given::default()
    };
    let app = TestApp::with(Backend::Sqlite, given).await;
    let page = app.get("/login", "").await;
    assert!(header(&page, "strict-transport-security").contains("max-age=63072000"));
    let refused = app
        .post_form("/api/auth/sign-in", "/login", &[("email", "x")], "")
        .await;
    assert!(header(&refused, "set-cookie").contains("flash=") && header(&refused, "set-cookie").contains("; Secure"));
}

/// The value of `nonce-…` in a policy.
fn nonce(answer: &Answer) -> String {
    let policy = header(answer, "content-security-policy");
    let (_, rest) = policy.split_once("'nonce-").expect("a nonce");
    rest.split('\'').next().unwrap().to_owned()
}

both!(only_scripts_with_the_nonce_of_this_answer_run, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let mut seen = std::collections::HashSet::new();
    for path in [
        "/login",
        "/settings",
        "/settings/team",
        "/account",
        "/audit-log",
        "/outbox",
        "/marketing/campaigns",
        "/login",
    ] {
        let page = app.get(path, &cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let nonce = nonce(&page);
        assert!(nonce.len() >= 22, "{path}: at least 128 bits");
        assert!(seen.insert(nonce.clone()), "{path}: the nonce was used before");
        for tag in page.text.split("<script").skip(1) {
            let open = tag.split('>').next().unwrap();
            assert!(open.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{open}>");
        }
        for handler in [" onclick=", " onload=", " onerror=", " style=\"", "javascript:"] {
            assert!(!page.text.contains(handler), "{path}: {handler}");
        }
    }
});

both!(a_body_that_is_too_large_is_refused, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let form = "application/x-www-form-urlencoded";
    let body = format!("theme={}", "x".repeat(1024 * 1024));
    let answer = app.call("/api/appearance/theme", form, body, &cookie).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_hardened("too large", &answer);
});

both!(nobody_is_sent_to_another_site, |app| {
    loupe::auth::team::reset_password(
        loupe::auth::team::Desk {
            db: app.db(),
            key: &app.state.settings.secret_key,
            store: app.store.id,
            by: "Test",
            now: app.now(),
        },
        app.user(Role::Owner),
        "correct horse battery".to_owned(),
    )
    .await
    .unwrap();
    for next in [
        "https://evil.example.com",
        "//evil.example.com",
        "/\\evil.example.com",
        "\\\\evil.example.com",
        "javascript:alert(1)",
        "/ok\r\nset-cookie: sid=x",
        "http:evil.example.com",
    ] {
        let fields = [
            ("email", "owner@aurelia.example.com"),
            ("password", "correct horse battery"),
            ("next", next),
        ];
        let answer = app.post_form("/api/auth/sign-in", "/login", &fields, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{next}");
        assert_eq!(answer.location(), "/marketing/campaigns", "{next}");
    }
    // What stands in the address of the page is text, not a link elsewhere.
    let page = app.get("/login?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "").await;
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
});

/// Reached at an address of this machine.
async fn local(backend: Backend) -> TestApp {
    let given = Given {
        base_url: Some("http://127.0.0.1:3000".to_owned()),
        ..Given::default()
    };
    TestApp::with(backend, given).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_goes_back_to_where_it_was_and_nowhere_else() {
    let app = local(Backend::Sqlite).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let from = |referer: &'static str| {
        Request::post("/api/appearance/theme")
            .header(header::COOKIE, &cookie)
            .header(header::ACCEPT, "text/html")
            .header(header::HOST, "localhost:3000")
            .header(header::REFERER, referer)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("theme=dark"))
            .unwrap()
    };
    for (referer, to) in [
        ("http://127.0.0.1:3000/audit-log?who=x", "/audit-log?who=x"),
        ("http://localhost:3000/settings", "/settings"),
        ("http://127.0.0.1:3000", "/"),
        ("https://evil.example.com/settings", "/"),
        ("http://localhost:3000.evil.example.com/settings", "/"),
        ("http://127.0.0.1:3000.evil.example.com/settings", "/"),
        ("http://127.0.0.1:3000//evil.example.com", "/"),
        ("http://evil.example.com/?http://127.0.0.1:3000/settings", "/"),
        ("/settings", "/"),
    ] {
        let answer = app.send(from(referer)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{referer}");
        assert_eq!(answer.location(), to, "{referer}");
    }
}

fn asks(path: &str, host: &str) -> Request<Body> {
    Request::get(path)
        .header(header::HOST, host)
        .header(header::ACCEPT, "text/html")
        .body(Body::empty())
        .unwrap()
}

both!(another_name_for_this_machine_is_not_answered_to, |app| {
    for host in ["loupe.test", "LOUPE.test:80", "loupe.test."] {
        assert_eq!(app.send(asks("/login", host)).await.status, StatusCode::OK, "{host}");
    }
    for host in [
        "rebound.example.com",
        "127.0.0.1:3000",
        "loupe.test.example.com",
        "loupe.test@x",
    ] {
        for path in ["/login", "/", "/u/x", "/main.css", "/nothing"] {
            let answer = app.send(asks(path, host)).await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host} {path}");
            assert!(answer.text.contains("http://loupe.test"), "{}", answer.text);
            assert_hardened(path, &answer);
        }
        assert_eq!(
            app.send(asks("/livez", host)).await.status,
            StatusCode::OK,
            "whoever watches"
        );
    }
    // Neither in the first line nor twice.
    let absolute = asks("http://rebound.example.com/login", "loupe.test");
    assert_eq!(app.send(absolute).await.status, StatusCode::MISDIRECTED_REQUEST);
    let mut twice = asks("/login", "loupe.test");
    let other = header::HeaderValue::from_static("rebound.example.com");
    twice.headers_mut().append(header::HOST, other);
    assert_eq!(app.send(twice).await.status, StatusCode::MISDIRECTED_REQUEST);
    // Nor does a form come from here because its origin and its host agree.
    let form = Request::post("/api/auth/sign-in")
        .header(header::HOST, "rebound.example.com")
        .header(header::ORIGIN, "http://rebound.example.com")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("email=x"))
        .unwrap();
    assert_eq!(app.send(form).await.status, StatusCode::MISDIRECTED_REQUEST);
});

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_reached_by_each_of_its_own_names() {
    let app = local(Backend::Sqlite).await;
    for host in ["127.0.0.1:3000", "localhost:3000", "[::1]:3000", "LOCALHOST:3000"] {
        assert_eq!(app.send(asks("/login", host)).await.status, StatusCode::OK, "{host}");
    }
    let rebound = app.send(asks("/login", "rebound.example.com:3000")).await;
    assert_eq!(rebound.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_was_called_is_believed_of_our_own_only() {
    for (proxies, status) in [
        ("127.0.0.1", StatusCode::OK),
        ("10.0.0.0/8", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let given = Given {
            trusted_proxies: Some(proxies.to_owned()),
            ..Given::default()
        };
        let app = TestApp::with(Backend::Sqlite, given).await;
        let mut asked = asks("/login", "10.0.0.7:3000");
        let named = header::HeaderValue::from_static("loupe.test");
        asked.headers_mut().insert("x-forwarded-host", named);
        assert_eq!(app.send(asked).await.status, status, "{proxies}");
    }
}

both!(a_call_is_written_as_its_function_reads_it, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    for (path, kind, body) in [
        ("/api/campaigns/save", json, r#"{"name":"Spring"}"#),
        ("/api/campaigns/save", "text/plain", "name=Spring&intent=draft"),
        ("/api/campaigns/save", "multipart/form-data; boundary=x", "--x--"),
        // Not a form of ours, whatever it is called.
        ("/api/campaigns/save", form, r#"{"name":"Spring"}"#),
        ("/api/campaigns/save", form, ""),
        ("/api/campaigns/save", form, "x=y"),
        ("/api/campaigns/save", form, "id=abc&name=Spring&intent=draft"),
        ("/api/campaigns/save", form, "id=1.5&version=1&name=Spring&intent=draft"),
        ("/api/campaigns/save", form, "version=new&name=Spring&intent=draft"),
        ("/api/campaigns/send", form, "x=y"),
        ("/api/campaigns/send", json, r#"{"name":"Spring"}"#),
        ("/api/campaigns/schedule", form, "id=abc&name=Spring"),
        ("/api/bulk-email/save", form, "x=y"),
        ("/api/bulk-email/send", form, ""),
        ("/api/bulk-email/save", json, r#"{"subject":"Spring"}"#),
        ("/api/campaigns/preflight", form, "id=abc&subject=S"),
        ("/api/recipients/find", form, r#"{"text":"x"}"#),
    ] {
        let answer = app.call(path, kind, body, &cookie).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {kind} {body}");
        assert!(answer.text.contains("didn't arrive whole"), "{path}: {}", answer.text);
    }
    let made: i64 = loupe::on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from campaigns")
        .fetch_one(pool)
        .await)
    .unwrap();
    assert_eq!(made, 0);
    let fine = format!("{form}; charset=UTF-8");
    let answer = app
        .call("/api/campaigns/save", &fine, "name=Spring&intent=draft", &cookie)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
});

both!(a_name_of_a_campaign_is_a_line_and_its_list_is_short, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let (name, subject) = (
        format!("Spring\u{202e}\u{1b} {}", "n".repeat(200_000)),
        "s".repeat(200_000),
    );
    let fields = [
        ("name", name.as_str()),
        ("subject", &subject),
        ("body", "kept whole"),
        ("intent", "draft"),
    ];
    let saved = app
        .post_form("/api/campaigns/save", "/marketing/campaigns/new", &fields, &cookie)
        .await;
    let page = app.get(saved.location(), &cookie).await;
    assert!(page.text.contains("kept whole") && page.text.contains(&subject));
    assert!(!page.text.contains(['\u{202e}', '\u{1b}']) && !page.text.contains(&"n".repeat(501)));
    let list = app.get("/marketing/campaigns", &cookie).await;
    assert!(
        list.text.contains("Spring nnn") && list.text.len() < 20_000,
        "{}",
        list.text.len()
    );
});

both!(a_repair_of_somebody_else_is_not_there, |app| {
    let (zenith, staff) = app.another_store().await;
    let own = crate::support::things::Things::of(&app, app.store.id).await;
    let theirs = crate::support::things::Things::of(&app, zenith.id).await;
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let form = "application/x-www-form-urlencoded";
    let body = format!("{}&{}", own.fill("id={customer}"), theirs.fill("repair={repair}"));
    let answer = app.call("/api/customers/finish-repair", form, body, &cookie).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text);
    for _ in 0..2 {
        let body = own.fill("id={customer}&repair={repair}");
        let answer = app.call("/api/customers/finish-repair", form, body, &cookie).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    // Whether an address signs in to another store is not told either.
    let owner = app.sign_in_as(Role::Owner).await;
    let mut answers = Vec::new();
    for email in ["manager@aurelia.example.com", "manager@zenith.example.com"] {
        let fields = format!("name=N&email={email}&role=workshop&password=a-good-long-password");
        answers.push(app.call("/api/team/add", form, fields, &owner).await.text);
    }
    assert_eq!(answers[0], answers[1]);
    assert!(staff.len() == 5 && !answers[0].contains("store"), "{}", answers[0]);
});

both!(a_search_of_any_length_is_answered, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    for (letter, in_address) in [("_", 26_000), ("%", 20_000), ("é", 10_000), ("a b ", 7_000)] {
        let text = loupe::paths::encode(&letter.repeat(in_address));
        for page in [
            "/marketing/campaigns?q=",
            "/marketing/campaigns/new?find=",
            "/marketing/bulk-email?find=",
            "/customers?q=",
            "/customers?tag=",
            "/audit-log?who=",
            "/audit-log?action=",
            "/audit-log.csv?who=",
            "/outbox?to=",
        ] {
            let answer = app.get(&format!("{page}{text}"), &cookie).await;
            assert_eq!(answer.status, StatusCode::OK, "{page}{letter}");
        }
        let call = serde_json::json!({ "text": letter.repeat(100_000) }).to_string();
        let answer = app
            .call("/api/recipients/find", "application/json", call, &cookie)
            .await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::OK, "[]"),
            "{letter}"
        );
    }
});

both!(a_form_is_answered_as_a_form_and_a_call_as_a_call, |app| {
    let owner = app.sign_in_as(Role::Owner).await;
    let sales = app.sign_in_as(Role::Salesperson).await;
    let form = "application/x-www-form-urlencoded";
    // Refused by rule: back with the words.
    let only = app.user(Role::Owner).to_string();
    let fields = [("id", only.as_str())];
    let refused = app
        .post_form("/api/team/disable", "/settings/team", &fields, &owner)
        .await;
    assert_eq!(
        (refused.status, refused.location()),
        (StatusCode::SEE_OTHER, "/settings/team")
    );
    assert!(header(&refused, "set-cookie").starts_with("flash="));
    let refused = app.call("/api/team/disable", form, format!("id={only}"), &owner).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("\"code\":\"refused\""), "{}", refused.text);
    // The flash is shown once.
    let shown = app
        .get(
            "/settings/team",
            &format!("{owner}; flash=eyJwcm9ibGVtcyI6W10sInR5cGVkIjpbXX0"),
        )
        .await;
    assert!(header(&shown, "set-cookie").starts_with("flash=;"));
    // Not allowed, not there: pages with that status, or the code.
    let answer = app.post_form("/api/team/disable", "/account", &fields, &sales).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("<h1"), "{}", answer.text);
    let answer = app
        .post_form("/api/team/disable", "/settings/team", &[("id", "999999")], &owner)
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("Page not found"), "{}", answer.text);
    let answer = app.call("/api/team/disable", form, "id=999999", &owner).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.text, r#"{"code":"not_found"}"#);
    // Not whole: words of ours, nothing of the framework's.
    for body in ["", "id=abc", "id[]=1", "%%%"] {
        let answer = app.call("/api/team/disable", form, body, &owner).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            answer.text
        );
        for inside in ["serde", "missing field", "invalid digit", "Deserial", "panicked"] {
            assert!(!answer.text.contains(inside), "{body}: {}", answer.text);
        }
    }
    let missing = app.post_form("/api/no/such", "/account", &[], &owner).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "{}", missing.text);
});

both!(what_breaks_says_a_reference_and_nothing_else, |app| {
    let pages = loupe::app::pages()
        .route("/broken", get(|| async { panic_with("the secret inside") }))
        .route(
            "/no-table",
            get(|| async {
                Err::<(), _>(loupe::error::AppError::from(sqlx::Error::Protocol(
                    "secret table".into(),
                )))
            }),
        );
    let mut app = app;
    app.router = with_pages(app.state.clone(), pages);
    let cookie = app.sign_in_as(Role::Owner).await;
    for path in ["/broken", "/no-table"] {
        for cookie in ["", cookie.as_str()] {
            let answer = app.get(path, cookie).await;
            assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
            assert!(
                answer.text.contains("Something went wrong on our side"),
                "{path}: {}",
                answer.text
            );
            assert!(answer.text.contains("Reference"), "{path}: {}", answer.text);
            assert!(!answer.text.contains("secret"), "{path}: {}", answer.text);
            assert_hardened(path, &answer);
        }
    }
});

#[expect(clippy::panic, reason = "the point of it")]
fn panic_with(words: &str) -> &'static str {
    panic!("{words}")
}

both!(a_name_is_text_wherever_it_stands, |app| {
    let name = "<img src=x onerror=alert(1)>\"'</title></textarea>";
    let mut tx = app.db().begin().await.unwrap();
    let user = loupe::auth::queries::add_user(
        &mut tx,
        app.store.id,
        "x@example.com",
        name,
        Role::Owner,
        "none",
        app.now(),
    )
    .await
    .unwrap();
    let entry = loupe::audit::Entry {
        actor: name,
        action: "user.added",
        subject: "user",
        subject_id: Some(user),
        summary: name.to_owned(),
        before: Some(serde_json::json!({ name: name })),
        after: Some(serde_json::json!({ name: "x" })),
    };
    loupe::audit::record(&mut tx, app.store.id, entry, app.now())
        .await
        .unwrap();
    let keep = loupe::outbox::queries::Keep {
        store_id: app.store.id,
        message_id: None,
        recipient: name.to_owned(),
        subject: name.to_owned(),
        source: name.to_owned(),
        accepted_at: app.now(),
    };
    loupe::outbox::queries::keep_many(&mut tx, &[keep]).await.unwrap();
    tx.commit().await.unwrap();
    let kept = loupe::outbox::queries::page(app.db(), app.store.id, "", 1, 0)
        .await
        .unwrap()[0]
        .id;
    let cookie = app.session_of(user).await;
    for path in [
        "/account".to_owned(),
        "/settings/team".to_owned(),
        format!("/settings/team/{user}"),
        "/audit-log".to_owned(),
        "/outbox".to_owned(),
        format!("/outbox/{kept}"),
        "/marketing/campaigns".to_owned(),
    ] {
        let page = app.get(&path, &cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(page.text.contains("&lt;img src=x"), "{path}");
        assert!(!page.text.contains("<img src=x"), "{path}: {}", page.text);
        assert_eq!(page.text.matches("</title>").count(), 1, "{path}");
    }
});
