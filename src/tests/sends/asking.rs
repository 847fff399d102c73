//! What was asked about is what is sent: what somebody else wrote meanwhile is asked about anew,
//! and so is what would go out in the quiet hours when nobody has said so.

use axum::http::StatusCode;
use chrono::Duration;
use loupe::{
    context::actor::Role,
    error::AppError,
    on_db,
    recipients::model::RecipientFilter,
    sends::{
        queries::{self as sends, SendRecord},
        rules::{StartCampaign, start_campaign_as},
    },
};

use crate::{
    both,
    campaigns::id_in,
    support::{
        app::{Answer, TestApp, borrowed, fields_of, words},
        people,
        planning::{planned, run_until, sends_of},
        sending::{begun, deliver, draft, initiator, latest, midway, press, status, tally},
    },
};

const CONFIRM: &str = "/api/campaigns/confirm";
const CONFIRM_BULK: &str = "/api/bulk-email/confirm";
const CHANGED: &str = "It was changed since you looked. This is what goes out now.";
pub const ASLEEP: &str = "customers may be asleep";

/// Presses the button of a form as the page held it when it was loaded.
pub async fn press_on(app: &TestApp, page: &Answer, action: &str, cookie: &str) -> Answer {
    let fields = fields_of(&page.text, action);
    app.post_form(action, "/marketing/campaigns", &borrowed(&fields), cookie)
        .await
}

/// Somebody else writes another text to everybody into the campaign they opened at this version.
async fn write_over(app: &TestApp, campaign: i64, version: &str) {
    let id = campaign.to_string();
    let fields = [
        ("id", id.as_str()),
        ("version", version),
        ("name", "Autumn"),
        ("subject", "To everybody"),
        ("body", "Come and see."),
        ("recipient_type", "all"),
        ("intent", "draft"),
    ];
    let manager = app.sign_in_as(Role::Manager).await;
    let page = format!("/marketing/campaigns/{campaign}");
    let saved = app.post_form("/api/campaigns/save", &page, &fields, &manager).await;
    assert_eq!(saved.location(), format!("{page}/edit?ok=saved"));
}

/// Three who have the tag wedding, and two who have not.
async fn five(app: &TestApp) {
    people::crowd(app.db(), app.store.id, 3, &["wedding"], app.now()).await;
    for (name, email) in [("Otto Other", "otto@example.com"), ("Nora New", "nora@example.com")] {
        people::one(app.db(), app.store.id, name, Some(email), &[], app.now()).await;
    }
}

fn wedding() -> RecipientFilter {
    RecipientFilter::Tags(vec!["wedding".to_owned()])
}

async fn found(app: &TestApp, send: i64) -> SendRecord {
    sends::find(app.db(), app.store.id, send).await.unwrap().unwrap()
}

pub async fn sends(app: &TestApp) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from sends")
        .fetch_one(pool)
        .await)
    .unwrap()
}

/// From eight in the evening at the store.
pub fn go_to_the_evening(app: &TestApp) {
    app.clock.set(app.now() + Duration::hours(11));
}

both!(what_somebody_else_wrote_since_the_question_is_not_sent, |app| {
    five(&app).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &wedding()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = format!("/marketing/campaigns/{campaign}");
    let asked = app.get(&format!("{page}/review?token=one"), &cookie).await;
    assert!(words(&asked.text).contains("Send to 3 customers now?"));
    write_over(&app, campaign, "1").await;

    let answer = press_on(&app, &asked, CONFIRM, &cookie).await;
    assert_eq!(
        answer.location(),
        format!("{page}/review?token=one&reached=left_out&changed=1")
    );
    assert_eq!(
        (status(app.db(), campaign).await.as_str(), sends(&app).await),
        ("draft", 0)
    );
    let asked = app.get(answer.location(), &cookie).await;
    let told = words(&asked.text);
    for line in [CHANGED, "Send to 5 customers now?", "To everybody"] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let answer = press_on(&app, &asked, CONFIRM, &cookie).await;
    assert_eq!(answer.location(), format!("{page}?ok=sending"));
    let send = latest(app.db(), &app.store, campaign).await;
    assert_eq!(tally(app.db(), &app.store, send).await.waiting, 5);
    // Pressed once more, it is the same send.
    let answer = press_on(&app, &asked, CONFIRM, &cookie).await;
    assert_eq!(answer.location(), format!("{page}?ok=already"));
});

