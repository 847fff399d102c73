//! Looking at a form before it goes: the checks beside it, and the question that some sends ask
//! first. The page, the review and the browser's code are told the same.

use axum::http::StatusCode;
use loupe::{
    campaigns::{
        model::CampaignStatus,
        preflight::model::{CheckStatus, PreflightView},
    },
    context::actor::Role,
    on_db,
};

use crate::{
    both,
    campaigns::{find, form, id_in, submit},
    support::{
        app::{TestApp, encoded},
        people,
        sending::deliver,
    },
};

/// Looks at the form as it stands, about to press `intent`.
async fn look(app: &TestApp, cookie: &str, intent: &str, more: &[(&str, &str)]) -> PreflightView {
    let mut fields = form(more);
    let sending = if intent == "send_now" { "true" } else { "" };
    fields.push(("sending", sending));
    let kind = "application/x-www-form-urlencoded";
    let answer = app
        .call("/api/campaigns/preflight", kind, encoded(&fields), cookie)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    serde_json::from_str(&answer.text).unwrap()
}

fn words(view: &PreflightView, status: CheckStatus) -> Vec<&str> {
    let of_it = view.checks.iter().filter(|check| check.status == status);
    of_it.map(|check| check.words.as_str()).collect()
}

async fn crowd(app: &TestApp, n: usize) {
    people::crowd(app.db(), app.store.id, n, &["wedding"], app.now()).await;
}

both!(
    a_look_keeps_nothing_and_says_what_the_page_of_the_saved_form_says,
    |app| {
        crowd(&app, 3).await;
        let cookie = app.sign_in_as(Role::Manager).await;
        let more = [
            ("name", ""),
            ("subject", "SALE TODAY"),
            ("body", "Your day is {{next_anniversary}}."),
        ];
        let view = look(&app, &cookie, "", &more).await;
        assert_eq!(words(&view, CheckStatus::Fix), ["Enter a name"]);
        assert_eq!(
            words(&view, CheckStatus::Review),
            [
                "3 customers have no anniversary: they'll read nothing there",
                "The subject is all in capitals"
            ]
        );
        let kept: i64 = on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from campaigns")
            .fetch_one(pool)
            .await)
        .unwrap();
        assert_eq!(kept, 0);
        let saved = submit(&app, &cookie, "refresh_count", &more).await;
        let page = app.get(saved.location(), &cookie).await;
        for check in &view.checks {
            let words = check.words.replace('\'', "&#x27;");
            assert!(
                page.text.contains(&check.words) || page.text.contains(&words),
                "{}: {}",
                check.words,
                page.text
            );
        }
    }
);

both!(the_dialog_asks_what_the_page_asks_and_its_button_sends, |app| {
    crowd(&app, 120).await;
    people::one(app.db(), app.store.id, "No Mail", None, &["wedding"], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let shown = [("shown_count", "118")];
    let question = look(&app, &cookie, "send_now", &shown).await.question.unwrap();
    assert_eq!(question.title, "Send to 120 customers now?");
    assert_eq!(question.button, "Send to 120 customers");
    assert_eq!(question.goes_to, "Tags: wedding: 120 of 121 (1 skipped)");
    assert_eq!(question.warnings, ["You saw 118. It goes to 120 now."]);
    assert_eq!(look(&app, &cookie, "", &shown).await.question, None);
    let asked = submit(&app, &cookie, "send_now", &shown).await;
    let page = app.get(asked.location(), &cookie).await;
    for words in [
        &question.title,
        &question.button,
        &question.goes_to,
        &question.warnings[0],
    ] {
        assert!(page.text.contains(words.as_str()), "{words}: {}", page.text);
    }
    let confirmed = [("shown_count", "120"), ("send_token", "token-2")];
    let sent = submit(&app, &cookie, "send_confirmed", &confirmed).await;
    let id = id_in(sent.location());
    assert_eq!(sent.location(), format!("/marketing/campaigns/{id}?ok=sending"));
    assert_eq!(find(&app, id).await.status, CampaignStatus::Sending);
    let again = submit(&app, &cookie, "send_confirmed", &confirmed).await;
    assert_eq!(again.location(), format!("/marketing/campaigns/{id}?ok=already"));
});

both!(a_confirmed_send_is_still_refused_what_must_be_mended, |app| {
    crowd(&app, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let more = [("subject", "")];
    assert_eq!(look(&app, &cookie, "send_now", &more).await.question, None);
    let answer = submit(&app, &cookie, "send_confirmed", &more).await;
    assert!(
        answer.location().ends_with("/edit?check=send_now"),
        "{}",
        answer.location()
    );
    assert_eq!(find(&app, id_in(answer.location())).await.status, CampaignStatus::Draft);
});

both!(the_same_message_to_the_same_people_within_a_day_asks_first, |app| {
    crowd(&app, 3).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    assert_eq!(look(&app, &cookie, "send_now", &[]).await.question, None);
    let first = submit(&app, &cookie, "send_now", &[]).await;
    let campaign = id_in(first.location());
    let again = [("send_token", "token-2"), ("name", "The same once more")];
    let under_way = look(&app, &cookie, "send_now", &again).await.question.unwrap();
    assert_eq!(
        under_way.warnings,
        ["3 of these customers were sent this same message just now"]
    );
    let send: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select id from sends where campaign_id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
    .unwrap();
    app.clock.set(app.now() + chrono::Duration::seconds(11));
    deliver(&app.state, &app.store, send).await;
    people::one(
        app.db(),
        app.store.id,
        "New Comer",
        Some("new@example.com"),
        &["wedding"],
        app.now(),
    )
    .await;
    let question = look(&app, &cookie, "send_now", &again).await.question.unwrap();
    assert_eq!(question.warnings, under_way.warnings);
    let asked = submit(&app, &cookie, "send_now", &again).await;
    assert!(asked.location().contains("/review?"), "{}", asked.location());
    let other = [("send_token", "token-3"), ("subject", "Something else")];
    assert_eq!(look(&app, &cookie, "send_now", &other).await.question, None);
});
