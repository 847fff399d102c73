//! The receipt of what changed between the number somebody was shown and the send; and what a
//! second person is told while a send is under way.

use axum::http::StatusCode;
use chrono::Duration;
use loupe::{
    context::actor::Role,
    on_db,
    recipients::{self, model::RecipientFilter},
    sends::{
        audience_snapshot,
        queries::Scheduled,
        rules::{StartCampaign, Started},
        scheduled::{start_scheduled, token},
    },
};

use crate::{
    both,
    support::{
        app::{TestApp, words},
        people,
        sending::{begun, deliver, draft, initiator, latest, midway, press},
    },
};

fn wedding() -> RecipientFilter {
    RecipientFilter::Tags(vec!["wedding".to_owned()])
}

/// Plans a kept campaign for tomorrow at nine by the form. Answers its page and the moment.
async fn plan(app: &TestApp, campaign: i64, cookie: &str) -> (String, chrono::DateTime<chrono::Utc>) {
    let id = campaign.to_string();
    let day = (app.now() + Duration::days(1)).with_timezone(&app.store.zone());
    let date = day.format("%Y-%m-%d").to_string();
    let fields = [
        ("id", id.as_str()),
        ("version", "1"),
        ("name", "Ring clean"),
        ("subject", "For you"),
        ("body", "Dear {{first_name}}."),
        ("fallback_first_name", "friend"),
        ("recipient_type", "tags"),
        ("tags[]", "wedding"),
        ("schedule_for_later", "true"),
        ("date", &date),
        ("time", "09:00"),
    ];
    let page = format!("/marketing/campaigns/{campaign}");
    let answer = app.post_form("/api/campaigns/schedule", &page, &fields, cookie).await;
    assert_eq!(answer.location(), format!("{page}?ok=scheduled"), "{}", answer.text);
    let at = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select scheduled_at from campaigns where id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
    .unwrap();
    (page, at)
}

/// Fires it as the scheduler does, and lets it go out.
async fn fire(app: &TestApp, campaign: i64, at: chrono::DateTime<chrono::Utc>) -> i64 {
    app.clock.set(at);
    let what = StartCampaign {
        campaign_id: campaign,
        version: None,
        token: token(campaign, at),
        skip_already: true,
        shown_count: None,
    };
    let planned = Scheduled {
        at,
        late_by: 0,
        late_why: None,
    };
    let started = start_scheduled(app.db(), &initiator(&app.state, &app.store), &what, &planned).await;
    let Ok(Some(Started::Sending { send_id })) = started else {
        panic!("{started:?}");
    };
    deliver(&app.state, &app.store, send_id).await;
    send_id
}