both!(the_claim_itself_takes_the_version_that_was_shown, |app| {
    five(&app).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &wedding()).await;
    let what = |version| StartCampaign {
        campaign_id: campaign,
        version: Some(version),
        token: "one".to_owned(),
        skip_already: true,
        shown_count: None,
    };
    let initiator = initiator(&app.state, &app.store);
    write_over(&app, campaign, "1").await;
    let refused = start_campaign_as(app.db(), &initiator, &what(1)).await;
    assert_eq!(refused, Err(AppError::Conflict));
    assert_eq!(
        (status(app.db(), campaign).await.as_str(), sends(&app).await),
        ("draft", 0)
    );
    begun(start_campaign_as(app.db(), &initiator, &what(2)).await.unwrap());
});

both!(what_another_window_wrote_since_the_question_is_not_sent, |app| {
    five(&app).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let save = async |subject: &str, token: &str| {
        let fields = [
            ("subject", subject),
            ("body", "Come and see."),
            ("recipient_type", "all"),
            ("shown_count", "99"),
            ("send_token", token),
        ];
        let path = "/marketing/bulk-email";
        app.post_form("/api/bulk-email/send", path, &fields, &cookie).await
    };
    let answer = save("First", "one").await;
    let first = app.get(answer.location(), &cookie).await;
    assert!(words(&first.text).contains("Send to 5 customers now?"));
    let answer = save("Second", "two").await;
    let second = app.get(answer.location(), &cookie).await;

    let answer = press_on(&app, &first, CONFIRM_BULK, &cookie).await;
    assert_eq!(answer.location(), "/marketing/bulk-email/review?token=one&changed=1");
    assert_eq!(sends(&app).await, 0);
    let told = words(&app.get(answer.location(), &cookie).await.text);
    assert!(told.contains(CHANGED) && told.contains("Second"), "{told}");
    // The window that was the last to write shows what it wrote.
    let answer = press_on(&app, &second, CONFIRM_BULK, &cookie).await;
    assert!(answer.location().ends_with("?ok=sending"), "{}", answer.location());
    assert_eq!(found(&app, id_in(answer.location())).await.subject, "Second");
});

both!(what_the_page_of_a_campaign_shows_is_what_its_button_sends, |app| {
    five(&app).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let stopped = draft(app.db(), &app.store, "Autumn", &wedding()).await;
    let first = begun(press(&app.state, &app.store, stopped).await);
    midway(app.db(), first, 1).await;
    let (page, id) = (format!("/marketing/campaigns/{stopped}"), first.to_string());
    app.post_form("/api/sends/stop", &page, &[("send_id", &id)], &cookie)
        .await;
    let shown = app.get(&page, &cookie).await;
    write_over(&app, stopped, "3").await;
    let answer = press_on(&app, &shown, "/api/campaigns/send-rest", &cookie).await;
    assert!(answer.location().ends_with("&changed=1"), "{}", answer.location());

    let late = app.now() - Duration::hours(2);
    let overdue = planned(app.db(), &app.store, "Autumn", &wedding(), late).await;
    run_until(&app.state, overdue, |row| row.hold.is_some()).await;
    let shown = app.get(&format!("/marketing/campaigns/{overdue}"), &cookie).await;
    write_over(&app, overdue, "1").await;
    let answer = press_on(&app, &shown, CONFIRM, &cookie).await;
    assert!(answer.location().ends_with("&changed=1"), "{}", answer.location());
    assert_eq!(sends(&app).await, 1, "nothing but what was stopped");
});

