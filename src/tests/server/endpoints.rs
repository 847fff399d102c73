//! Everything that can be asked of the server, in two written tables: what changes something, and
//! what shows something, each with who may. A new endpoint without a line here fails; so does a
//! line without an endpoint. Each is then asked without a session, in every role, from another
//! site, and with what belongs to another store.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use loupe::{
    context::actor::{
        Permission::{self, *},
        Role,
    },
    on_db,
    recipients::model::RecipientFilter,
};

use crate::{
    both,
    support::{
        app::{Answer, TestApp},
        people,
        sending::{begun, deliver, draft, press},
        things::Things,
    },
};

/// Who may.
#[derive(Clone, Copy, Debug)]
enum Who {
    /// Also somebody who is not signed in.
    Anyone,
    Staff(Permission),
}
use Who::{Anyone, Staff};

/// What a well-formed call looks like. `{customer}` and its like stand for the id of such a thing;
/// a call with one must not reach another store's.
#[derive(Clone, Copy, Debug)]
enum Call {
    Form(&'static str),
    Json(&'static str),
}
use Call::{Form, Json};

/// Every path that can be posted to.
pub fn posted_to() -> BTreeSet<String> {
    let functions = FUNCTIONS.iter().map(|(path, ..)| *path);
    set(functions.chain(POSTS.iter().map(|(path, ..)| *path)))
}

/// The server functions: path, who, a call.
#[rustfmt::skip]
const FUNCTIONS: &[(&str, Who, Call)] = &[
    ("/api/appearance/theme", Staff(SignedIn), Form("theme=dark")),
    ("/api/auth/end-others", Staff(SignedIn), Form("")),
    ("/api/auth/password", Staff(SignedIn), Form("present_password=x&new_password=x")),
    ("/api/auth/set-up", Anyone, Form("shop[token]=x")),
    ("/api/auth/sign-in", Anyone, Form("email=nobody%40example.com&password=x")),
    ("/api/auth/sign-out", Staff(SignedIn), Form("")),
    ("/api/bulk-email/confirm", Staff(SendCampaigns), Form("send_token=none")),
    ("/api/bulk-email/send", Staff(SendCampaigns), Form("subject=S&body=B&recipient_type=all&send_token=t-bulk")),
    ("/api/bulk-email/save", Staff(SendCampaigns), Form("subject=S&body=B&recipient_type=all&intent=draft")),
    ("/api/campaigns/confirm", Staff(SendCampaigns), Form("id={campaign}&version=1&send_token=t-confirm")),
    ("/api/campaigns/delete", Staff(SendCampaigns), Form("id={campaign}")),
    ("/api/campaigns/duplicate", Staff(SendCampaigns), Form("id={campaign}")),
    ("/api/campaigns/preflight", Staff(SendCampaigns), Form("subject=S&body=B&recipient_type=all&sending=true")),
    ("/api/campaigns/save", Staff(SendCampaigns), Form("id={campaign}&version=1&name=Mine&intent=draft")),
    ("/api/campaigns/schedule", Staff(SendCampaigns), Form("id={campaign}&version=1&name=Mine&subject=S&body=B&recipient_type=all&schedule_for_later=true&date=2027-05-02&time=09%3A00")),
    ("/api/campaigns/send", Staff(SendCampaigns), Form("id={campaign}&version=1&name=Mine&subject=S&body=B&recipient_type=all&send_token=t-send")),
    ("/api/campaigns/send-rest", Staff(SendCampaigns), Form("id={campaign}&version=1&send_token=t-rest&skip_already=true")),
    ("/api/campaigns/template", Staff(SendCampaigns), Json(r#"{"id":{template}}"#)),
    ("/api/campaigns/schedule-again", Staff(SendCampaigns), Form("id={campaign}&version=1")),
    ("/api/campaigns/unschedule", Staff(SendCampaigns), Form("id={campaign}")),
    ("/api/campaigns/when", Staff(SendCampaigns), Json(r#"{"date":"2026-05-02","time":"09:00","fold":""}"#)),
    ("/api/consent/change", Staff(WriteCustomers), Form("id={customer}&channel=email&wish=withdraw&evidence=phone")),
    ("/api/customers/add", Staff(WriteCustomers), Form("form[name]=Amara")),
    ("/api/customers/add-purchase", Staff(WriteCustomers), Form("id={customer}&description=Ring&amount=100&day=2026-04-01")),
    ("/api/customers/add-repair", Staff(WriteCustomers), Form("id={customer}&description=Clasp&day=2026-04-01")),
    ("/api/customers/allow-again", Staff(WriteCustomers), Form("id={customer}")),
    ("/api/customers/archive", Staff(WriteCustomers), Form("id={customer}&archived=true")),
    ("/api/customers/edit", Staff(WriteCustomers), Form("id={customer}&read_at=0&form[name]=Amara")),
    ("/api/customers/finish-repair", Staff(WriteCustomers), Form("id={customer}&repair={repair}")),
    ("/api/customers/notes", Staff(WriteCustomers), Form("id={customer}&notes=Tall")),
    ("/api/instance/confirm", Staff(ManageStore), Form("")),
    ("/api/recipients/count", Staff(SendCampaigns), Json(r#"{"filter":{"type":"all"},"not_again":null}"#)),
    ("/api/recipients/find", Staff(SendCampaigns), Json(r#"{"text":"ama"}"#)),
    ("/api/recipients/skipped", Staff(SendCampaigns), Json(r#"{"filter":{"type":"all"},"not_again":null,"reason":"no_address"}"#)),
    ("/api/sends/again", Staff(SendCampaigns), Form("send_id={send}&send_token=t-again")),
    ("/api/sends/end", Staff(SendCampaigns), Form("send_id={send}")),
    ("/api/sends/go", Staff(SendCampaigns), Form("send_id={send}")),
    ("/api/sends/go-on", Staff(SendCampaigns), Form("send_id={send}")),
    ("/api/sends/pause", Staff(SendCampaigns), Form("send_id={send}")),
    ("/api/sends/progress", Staff(SeeCampaigns), Json(r#"{"send_id":{send}}"#)),
    ("/api/sends/resume", Staff(SendCampaigns), Form("send_id={send}")),
    ("/api/sends/stop", Staff(SendCampaigns), Form("send_id={send}")),
    ("/api/sends/treat-as-sent", Staff(SendCampaigns), Form("send_id={send}")),
    ("/api/sends/undo", Staff(SendCampaigns), Form("send_id={send}")),
    ("/api/settings/mail-provider", Staff(ManageStore), Form("provider=mailgun&events_password=a-key-of-events-0")),
    ("/api/settings/mail-server", Staff(ManageStore), Form("rate=14&domain_rate=5&connections=4")),
    ("/api/settings/safety", Staff(ManageStore), Form("undo_seconds=10&email_requires_opt_in=true")),
    ("/api/settings/sending", Staff(ManageStore), Form("from_name=A&from_email=a%40example.com&footer=F")),
    ("/api/settings/store", Staff(ManageStore), Form("name=A&time_zone=UTC&country=AU&currency=AUD")),
    ("/api/settings/timing", Staff(ManageStore), Form("late_grace_minutes=60&quiet_from=20%3A00&quiet_to=08%3A00")),
    ("/api/team/add", Staff(ManageStore), Form("name=N&email=new%40example.com&role=workshop&password=x")),
    ("/api/team/disable", Staff(ManageStore), Form("id={user}")),
    ("/api/team/enable", Staff(ManageStore), Form("id={user}")),
    ("/api/team/password", Staff(ManageStore), Form("id={user}&password=a good new one")),
    ("/api/team/role", Staff(ManageStore), Form("id={user}&role=manager")),
];

/// The pages: path as the route table writes it, an address of it, who.
#[rustfmt::skip]
const PAGES: &[(&str, &str, Who)] = &[
    ("/", "/", Anyone),
    ("/account", "/account", Staff(SignedIn)),
    ("/audit-log", "/audit-log", Staff(SeeAudit)),
    ("/audit-log.csv", "/audit-log.csv", Staff(SeeAudit)),
    ("/customers", "/customers", Staff(SeeCustomers)),
    ("/customers/import", "/customers/import", Staff(ImportCustomers)),
    ("/customers/import/{token}", "/customers/import/no-such-file", Staff(ImportCustomers)),
    ("/customers/import/{token}/errors.csv", "/customers/import/no-such-file/errors.csv", Staff(ImportCustomers)),
    ("/customers/imports/{id}", "/customers/imports/{import}", Staff(ImportCustomers)),
    ("/customers/imports/{id}/errors.csv", "/customers/imports/{import}/errors.csv", Staff(ImportCustomers)),
    ("/customers/new", "/customers/new", Staff(WriteCustomers)),
    ("/customers/{id}", "/customers/{customer}", Staff(SeeCustomers)),
    ("/customers/{id}/communications", "/customers/{customer}/communications", Staff(SeeCustomers)),
    ("/customers/{id}/edit", "/customers/{customer}/edit", Staff(WriteCustomers)),
    ("/login", "/login", Anyone),
    ("/marketing/bulk-email", "/marketing/bulk-email", Staff(SendCampaigns)),
    ("/marketing/bulk-email/preview", "/marketing/bulk-email/preview", Staff(SendCampaigns)),
    ("/marketing/bulk-email/review", "/marketing/bulk-email/review", Staff(SendCampaigns)),
    ("/marketing/bulk-email/sent/{send_id}", "/marketing/bulk-email/sent/{bulk}", Staff(SeeCampaigns)),
    ("/marketing/campaigns", "/marketing/campaigns", Staff(SeeCampaigns)),
    ("/marketing/campaigns/{id}", "/marketing/campaigns/{campaign}", Staff(SeeCampaigns)),
    ("/marketing/campaigns/{id}/delete", "/marketing/campaigns/{campaign}/delete", Staff(SendCampaigns)),
    ("/marketing/campaigns/{id}/edit", "/marketing/campaigns/{campaign}/edit", Staff(SendCampaigns)),
    ("/marketing/campaigns/{id}/preview", "/marketing/campaigns/{campaign}/preview", Staff(SeeCampaigns)),
    ("/marketing/campaigns/{id}/recipients.csv", "/marketing/campaigns/{campaign}/recipients.csv", Staff(SeeCampaigns)),
    ("/marketing/campaigns/{id}/review", "/marketing/campaigns/{campaign}/review", Staff(SendCampaigns)),
    ("/marketing/campaigns/new", "/marketing/campaigns/new", Staff(SendCampaigns)),
    ("/messages/{id}/view", "/messages/{message}/view", Staff(SeeCampaigns)),
    ("/outbox", "/outbox", Staff(SeeOutbox)),
    ("/outbox/{id}", "/outbox/{outbox}", Staff(SeeOutbox)),
    ("/outbox/{id}/message.eml", "/outbox/{outbox}/message.eml", Staff(SeeOutbox)),
    ("/outbox/{id}/view", "/outbox/{outbox}/view", Staff(SeeOutbox)),
    ("/sends/{id}/quiet-hours", "/sends/{send}/quiet-hours", Staff(SendCampaigns)),
    ("/sends/{id}/correction", "/sends/{send}/correction", Staff(SendCampaigns)),
    ("/sends/{id}/recipients.csv", "/sends/{send}/recipients.csv", Staff(SeeCampaigns)),
    ("/sends/{id}/stop", "/sends/{send}/stop", Staff(SendCampaigns)),
    ("/sends/{id}/view", "/sends/{send}/view", Staff(SeeCampaigns)),
    ("/settings", "/settings", Staff(ManageStore)),
    ("/settings/team", "/settings/team", Staff(ManageStore)),
    ("/settings/team/{id}", "/settings/team/{user}", Staff(ManageStore)),
    ("/setup", "/setup", Anyone),
    ("/u/{token}", "/u/no-such-token", Anyone),
];

/// What is posted to pages instead of a server function: path as the route table writes it, an
/// address of it, who.
const POSTS: &[(&str, &str, Who)] = &[
    ("/customers/import", "/customers/import", Staff(ImportCustomers)),
    (
        "/customers/import/{token}",
        "/customers/import/no-such-file",
        Staff(ImportCustomers),
    ),
    ("/hooks/email/{token}", "/hooks/email/no-such-token", Anyone),
    ("/sends/{id}/correction", "/sends/0/correction", Staff(SendCampaigns)),
    ("/u/{token}", "/u/no-such-token", Anyone),
];

const ROUTES: &str = include_str!("../../app.rs");
const REGISTERED: &str = include_str!("../../api.rs");

fn routes_with(method: &str) -> BTreeSet<String> {
    ROUTES
        .split(".route(")
        .skip(1)
        .filter(|route| route.contains(&format!("{method}(")))
        .map(|route| route.split('"').nth(1).unwrap().to_owned())
        .collect()
}

fn set<'a>(paths: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    paths.map(str::to_owned).collect()
}

#[test]
fn the_tables_name_every_endpoint_and_no_other() {
    loupe::api::register();
    let functions: Vec<_> = leptos::server_fn::axum::server_fn_paths().collect();
    assert!(functions.iter().all(|(_, method)| method == "POST"), "{functions:?}");
    assert_eq!(
        functions
            .iter()
            .map(|(path, _)| (*path).to_owned())
            .collect::<BTreeSet<_>>(),
        set(FUNCTIONS.iter().map(|(path, ..)| *path)),
        "server functions (left) and the table FUNCTIONS (right)"
    );
    let explicit = REGISTERED.matches("register_explicit::<").count();
    assert_eq!(explicit, FUNCTIONS.len(), "src/api.rs registers each by name, once");
    assert_eq!(
        routes_with("get"),
        set(PAGES.iter().map(|(path, ..)| *path)),
        "pages (left) and PAGES (right)"
    );
    assert_eq!(
        routes_with("post"),
        set(POSTS.iter().map(|(path, ..)| *path)),
        "posts (left) and POSTS (right)"
    );
}

async fn call(app: &TestApp, path: &str, call: Call, things: &Things, cookie: &str) -> Answer {
    match call {
        Form(body) => {
            let body = things
                .fill(body)
                .replace(' ', "+")
                .replace('[', "%5B")
                .replace(']', "%5D");
            app.call(path, "application/x-www-form-urlencoded", body, cookie).await
        }
        Json(body) => app.call(path, "application/json", things.fill(body), cookie).await,
    }
}

fn text_of(call: Call) -> &'static str {
    match call {
        Form(text) | Json(text) => text,
    }
}

both!(every_function_refuses_who_may_not, |app| {
    let things = Things::of(&app, app.store.id).await;
    for (path, who, what) in FUNCTIONS {
        let Staff(permission) = who else { continue };
        let nobody = call(&app, path, *what, &things, "").await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}: {}", nobody.text);
        let stale = call(&app, path, *what, &things, "sid=no-such-session").await;
        assert_eq!(stale.status, StatusCode::UNAUTHORIZED, "{path}");
        if let Form(body) = what {
            let form = app.post_form_text(path, "/settings", things.fill(body), "").await;
            assert_eq!(form.status, StatusCode::SEE_OTHER, "{path}");
            assert!(form.location().starts_with("/login"), "{path}: {}", form.location());
        }
        for role in Role::ALL {
            let cookie = app.sign_in_as(role).await;
            let answer = call(&app, path, *what, &things, &cookie).await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(
                refused,
                !role.may(*permission),
                "{path} as {role:?}: {} {}",
                answer.status,
                answer.text
            );
            let fine = !answer.status.is_server_error() && answer.status != StatusCode::UNAUTHORIZED;
            assert!(fine, "{path} as {role:?}: {} {}", answer.status, answer.text);
            // Well formed: the table's call gets as far as the rules.
            assert!(!answer.text.contains("didn't arrive whole"), "{path}: {}", answer.text);
        }
    }
});

both!(no_function_reaches_into_another_store, |app| {
    let (other, _) = app.another_store().await;
    let theirs = Things::of(&app, other.id).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    for (path, _, what) in FUNCTIONS {
        if theirs.named_in(text_of(*what)) {
            let answer = call(&app, path, *what, &theirs, &cookie).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
            assert!(!answer.text.contains("Secret"), "{path}: {}", answer.text);
        }
    }
    for filter in [r#"{"type":"manual","of":[{customer}]}"#, r#"{"type":"all"}"#] {
        let body = theirs.fill(&format!(r#"{{"filter":{filter},"not_again":null}}"#));
        let counted = app
            .call("/api/recipients/count", "application/json", body, &cookie)
            .await;
        assert_eq!(counted.status, StatusCode::OK, "{}", counted.text);
        assert!(counted.text.contains("\"matched\":0"), "{}", counted.text);
    }
    let found = app
        .call(
            "/api/recipients/find",
            "application/json",
            r#"{"text":"Secret"}"#,
            &cookie,
        )
        .await;
    assert_eq!(found.text, "[]");
});

both!(no_function_is_called_from_another_site_or_by_get, |app| {
    let things = Things::of(&app, app.store.id).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    for (path, _, what) in FUNCTIONS {
        let (kind, body) = match what {
            Form(body) => ("application/x-www-form-urlencoded", things.fill(body)),
            Json(body) => ("application/json", things.fill(body)),
        };
        let from = |name: &'static str, value: &'static str| {
            Request::post(*path)
                .header(header::COOKIE, &cookie)
                .header(header::HOST, "loupe.test")
                .header(header::CONTENT_TYPE, kind)
                .header(name, value)
                .body(Body::from(body.clone()))
                .unwrap()
        };
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example.com"),
            ("origin", "null"),
            ("x-nothing", "at all"),
        ] {
            let answer = app.send(from(name, value)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} with {name}: {value}");
        }
        let by_get = app
            .get(&format!("{path}?{}", body.replace(['{', '}', '"', ' '], "")), &cookie)
            .await;
        let refused = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_FOUND];
        assert!(refused.contains(&by_get.status), "GET {path}: {}", by_get.status);
    }
    // None of it did anything: the session is there, the store is as it was.
    let settings = app.get("/settings", &cookie).await;
    assert_eq!(settings.status, StatusCode::OK);
    assert!(settings.text.contains("Australia/Sydney"));
});

both!(every_page_refuses_who_may_not, |app| {
    let things = Things::of(&app, app.store.id).await;
    for (path, address, who) in PAGES {
        let address = things.fill(address);
        let Staff(permission) = who else { continue };
        let nobody = app.get(&address, "").await;
        assert_eq!(nobody.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(nobody.location(), format!("/login?next={address}"), "{path}");
        for role in Role::ALL {
            let cookie = app.sign_in_as(role).await;
            let answer = app.get(&address, &cookie).await;
            let fine: &[StatusCode] = match role.may(*permission) {
                false => &[StatusCode::FORBIDDEN],
                true if address.contains("no-such") => &[StatusCode::NOT_FOUND],
                // What cannot be shown yet leads to where it can be begun.
                true => &[StatusCode::OK, StatusCode::SEE_OTHER],
            };
            assert!(
                fine.contains(&answer.status),
                "{path} as {role:?}: {} {}",
                answer.status,
                answer.text
            );
            assert!(!answer.location().starts_with("/login"), "{path} as {role:?}");
        }
    }
});

both!(no_page_shows_what_belongs_to_another_store, |app| {
    let (other, _) = app.another_store().await;
    let theirs = Things::of(&app, other.id).await;
    let secret = format!("Secret{}", other.id.0);
    let cookie = app.sign_in_as(Role::Owner).await;
    for (path, address, who) in PAGES {
        if !matches!(who, Staff(_)) {
            continue;
        }
        let answer = app.get(&theirs.fill(address), &cookie).await;
        let missing = answer.status == StatusCode::NOT_FOUND;
        let wanted = theirs.named_in(address) || address.contains("no-such");
        assert_eq!(missing, wanted, "{path}: {} {}", answer.status, answer.text);
        assert!(!answer.text.contains(&secret), "{path}: {}", answer.text);
    }
});

both!(no_page_of_staff_carries_a_live_link, |app| {
    let things = Things::of(&app, app.store.id).await;
    let amara = people::one(
        app.db(),
        app.store.id,
        "Amara",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::Manual(vec![amara])).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, send).await;
    let (message, kept): (i64, i64) = on_db!(app.db(), |pool| sqlx::query_as(
        "select m.id, o.id from messages m join outbox o on o.message_id = m.id where m.send_id = $1"
    )
    .bind(send)
    .fetch_one(pool)
    .await)
    .unwrap();
    // The link of the message, and the one of the address that came after it.
    people::change(
        app.db(),
        "update customers set email = 'new@example.com', email_norm = 'new@example.com' where id = $1",
        amara,
    )
    .await;
    let tokens: Vec<String> = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select unsubscribe_token from customers where id = $1
          union all
         select token from retired_unsubscribe_tokens where customer_id = $1"
    )
    .bind(amara)
    .fetch_all(pool)
    .await)
    .unwrap();
    assert_eq!(tokens.len(), 2);
    let owner = app.sign_in_as(Role::Owner).await;
    let real = [
        ("send", send),
        ("campaign", campaign),
        ("customer", amara),
        ("message", message),
        ("outbox", kept),
    ];
    let mut shown = 0;
    for (path, address, _) in PAGES {
        let address = real.iter().fold((*address).to_owned(), |text, (kind, id)| {
            text.replace(&format!("{{{kind}}}"), &id.to_string())
        });
        for part in ["", "?part=text"] {
            let page = app.get(&format!("{}{part}", things.fill(&address)), &owner).await;
            // A soft break of quoted-printable hides nothing.
            let whole = page.text.replace("=\r\n", "");
            assert!(
                !tokens.iter().any(|token| whole.contains(token)),
                "{path}: {}",
                page.text
            );
            shown += usize::from(page.status == StatusCode::OK && whole.contains("Dear Amara"));
        }
    }
    assert!(shown >= 4, "the messages themselves are shown: {shown}");
    let source: String = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select source from outbox where id = $1"
    )
    .bind(kept)
    .fetch_one(pool)
    .await)
    .unwrap();
    assert!(
        tokens.iter().any(|token| source.replace("=\r\n", "").contains(token)),
        "what is mailed has it"
    );
});

both!(every_post_that_is_no_function_refuses_who_may_not, |app| {
    for (path, address, who) in POSTS {
        let Staff(permission) = who else { continue };
        let nobody = app.post_form(address, "/customers/import", &[], "").await;
        assert_eq!(nobody.status, StatusCode::SEE_OTHER, "{path}");
        assert!(nobody.location().starts_with("/login"), "{path}: {}", nobody.location());
        for role in Role::ALL {
            let cookie = app.sign_in_as(role).await;
            let answer = app.post_form(address, "/customers/import", &[], &cookie).await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, !role.may(*permission), "{path} as {role:?}: {}", answer.text);
            assert!(!answer.status.is_server_error(), "{path} as {role:?}: {}", answer.text);
        }
        let cookie = app.sign_in_as(Role::Owner).await;
        let from_elsewhere = Request::post(*address)
            .header(header::COOKIE, &cookie)
            .header("sec-fetch-site", "cross-site")
            .body(Body::empty())
            .unwrap();
        assert_eq!(app.send(from_elsewhere).await.status, StatusCode::FORBIDDEN, "{path}");
    }
});