both!(a_planned_send_tells_who_joined_and_left_since_it_was_planned, |app| {
    let ids = people::crowd(app.db(), app.store.id, 5, &["wedding"], app.now()).await;
    let no_mail = people::one(app.db(), app.store.id, "Mara Late", None, &["wedding"], app.now()).await;
    let other = people::one(
        app.db(),
        app.store.id,
        "Otto Other",
        Some("otto@example.com"),
        &[],
        app.now(),
    )
    .await;
    let campaign = draft(app.db(), &app.store, "Ring clean", &wedding()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let (page, at) = plan(&app, campaign, &cookie).await;

    let later = app.now() + Duration::hours(1);
    people::change(
        app.db(),
        "update customers set email_consent = 'withdrawn' where id = $1",
        ids[0],
    )
    .await;
    people::change(app.db(), "delete from customer_tags where customer_id = $1", ids[1]).await;
    people::change(
        app.db(),
        "update customers set email = 'mara@example.com', email_norm = 'mara@example.com', email_valid = true where id = $1",
        no_mail,
    )
    .await;
    people::tag(app.db(), app.store.id, other, "wedding").await;
    people::one(
        app.db(),
        app.store.id,
        "Nora New",
        Some("nora@example.com"),
        &["wedding"],
        later,
    )
    .await;
    fire(&app, campaign, at).await;

    let reader = app.sign_in_as(Role::Accountant).await;
    let html = app.get(&page, &reader).await.text;
    let told = words(&html);
    assert!(told.contains("What changed since you looked"), "{told}");
    assert!(told.contains("You saw 5. It went to 6."), "{told}");
    assert!(told.contains("Counted when it was scheduled"), "{told}");
    for line in [
        "1 left: Unsubscribed See who Person 1",
        "1 left: No longer matches who it is for See who Person 2",
        "1 joined: New customer See who Nora New",
        "1 joined: Can be written to now See who Mara Late",
        "1 joined: Matches who it is for now See who Otto Other",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(html.contains(&format!("href=\"/customers/{other}\"")), "{html}");
    let list = words(&app.get("/marketing/campaigns", &reader).await.text);
    assert!(!list.contains("Audience changed"), "{list}");
    let log = audit_actions(&app, campaign).await;
    assert!(
        !log.contains(&"campaign.drifted".to_owned()),
        "one in five is no surprise: {log:?}"
    );
});

async fn audit_actions(app: &TestApp, campaign: i64) -> Vec<String> {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select action from audit_events where subject = 'campaign' and subject_id = $1 order by id"
    )
    .bind(campaign)
    .fetch_all(pool)
    .await)
    .unwrap()
}

