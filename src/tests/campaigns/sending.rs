//! Pressing Send: at one press, or after a question; and what is offered when it went out in part.

use axum::http::StatusCode;
use loupe::{
    campaigns::{list::ListQuery, model::CampaignStatus, queries},
    context::actor::Role,
    on_db,
    sends::{self, model::SendState},
};

use super::{count, crowd, find, id_in, submit, unschedule};
use crate::{
    both,
    support::{
        people,
        sending::{begun, press},
    },
};

both!(a_small_send_goes_at_one_press_and_a_second_press_sends_nothing, |app| {
    crowd(&app, 3).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let first = submit(&app, &cookie, "send_now", &[]).await;
    let id = id_in(first.location());
    assert_eq!(first.location(), format!("/marketing/campaigns/{id}?ok=sending"));
    assert_eq!(find(&app, id).await.status, CampaignStatus::Sending);
    // The same form again: as a new campaign, and as the kept one.
    let again = submit(&app, &cookie, "send_now", &[]).await;
    assert_eq!(again.location(), format!("/marketing/campaigns/{id}?ok=already"));
    let text = id.to_string();
    let again = submit(&app, &cookie, "send_now", &[("id", &text), ("version", "1")]).await;
    assert_eq!(again.location(), format!("/marketing/campaigns/{id}?ok=already"));
    assert_eq!(count(&app, "select count(*) from sends").await, 1);
    assert_eq!(count(&app, "select count(*) from campaigns").await, 1);
    assert_eq!(count(&app, "select count(*) from messages").await, 3);
    // Another window presses with a form of its own.
    let other = submit(
        &app,
        &cookie,
        "send_now",
        &[("id", &text), ("version", "1"), ("send_token", "token-2")],
    )
    .await;
    assert_eq!(other.location(), format!("/marketing/campaigns/{id}"), "{}", other.text);
    assert_eq!(count(&app, "select count(*) from sends").await, 1);
});

both!(
    two_presses_at_once_of_a_new_form_make_one_campaign_and_one_send,
    |app| {
        crowd(&app, 2).await;
        let cookie = app.sign_in_as(Role::Owner).await;
        let (a, b) = tokio::join!(
            submit(&app, &cookie, "send_now", &[]),
            submit(&app, &cookie, "send_now", &[])
        );
        for answer in [&a, &b] {
            assert!(
                answer.status == StatusCode::SEE_OTHER || answer.status == StatusCode::CONFLICT,
                "{} {}",
                answer.status,
                answer.text
            );
        }
        assert_eq!(count(&app, "select count(*) from sends").await, 1);
        assert_eq!(count(&app, "select count(*) from campaigns").await, 1);
        assert_eq!(count(&app, "select count(*) from messages").await, 2);
    }
);