both!(in_the_quiet_hours_the_page_of_a_campaign_asks_before_it_sends, |app| {
    people::crowd(app.db(), app.store.id, 4, &[], app.now()).await;
    go_to_the_evening(&app);
    let cookie = app.sign_in_as(Role::Owner).await;
    let stopped = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let first = begun(press(&app.state, &app.store, stopped).await);
    midway(app.db(), first, 1).await;
    let (page, id) = (format!("/marketing/campaigns/{stopped}"), first.to_string());
    app.post_form("/api/sends/stop", &page, &[("send_id", &id)], &cookie)
        .await;
    let late = app.now() - Duration::hours(2);
    let overdue = planned(app.db(), &app.store, "Winter", &RecipientFilter::All, late).await;
    run_until(&app.state, overdue, |row| row.hold.is_some()).await;

    for (campaign, action, people) in [(stopped, "/api/campaigns/send-rest", 3), (overdue, CONFIRM, 4)] {
        let page = format!("/marketing/campaigns/{campaign}");
        let before = sends(&app).await;
        let answer = app.press(&page, action, &cookie).await;
        let review = answer.location();
        assert!(review.starts_with(&format!("{page}/review?token=")), "{review}");
        assert_eq!(sends(&app).await, before, "{action} asks first");
        let asked = app.get(review, &cookie).await;
        let told = words(&asked.text);
        assert!(told.contains(ASLEEP) && !told.contains(CHANGED), "{told}");
        let answer = press_on(&app, &asked, CONFIRM, &cookie).await;
        assert_eq!(answer.location(), format!("{page}?ok=sending"));
        let send = sends_of(app.db(), &app.store, campaign).await.remove(0).id;
        assert_eq!(tally(app.db(), &app.store, send).await.waiting, people);
    }
});

both!(a_question_from_the_day_is_asked_again_in_the_evening, |app| {
    people::crowd(app.db(), app.store.id, 2, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let fields = [
        ("subject", "For you"),
        ("body", "Come and see."),
        ("recipient_type", "all"),
        ("send_token", "one"),
    ];
    app.post_form("/api/bulk-email/save", "/marketing/bulk-email", &fields, &cookie)
        .await;
    let of_campaign = format!("/marketing/campaigns/{campaign}/review?token=one");
    for (review, action) in [
        (of_campaign.as_str(), CONFIRM),
        ("/marketing/bulk-email/review?token=two", CONFIRM_BULK),
    ] {
        let morning = app.now();
        let asked = app.get(review, &cookie).await;
        assert!(!words(&asked.text).contains(ASLEEP));
        go_to_the_evening(&app);
        let cookie = app.sign_in_as(Role::Owner).await;
        let answer = press_on(&app, &asked, action, &cookie).await;
        assert!(answer.location().starts_with(review), "{}", answer.location());
        let asked = app.get(answer.location(), &cookie).await;
        assert!(words(&asked.text).contains(ASLEEP), "{}", asked.text);
        let answer = press_on(&app, &asked, action, &cookie).await;
        assert!(answer.location().ends_with("?ok=sending"), "{}", answer.location());
        app.clock.set(morning);
    }
});

both!(a_correction_says_that_customers_may_be_asleep_before_it_goes, |app| {
    people::crowd(app.db(), app.store.id, 2, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let first = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, first).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let path = format!("/sends/{first}/correction");
    let by_day = app.get(&path, &cookie).await;
    assert!(!by_day.text.contains(ASLEEP));
    go_to_the_evening(&app);
    let cookie = app.sign_in_as(Role::Owner).await;
    let send = async |page: &Answer| {
        let mut fields = fields_of(&page.text, &path);
        fields.retain(|(name, _)| name != "subject");
        let typed = [("subject", "Correction: at 6 pm"), ("body", "We open at 6.")];
        let fields = [borrowed(&fields).as_slice(), &typed].concat();
        app.post_form(&path, &path, &fields, &cookie).await
    };
    let asked = send(&by_day).await;
    assert_eq!((asked.status, sends(&app).await), (StatusCode::UNPROCESSABLE_ENTITY, 1));
    for part in [ASLEEP, "Correction: at 6 pm", "We open at 6."] {
        assert!(asked.text.contains(part), "{part}: {}", asked.text);
    }
    let sent = send(&asked).await;
    assert!(
        sent.location().ends_with("?ok=sending"),
        "{} {}",
        sent.status,
        sent.text
    );
});