both!(a_large_difference_at_the_planned_time_is_told_loudly, |app| {
    let ids = people::crowd(app.db(), app.store.id, 4, &["wedding"], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Ring clean", &wedding()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let (page, at) = plan(&app, campaign, &cookie).await;
    people::change(
        app.db(),
        "update customers set email_consent = 'withdrawn' where id = $1",
        ids[3],
    )
    .await;
    fire(&app, campaign, at).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let told = words(&app.get(&page, &cookie).await.text);
    assert!(told.contains("You saw 4. It went to 3."), "{told}");
    assert!(
        told.contains("“Ring clean” went to 3 customers, and 4 were shown when it was scheduled"),
        "{told}"
    );
    let list = words(&app.get("/marketing/campaigns", &cookie).await.text);
    assert!(list.contains("Audience changed"), "the list says so too: {list}");
    assert!(
        audit_actions(&app, campaign)
            .await
            .contains(&"campaign.drifted".to_owned())
    );
});

both!(a_send_by_hand_is_compared_with_what_the_question_showed, |app| {
    let ids = people::crowd(app.db(), app.store.id, 3, &["wedding"], app.now()).await;
    let cookie = app.sign_in_as(Role::Manager).await;
    let confirm = async |campaign: i64, token: &str| {
        let id = campaign.to_string();
        let fields = [
            ("id", id.as_str()),
            ("version", "1"),
            ("send_token", token),
            ("shown_count", "3"),
        ];
        let page = format!("/marketing/campaigns/{campaign}");
        app.post_form("/api/campaigns/confirm", &page, &fields, &cookie).await;
        let send = latest(app.db(), &app.store, campaign).await;
        deliver(&app.state, &app.store, send).await;
        words(&app.get(&page, &cookie).await.text)
    };
    let calm = draft(app.db(), &app.store, "Calm", &wedding()).await;
    let review = format!("/marketing/campaigns/{calm}/review?token=calm");
    assert_eq!(app.get(&review, &cookie).await.status, StatusCode::OK);
    let told = confirm(calm, "calm").await;
    assert!(
        told.contains("You saw 3 and it went to these 3: nobody joined or left."),
        "{told}"
    );

    let moved = draft(app.db(), &app.store, "Moved", &wedding()).await;
    app.get(&format!("/marketing/campaigns/{moved}/review?token=moved"), &cookie)
        .await;
    people::change(
        app.db(),
        "update customers set archived_at = created_at where id = $1",
        ids[2],
    )
    .await;
    let told = confirm(moved, "moved").await;
    assert!(told.contains("You saw 3. It went to 2."), "{told}");
    assert!(told.contains("1 left: Archived See who Person 3"), "{told}");
    assert!(told.contains("Counted when Send now was pressed"), "{told}");

    // Without the question only the number on the page is known.
    let unseen = draft(app.db(), &app.store, "Unseen", &wedding()).await;
    let told = confirm(unseen, "unseen").await;
    assert!(told.contains("You saw 3. It went to 2."), "{told}");
    assert!(told.contains("Only the number was kept, not the names."), "{told}");
});

both!(
    the_dialog_keeps_what_it_showed_and_the_plan_counts_for_who_sends_by_hand,
    |app| {
        people::crowd(app.db(), app.store.id, 3, &["wedding"], app.now()).await;
        let cookie = app.sign_in_as(Role::Owner).await;
        let fields = [
            ("subject", "For you"),
            ("body", "Come and see."),
            ("name", "Ring clean"),
            ("recipient_type", "tags"),
            ("tags[]", "wedding"),
            ("shown_count", "9"),
            ("send_token", "dialog"),
            ("sending", "true"),
            ("kind", "campaign"),
        ];
        app.post_form("/api/campaigns/preflight", "/marketing/campaigns/new", &fields, &cookie)
            .await;
        let number = async |token: &str| audience_snapshot::number(app.db(), app.store.id, token).await.unwrap();
        assert_eq!(number("dialog").await, Some(3));
        assert_eq!(number("another").await, None);
        // Of too many only the number is kept.
        let scope = recipients::rules::scope(&app.store, app.now(), None);
        let members = async |most| {
            recipients::queries::members(app.db(), &scope, &wedding(), most)
                .await
                .unwrap()
        };
        assert_eq!(members(2).await, None);
        assert_eq!(members(3).await.unwrap().getting.len(), 3);

        let campaign = draft(app.db(), &app.store, "Ring clean", &wedding()).await;
        let (page, _) = plan(&app, campaign, &cookie).await;
        let id = campaign.to_string();
        let fields = [("id", id.as_str()), ("version", "2"), ("send_token", "by-hand")];
        app.post_form("/api/campaigns/confirm", &page, &fields, &cookie).await;
        assert_eq!(number("by-hand").await, Some(3));

        assert_eq!(
            audience_snapshot::forget_old(app.db(), app.now() + Duration::days(300))
                .await
                .unwrap(),
            0
        );
        let old = app.now() + Duration::days(500);
        assert_eq!(audience_snapshot::forget_old(app.db(), old).await.unwrap(), 3);
    }
);

both!(whoever_comes_second_is_told_who_sends_and_how_far_it_is, |app| {
    people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    midway(app.db(), send, 2).await;
    let cookie = app.sign_in_as(Role::Manager).await;
    let line = "Priya is already sending this — 2 of 5.";
    let page = format!("/marketing/campaigns/{campaign}");
    for guarded in [format!("{page}/edit"), format!("{page}/review")] {
        let guard = app.get(&guarded, &cookie).await;
        assert_eq!(guard.status, StatusCode::OK);
        let told = words(&guard.text);
        assert!(
            told.contains("Cannot edit a sent or sending campaign") && told.contains(line),
            "{told}"
        );
    }
    let id = campaign.to_string();
    let fields = [
        ("id", id.as_str()),
        ("version", "1"),
        ("name", "Autumn"),
        ("intent", "draft"),
    ];
    let written = app.post_form("/api/campaigns/save", &page, &fields, &cookie).await;
    assert_eq!(written.status, StatusCode::CONFLICT);
    assert!(words(&written.text).contains(line), "{}", written.text);
    deliver(&app.state, &app.store, send).await;
    let guard = words(&app.get(&format!("{page}/edit"), &cookie).await.text);
    assert!(
        guard.contains("Cannot edit a sent") && !guard.contains("already sending"),
        "{guard}"
    );
});