both!(a_large_send_asks_first, |app| {
    crowd(&app, 120).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = submit(&app, &cookie, "send_now", &[("shown_count", "120")]).await;
    let id = id_in(answer.location());
    assert_eq!(
        answer.location(),
        format!("/marketing/campaigns/{id}/review?token=token-1")
    );
    assert_eq!(find(&app, id).await.status, CampaignStatus::Draft);
    let page = app.get(answer.location(), &cookie).await;
    for words in [
        "Send to 120 customers now?",
        "role=\"dialog\"",
        "Tags: wedding: 120 of 120",
        "stay in the outbox",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let text = id.to_string();
    let fields = [
        ("id", text.as_str()),
        ("version", "1"),
        ("send_token", "token-1"),
        ("shown_count", "120"),
    ];
    let sent = app
        .post_form("/api/campaigns/confirm", answer.location(), &fields, &cookie)
        .await;
    assert_eq!(
        sent.location(),
        format!("/marketing/campaigns/{id}?ok=sending"),
        "{}",
        sent.text
    );
    let again = app
        .post_form("/api/campaigns/confirm", answer.location(), &fields, &cookie)
        .await;
    assert_eq!(again.location(), format!("/marketing/campaigns/{id}?ok=already"));
    assert_eq!(count(&app, "select count(*) from sends").await, 1);
});

both!(another_number_than_was_shown_asks_first, |app| {
    crowd(&app, 9).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = submit(&app, &cookie, "send_now", &[("shown_count", "12")]).await;
    assert!(answer.location().contains("/review"), "{}", answer.location());
    let page = app.get(answer.location(), &cookie).await;
    assert!(page.text.contains("You saw 12. It goes to 9 now."), "{}", page.text);
    let near = submit(
        &app,
        &cookie,
        "send_now",
        &[("shown_count", "8"), ("send_token", "token-2")],
    )
    .await;
    assert!(near.location().ends_with("?ok=sending"), "{}", near.location());
});

both!(a_field_that_many_lack_and_nothing_stands_in_for_asks_first, |app| {
    crowd(&app, 3).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let more = [("body", "Your day is {{next_anniversary}}.")];
    let answer = submit(&app, &cookie, "send_now", &more).await;
    let page = app.get(answer.location(), &cookie).await;
    assert!(page.text.contains("3 customers have no anniversary"), "{}", page.text);
    let more = [
        ("body", "Your day is {{next_anniversary}}."),
        ("fallback_next_anniversary", "soon"),
        ("send_token", "t2"),
    ];
    let answer = submit(&app, &cookie, "send_now", &more).await;
    assert!(answer.location().ends_with("?ok=sending"), "{}", answer.location());
});

both!(nobody_to_send_to_is_a_draft_again_with_the_cause, |app| {
    people::one(app.db(), app.store.id, "No Mail", None, &["pearls"], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = submit(&app, &cookie, "send_now", &[("tags[]", "pearls")]).await;
    let id = id_in(answer.location());
    assert_eq!(answer.location(), format!("/marketing/campaigns/{id}/edit"));
    let campaign = find(&app, id).await;
    assert_eq!(
        (campaign.status, campaign.problem.as_deref()),
        (CampaignStatus::Draft, Some("no_recipients"))
    );
    let page = app.get(answer.location(), &cookie).await;
    for words in [
        "No recipients found for this campaign",
        "1 customer with the tag pearls.",
        "None of the 1 customer can be emailed: 1 No email address.",
        "No Mail",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert_eq!(count(&app, "select count(*) from sends").await, 0);
    assert_eq!(count(&app, "select count(*) from messages").await, 0);
});

both!(a_campaign_that_went_out_is_a_record, |app| {
    crowd(&app, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = id_in(submit(&app, &cookie, "draft", &[]).await.location());
    begun(press(&app.state, &app.store, id).await);
    let guard = app.get(&format!("/marketing/campaigns/{id}/edit"), &cookie).await;
    assert_eq!(guard.status, StatusCode::OK);
    for words in ["Cannot edit a sent or sending campaign", "Duplicate", "View results"] {
        assert!(guard.text.contains(words), "{words}");
    }
    let text = id.to_string();
    for intent in ["draft", "schedule", "use_template", "refresh_count", "find_customer"] {
        let more = [("id", text.as_str()), ("version", "1"), ("send_token", "another")];
        let answer = submit(&app, &cookie, intent, &more).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{intent}");
        assert!(
            answer.text.contains("Cannot edit a sent or sending campaign"),
            "{intent}"
        );
    }
    let answer = unschedule(&app, &cookie, id).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(count(&app, "select count(*) from campaigns").await, 1);
    // Words that could not go into the record are not lost.
    let more = [
        ("id", text.as_str()),
        ("version", "1"),
        ("subject", "Rewritten"),
        ("send_token", "another"),
    ];
    let answer = submit(&app, &cookie, "draft", &more).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let (cards, _) = queries::list(app.db(), app.store.id, &ListQuery::default(), app.now())
        .await
        .unwrap();
    assert!(
        cards
            .iter()
            .any(|c| c.name == "Mother's Day (your changes)" && c.subject == "Rewritten"),
        "{cards:?}"
    );
    assert_eq!(find(&app, id).await.subject, "A quiet hour, {{first_name}}");
});

both!(after_a_send_that_stopped_the_rest_is_offered, |app| {
    crowd(&app, 5).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = id_in(submit(&app, &cookie, "draft", &[]).await.location());
    let send = begun(press(&app.state, &app.store, id).await);
    people::change(
        app.db(),
        "update messages set state = 'accepted', next_at = null, settled_at = created_at
          where send_id = $1 and id in (select id from messages order by id limit 2)",
        send,
    )
    .await;
    people::change(
        app.db(),
        "update messages set state = 'cancelled', next_at = null, settled_at = created_at where send_id = $1 and state = 'queued'",
        send,
    )
    .await;
    people::change(app.db(), "update sends set state = 'reverted' where id = $1", send).await;
    people::change(
        app.db(),
        "update campaigns set status = 'draft', problem = 'The email provider refused our connection.' where id = $1",
        id,
    )
    .await;
    let page = app.get(&format!("/marketing/campaigns/{id}/edit"), &cookie).await;
    for words in [
        "Sending stopped after 2 customers.",
        "The email provider refused our connection.",
        "Skip the 2 who already got it",
        "Send to the remaining 3",
        "Already got this campaign",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let version = find(&app, id).await.version.to_string();
    let text = id.to_string();
    // Unticked on purpose: everybody again.
    let more = [
        ("id", text.as_str()),
        ("version", &version),
        ("asks_skip_already", "true"),
        ("send_token", "again"),
    ];
    submit(&app, &cookie, "refresh_count", &more).await;
    assert!(!find(&app, id).await.skip_already);
    let page = app.get(&format!("/marketing/campaigns/{id}/edit"), &cookie).await;
    assert!(page.text.contains("This will go to 5 customers"), "{}", page.text);
    let version = find(&app, id).await.version.to_string();
    let more = [
        ("id", text.as_str()),
        ("version", &version),
        ("asks_skip_already", "true"),
        ("skip_already", "true"),
        ("send_token", "again"),
    ];
    let answer = submit(&app, &cookie, "send_now", &more).await;
    assert!(answer.location().ends_with("?ok=sending"), "{}", answer.location());
    let second = sends::queries::latest_of_campaign(app.db(), app.store.id, id)
        .await
        .unwrap()
        .unwrap();
    assert_ne!((second.id, second.state), (send, SendState::Cancelled));
    let queued = on_db!(app.db(), |pool| sqlx::query_scalar::<_, i64>(
        "select count(*) from messages where send_id = $1 and state = 'queued'"
    )
    .bind(second.id)
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(queued, 3);
});
