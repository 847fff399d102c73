//! What is shown of campaigns: the page, the preview, the list, the log.

use axum::http::StatusCode;
use loupe::{
    campaigns::{list::ListQuery, model::CampaignStatus, queries},
    context::actor::Role,
    on_db, sends,
};

use super::{count, crowd, find, id_in, submit};
use crate::{
    both,
    support::{
        people,
        sending::{begun, press},
    },
};

both!(the_page_shows_the_exact_parts_and_three_people, |app| {
    crowd(&app, 4).await;
    people::one(app.db(), app.store.id, "Nora Nomail", None, &["wedding"], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = submit(&app, &cookie, "refresh_count", &[]).await;
    assert!(
        answer.location().ends_with("/edit?ok=counted#who"),
        "{}",
        answer.location()
    );
    let id = id_in(answer.location());
    let page = app.get(&format!("/marketing/campaigns/{id}/edit"), &cookie).await;
    for words in [
        "This will go to 4 customers",
        "1 will be skipped",
        "No email address",
        "Nora Nomail",
        "Typical: ",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(page.text.contains("name=\"shown_count\" value=\"4\""), "{}", page.text);
});

both!(the_preview_has_a_policy_of_its_own_and_shows_one_persons_words, |app| {
    let amara = people::one(
        app.db(),
        app.store.id,
        "Amara Okafor",
        Some("amara@example.com"),
        &["wedding"],
        app.now(),
    )
    .await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = submit(&app, &cookie, "draft", &[("body", "Dear {{first_name}}, <b>x</b>")]).await;
    let id = id_in(answer.location());
    let page = app
        .get(&format!("/marketing/campaigns/{id}/preview?as={amara}"), &cookie)
        .await;
    assert!(
        page.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("sandbox;")
    );
    assert!(page.text.contains("Dear Amara, &lt;b&gt;x&lt;/b&gt;"), "{}", page.text);
    let (other, staff) = app.another_store().await;
    let stranger = people::one(
        app.db(),
        other.id,
        "Zoe Zenith",
        Some("zoe@example.com"),
        &[],
        app.now(),
    )
    .await;
    let page = app
        .get(&format!("/marketing/campaigns/{id}/preview?as={stranger}"), &cookie)
        .await;
    assert!(
        page.text.contains("Dear friend,") && !page.text.contains("Zoe"),
        "{}",
        page.text
    );
    let theirs = app.session_of(staff[&Role::Owner]).await;
    let page = app
        .get(&format!("/marketing/campaigns/{id}/preview?as={amara}"), &theirs)
        .await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
});

both!(the_list_finds_filters_and_puts_the_newest_first, |app| {
    crowd(&app, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let first = id_in(
        submit(
            &app,
            &cookie,
            "draft",
            &[("name", "Été à 100% Sydney"), ("send_token", "a")],
        )
        .await
        .location(),
    );
    app.clock.set(app.now() + chrono::Duration::minutes(5));
    let second = id_in(
        submit(&app, &cookie, "draft", &[("name", "Autumn"), ("send_token", "b")])
            .await
            .location(),
    );
    let list = async |query: ListQuery| queries::list(app.db(), app.store.id, &query, app.now()).await.unwrap();
    let read = |q: &str, status: &str, from: &str| ListQuery::read(q, status, from, "", "1", app.store.zone());
    let (cards, total) = list(ListQuery::default()).await;
    assert_eq!(
        (cards.iter().map(|c| c.id).collect::<Vec<_>>(), total),
        (vec![second, first], 2)
    );
    assert_eq!(cards[0].audience, "Tags: wedding");
    begun(press(&app.state, &app.store, first).await);
    app.clock.set(app.now() + chrono::Duration::minutes(5));
    let (cards, _) = list(ListQuery::default()).await;
    assert_eq!(
        (cards[0].id, cards[0].status),
        (first, CampaignStatus::Sending),
        "what is being sent stands on top"
    );
    assert_eq!(cards[0].customers, Some(2));
    for (query, expected) in [
        (read("ÉTÉ", "", ""), vec![first]),
        (read("100%", "", ""), vec![first]),
        (read("0_", "", ""), vec![]),
        (read("quiet hour", "draft", ""), vec![second]),
        (read("", "sending", ""), vec![first]),
        (read("", "", "2026-05-01"), vec![]),
    ] {
        let (cards, total) = list(query.clone()).await;
        assert_eq!(cards.iter().map(|c| c.id).collect::<Vec<_>>(), expected, "{query:?}");
        assert_eq!(total, i64::try_from(expected.len()).unwrap());
    }
    let (other, _) = app.another_store().await;
    assert_eq!(
        queries::list(app.db(), other.id, &ListQuery::default(), app.now())
            .await
            .unwrap()
            .1,
        0
    );
});

both!(deleting_keeps_what_customers_received, |app| {
    crowd(&app, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = id_in(submit(&app, &cookie, "draft", &[]).await.location());
    let send = begun(press(&app.state, &app.store, id).await);
    let text = id.to_string();
    let fields = [("id", text.as_str())];
    let delete = || app.post_form("/api/campaigns/delete", "/marketing/campaigns", &fields, &cookie);
    let refused = delete().await;
    assert_eq!(refused.location(), format!("/marketing/campaigns/{id}"));
    assert_eq!(find(&app, id).await.status, CampaignStatus::Sending);
    people::change(app.db(), "update campaigns set status = 'sent' where id = $1", id).await;
    let gone = delete().await;
    assert_eq!(gone.location(), "/marketing/campaigns?ok=deleted", "{}", gone.text);
    assert!(queries::find(app.db(), app.store.id, id).await.unwrap().is_none());
    let send = sends::queries::find(app.db(), app.store.id, send)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((send.campaign_id, send.label.as_str()), (None, "Mother's Day"));
    assert_eq!(count(&app, "select count(*) from messages").await, 2);
    assert_eq!(delete().await.status, StatusCode::NOT_FOUND);
});

both!(every_change_leaves_a_line_without_the_words_of_the_message, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = id_in(
        submit(&app, &cookie, "draft", &[("body", "a secret surprise")])
            .await
            .location(),
    );
    let text = id.to_string();
    let kept = [("id", text.as_str()), ("version", "1"), ("body", "another secret")];
    submit(&app, &cookie, "draft", &kept).await;
    let later = [
        ("id", text.as_str()),
        ("version", "2"),
        ("schedule_for_later", "true"),
        ("date", "2026-05-02"),
        ("time", "09:00"),
    ];
    submit(&app, &cookie, "schedule", &later).await;
    for path in ["unschedule", "duplicate", "delete"] {
        app.post_form(
            &format!("/api/campaigns/{path}"),
            "/marketing/campaigns",
            &[("id", &text)],
            &cookie,
        )
        .await;
    }
    let lines: Vec<(String, String)> = on_db!(app.db(), |pool| sqlx::query_as(
        "select action, summary || coalesce(before, '') || coalesce(after, '') from audit_events
          where subject = 'campaign' order by id"
    )
    .fetch_all(pool)
    .await)
    .unwrap();
    let actions: Vec<&str> = lines.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "campaign.created",
            "campaign.edited",
            "campaign.scheduled",
            "campaign.unscheduled",
            "campaign.duplicated",
            "campaign.deleted"
        ]
    );
    assert!(lines.iter().all(|(_, text)| !text.contains("secret")), "{lines:?}");
});
