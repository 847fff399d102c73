//! The forms of the writing side without JavaScript: templates, search, bulk email, and who may.

use axum::http::StatusCode;
use loupe::{context::actor::Role, on_db, sends};

use crate::{
    both,
    campaigns::{find, form, id_in, pressed, submit},
    support::{
        app::{Answer, TestApp, borrowed, fields_of},
        people,
    },
};

async fn template(app: &TestApp, name: &'static str) -> String {
    let id: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select id from templates where name = $1"
    )
    .bind(name)
    .fetch_one(pool)
    .await)
    .unwrap();
    id.to_string()
}

async fn bulk(app: &TestApp, cookie: &str, intent: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = form(more);
    fields.retain(|(name, _)| *name != "name");
    let (path, field) = pressed("bulk-email", intent);
    fields.push(field);
    app.post_form(&path, "/marketing/bulk-email", &fields, cookie).await
}

both!(a_new_campaign_begins_with_nobody_chosen, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = app.get("/marketing/campaigns/new", &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for words in [
        "New Campaign",
        "Only your team sees this",
        "Fills in the subject and body. You can change both.",
        "Recipient type",
        "Every customer with an email address",
        "Choose a segment",
        "Choose tags",
        "Find a customer",
        "Schedule for later",
        "Save as draft",
        "Send now",
        "Schedule send",
        "Update count",
        "Choose who this is for",
        "Nothing is mailed: messages stay in the outbox.",
        "value=\"friend\"",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let radios = page.text.matches("type=\"radio\"").count();
    assert_eq!(radios, 4);
    assert!(
        !page
            .text
            .split("type=\"radio\"")
            .skip(1)
            .any(|r| r.split('>').next().unwrap().contains("checked"))
    );
    assert!(!page.text.contains(" style="), "the policy forbids inline styles");
});

both!(the_address_can_begin_a_campaign, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = template(&app, "We Miss You").await;
    let page = app
        .get(
            &format!("/marketing/campaigns/new?tags=pearls,vip&template={id}"),
            &cookie,
        )
        .await;
    assert!(
        page.text.contains("It has been a while, {{first_name}}"),
        "{}",
        page.text
    );
    assert!(page.text.contains("value=\"pearls\" checked"), "{}", page.text);
});

both!(a_template_fills_in_the_words_and_stays_bound, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = template(&app, "We Miss You").await;
    let answer = submit(&app, &cookie, "use_template", &[("template_id", &id)]).await;
    assert!(
        answer.location().ends_with("?ok=filled#template"),
        "{}",
        answer.location()
    );
    let campaign = find(&app, id_in(answer.location())).await;
    assert_eq!(campaign.subject, "It has been a while, {{first_name}}");
    assert!(campaign.body.contains("lost its sparkle"));
    assert_eq!(campaign.template_id.map(|id| id.to_string()), Some(id));
    assert_eq!(campaign.name, "Mother's Day");
});

both!(customers_are_found_and_ticked_without_scripts, |app| {
    let amara = people::one(
        app.db(),
        app.store.id,
        "Amara Okafor",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let more = [("recipient_type", "manual"), ("find_customer", "okaf")];
    let answer = submit(&app, &cookie, "find_customer", &more).await;
    assert!(answer.location().contains("?find=okaf"), "{}", answer.location());
    let page = app.get(answer.location().split('#').next().unwrap(), &cookie).await;
    let tick = format!("name=\"customer_ids[]\" value=\"{amara}\"");
    assert!(page.text.contains(&tick), "{}", page.text);
    assert!(page.text.contains("1 customer found. Tick to add them."));
    // Enter in the search box is the same as Search.
    let enter = submit(
        &app,
        &cookie,
        "enter",
        &[more.as_slice(), &[("send_token", "t2")]].concat(),
    )
    .await;
    assert!(enter.location().contains("?find=okaf"), "{}", enter.location());
    let id = id_in(answer.location()).to_string();
    let picked = amara.to_string();
    let more = [
        ("recipient_type", "manual"),
        ("customer_ids[]", picked.as_str()),
        ("id", &id),
        ("version", "1"),
    ];
    let answer = submit(&app, &cookie, "send_now", &more).await;
    assert!(answer.location().ends_with("?ok=sending"), "{}", answer.location());
});

both!(a_bulk_email_goes_out_without_a_campaign_and_leaves_a_receipt, |app| {
    people::crowd(app.db(), app.store.id, 3, &["wedding"], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = bulk(&app, &cookie, "send_now", &[]).await;
    assert!(
        answer.location().starts_with("/marketing/bulk-email/sent/"),
        "{} {}",
        answer.location(),
        answer.text
    );
    assert!(answer.location().ends_with("?ok=sending"));
    let send = sends::queries::find(app.db(), app.store.id, id_in(answer.location()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((send.campaign_id, send.label.as_str()), (None, "Bulk email"));
    let again = bulk(&app, &cookie, "send_now", &[]).await;
    assert!(again.location().ends_with("?ok=already"), "{}", again.location());
    let count: i64 = on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from sends")
        .fetch_one(pool)
        .await)
    .unwrap();
    assert_eq!(count, 1);
    let page = app.get("/marketing/bulk-email", &cookie).await;
    assert!(!page.text.contains("A quiet hour"), "the form is empty again");
    // Taken back: the form returns whole.
    people::change(app.db(), "update sends set state = 'cancelled' where id = $1", send.id).await;
    let page = app.get("/marketing/bulk-email?ok=undone", &cookie).await;
    assert!(
        page.text.contains("A quiet hour") && page.text.contains("Nothing was sent."),
        "{}",
        page.text
    );
});

both!(a_refused_bulk_email_keeps_what_was_typed_for_that_person_alone, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let typed = [("subject", ""), ("body", "Half a </textarea><script>thought")];
    let answer = bulk(&app, &cookie, "send_now", &typed).await;
    assert_eq!(answer.location(), "/marketing/bulk-email?check=send_now");
    let page = app.get(answer.location(), &cookie).await;
    for words in ["There is a problem", "Enter a subject", "Half a &lt;/textarea&gt;"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(!page.text.contains("Enter a name"));
    let manager = app.sign_in_as(Role::Manager).await;
    let page = app.get("/marketing/bulk-email", &manager).await;
    assert!(!page.text.contains("Half a"), "somebody else's words");
    let answer = bulk(&app, &cookie, "start_over", &typed).await;
    let page = app.get(answer.location(), &cookie).await;
    assert!(!page.text.contains("Half a"));
});

both!(a_bulk_email_to_nobody_returns_the_filled_form_with_the_cause, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = bulk(&app, &cookie, "send_now", &[]).await;
    let page = app.get(answer.location(), &cookie).await;
    for words in [
        "No recipients found for this campaign",
        "No customer has the tag wedding.",
        "A quiet hour",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
});

both!(a_large_bulk_email_asks_first, |app| {
    people::crowd(app.db(), app.store.id, 101, &["wedding"], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = bulk(&app, &cookie, "send_now", &[("shown_count", "101")]).await;
    assert_eq!(answer.location(), "/marketing/bulk-email/review?token=token-1");
    let page = app.get(answer.location(), &cookie).await;
    assert!(page.text.contains("Send to 101 customers now?"), "{}", page.text);
    let fields = fields_of(&page.text, "/api/bulk-email/confirm");
    let fields = borrowed(&fields);
    assert!(fields.contains(&("send_token", "token-1")) && fields.contains(&("shown_count", "101")));
    let sent = app
        .post_form("/api/bulk-email/confirm", answer.location(), &fields, &cookie)
        .await;
    assert!(
        sent.location().ends_with("?ok=sending"),
        "{} {}",
        sent.location(),
        sent.text
    );
    let again = app
        .post_form("/api/bulk-email/confirm", answer.location(), &fields, &cookie)
        .await;
    assert!(again.location().ends_with("?ok=already"), "{}", again.location());
});

both!(a_bulk_email_can_become_a_campaign, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = bulk(&app, &cookie, "as_campaign", &[]).await;
    let campaign = find(&app, id_in(answer.location())).await;
    assert_eq!(campaign.name, "A quiet hour, {{first_name}}");
    assert_eq!(campaign.body, "Dear {{first_name}},\n\nCome and see.\n");
    assert!(campaign.filter.is_some());
    let page = app.get("/marketing/bulk-email", &cookie).await;
    assert!(!page.text.contains("A quiet hour"), "the form is empty again");
});

both!(only_owners_and_managers_write_and_send, |app| {
    let owner = app.sign_in_as(Role::Owner).await;
    let id = id_in(submit(&app, &owner, "draft", &[]).await.location()).to_string();
    let posts = [
        "/api/campaigns/save",
        "/api/campaigns/send",
        "/api/campaigns/schedule",
        "/api/campaigns/confirm",
        "/api/campaigns/unschedule",
        "/api/campaigns/duplicate",
        "/api/campaigns/delete",
        "/api/bulk-email/save",
        "/api/bulk-email/send",
        "/api/bulk-email/confirm",
    ];
    let pages = [
        "/marketing/campaigns/new".to_owned(),
        format!("/marketing/campaigns/{id}/edit"),
        format!("/marketing/campaigns/{id}/review"),
        "/marketing/bulk-email".to_owned(),
        "/marketing/bulk-email/review".to_owned(),
        "/marketing/bulk-email/preview".to_owned(),
    ];
    for role in [Role::Salesperson, Role::Workshop, Role::Accountant] {
        let cookie = app.sign_in_as(role).await;
        for path in posts {
            let fields = [("id", id.as_str()), ("send_token", "t")];
            let answer = app.post_form(path, "/marketing/campaigns", &fields, &cookie).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role:?} {path}");
        }
        for path in &pages {
            let answer = app.get(path, &cookie).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role:?} {path}");
        }
        // What a campaign says is on its page for all of them.
        let read = app.get(&format!("/marketing/campaigns/{id}/preview"), &cookie).await;
        assert_eq!(read.status, StatusCode::OK, "{role:?}");
    }
    let (_, staff) = app.another_store().await;
    let theirs = app.session_of(staff[&Role::Owner]).await;
    for path in [&pages[1], &pages[2], &format!("/marketing/campaigns/{id}/preview")] {
        assert_eq!(app.get(path, &theirs).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in &posts[..7] {
        let fields = [("id", id.as_str()), ("send_token", "t"), ("version", "1")];
        let answer = app.post_form(path, "/marketing/campaigns", &fields, &theirs).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/api/campaigns/save", "/api/campaigns/send", "/api/campaigns/schedule"] {
        let signed_out = app
            .post_form(path, "/marketing/campaigns/new", &[("id", &id)], "")
            .await;
        assert_eq!(
            signed_out.location(),
            "/login?next=/marketing/campaigns/new&unsaved=1",
            "{path}"
        );
    }
});

both!(an_island_saves_in_place_and_is_told_what_happened, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let fields = form(&[("intent", "draft"), ("in_place", "true"), ("name", "")]);
    let body = crate::support::app::encoded(&fields);
    let answer = app
        .call(
            "/api/campaigns/save",
            "application/x-www-form-urlencoded",
            body,
            &cookie,
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.text.contains("Saved as draft at 10:00 am."), "{}", answer.text);
    assert!(answer.text.contains("Untitled campaign, 1 May 10:00 am"));
    assert!(!answer.headers.contains_key("location"));
    let body = r#"{"date":"2026-05-02","time":"09:00","fold":""}"#;
    let answer = app.call("/api/campaigns/when", "application/json", body, &cookie).await;
    assert!(
        answer.text.contains("Saturday 2 May 2026, 9:00 am in Sydney"),
        "{}",
        answer.text
    );
    let id = template(&app, "We Miss You").await;
    let answer = app
        .call(
            "/api/campaigns/template",
            "application/json",
            format!("{{\"id\":{id}}}"),
            &cookie,
        )
        .await;
    assert!(answer.text.contains("It has been a while"), "{}", answer.text);
});
