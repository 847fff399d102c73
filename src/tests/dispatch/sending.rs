//! Sending for real: over SMTP to a server of our own that counts, and misbehaves when told to.

use loupe::{
    context::actor::Role,
    recipients::model::RecipientFilter,
    sends::{
        model::SendState,
        rules::{StartCampaign, Started, start_campaign_as},
    },
};

use crate::{
    both,
    support::{
        people,
        sending::{self, begun, deliver, draft, is_done, press, status, tally},
        sink::{self, Fault, Rule, Sink, When},
    },
};

/// Slow enough to be met in the middle.
fn answers_slowly(sink: &Sink) {
    let slowly = Fault::SlowDot(std::time::Duration::from_millis(25));
    sink.set_rules(vec![Rule::new(When::Always, slowly)]);
}

both!(everyone_gets_it_once, "?connections=8", |app, sink| {
    let wedding = people::crowd(app.db(), app.store.id, 400, &["wedding"], app.now()).await;
    people::one(app.db(), app.store.id, "No Mail", None, &["wedding"], app.now()).await;
    let shared = people::one(
        app.db(),
        app.store.id,
        "Other Half",
        Some("p000001@example.com"),
        &["pearls"],
        app.now(),
    )
    .await;
    people::change(
        app.db(),
        "update customers set email_consent = 'withdrawn' where id = $1",
        wedding[9],
    )
    .await;
    let filter = RecipientFilter::Tags(vec!["wedding".into(), "pearls".into()]);
    let campaign = draft(app.db(), &app.store, "Autumn", &filter).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let frozen = tally(app.db(), &app.store, send).await;
    assert_eq!((frozen.waiting, frozen.skipped), (399, 3));
    let ended = deliver(&app.state, &app.store, send).await;
    assert!(is_done(&ended), "{:?}", ended.problem);
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!(
        (
            after.sent,
            after.failed,
            after.skipped,
            after.waiting,
            after.unconfirmed
        ),
        (399, 0, 3, 0, 0)
    );
    let copies = sink.copies();
    assert_eq!(copies.len(), 399);
    assert!(copies.values().all(|n| *n == 1));
    assert_eq!(status(app.db(), campaign).await, "sent");
    let row: (i64, i64) = loupe::on_db!(app.db(), |pool| sqlx::query_as(
        "select sent_count, failed_count from campaigns where id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(
        row,
        (after.sent, after.failed),
        "the campaign's own numbers are those of its rows"
    );
    while loupe::sends::contacts::go_on(app.db()).await.unwrap() {}
    let contacted: i64 = loupe::on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from customers where last_contacted_at is not null"
    )
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(contacted, 399);
    let timeline = loupe::messages::timeline::timeline(app.db(), app.store.id, shared, 1)
        .await
        .unwrap();
    assert_eq!(timeline[0].why(), "Same address as another customer");
});

both!(refusals_stay_on_their_row, "?connections=4", |app, sink| {
    sink.set_rules(vec![Rule::new(When::Every(10), Fault::Rcpt(550))]);
    people::crowd(app.db(), app.store.id, 100, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let ended = deliver(&app.state, &app.store, send).await;
    assert!(is_done(&ended));
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!(after.sent + after.failed, 100);
    assert_eq!(after.failed, 10, "{after:?}");
    assert_eq!(i64::try_from(sink.received().len()).unwrap(), after.sent);
    assert!(sink.counts().connections <= 4, "a refusal does not cost the connection");
    let part = loupe::messages::people::Part::page(1, 50);
    let (rows, total) = loupe::messages::people::page(app.db(), app.store.id, &[send], &after, "failed", part)
        .await
        .unwrap();
    assert_eq!((rows.len(), total), (10, 10));
    assert!(rows.iter().all(|r| r.why().starts_with("550")), "{}", rows[0].why());
});

both!(
    a_dead_provider_gives_the_campaign_back_and_the_rest_goes_later,
    "?connections=2",
    |app, sink| {
        let mut app = app;
        answers_slowly(&sink);
        people::crowd(app.db(), app.store.id, 60, &[], app.now()).await;
        let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
        let send = begun(press(&app.state, &app.store, campaign).await);
        // The server takes some and then nobody answers any more.
        let stop = tokio_util::sync::CancellationToken::new();
        let task = tokio::spawn(loupe::dispatch::run(app.state.clone(), stop.clone()));
        sending::until(&app.state, &app.store, send, |s| s.state != SendState::Holding).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let first = sink.copies();
        drop(sink);
        let paused = sending::until(&app.state, &app.store, send, |s| s.paused_at.is_some()).await;
        assert_eq!(paused.state, SendState::Sending, "trouble that may pass only pauses");
        assert!(paused.problem.unwrap_or_default().contains("can't be reached"));
        assert_eq!(status(app.db(), campaign).await, "sending");
        app.clock.set(app.now() + chrono::Duration::minutes(61));
        assert!(
            (2..60).contains(&first.len()),
            "killed in the middle, after {}",
            first.len()
        );
        let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
        stop.cancel();
        task.await.unwrap();
        assert_eq!(ended.state, SendState::Reverted);
        assert!(ended.problem.unwrap_or_default().contains("can't be reached"));
        assert_eq!(status(app.db(), campaign).await, "draft");
        let before = tally(app.db(), &app.store, send).await;
        assert!(
            before.sent + before.unconfirmed >= i64::try_from(first.len()).unwrap(),
            "{before:?}"
        );
        assert!(before.unconfirmed <= 4, "at most two for each connection: {before:?}");
        assert_eq!(before.sent + before.unconfirmed + before.cancelled, 60, "{before:?}");

        let other = Sink::start(sink::Settings::default()).await.unwrap();
        let mut settings = (*app.state.settings).clone();
        settings.smtp = Some(loupe::channels::email::smtp::Account::parse(&other.url()).unwrap());
        app.state.settings = std::sync::Arc::new(settings);
        let again = begun(press(&app.state, &app.store, campaign).await);
        let ended = deliver(&app.state, &app.store, again).await;
        assert!(is_done(&ended));
        let after = tally(app.db(), &app.store, again).await;
        assert_eq!(after.sent, before.cancelled, "only whom nothing reached");
        assert_eq!(
            after.already,
            before.sent + before.unconfirmed,
            "who already got it is left out"
        );
        assert_eq!(status(app.db(), campaign).await, "sent");
        assert!(
            other.copies().keys().all(|to| !first.contains_key(to)),
            "nobody gets it twice"
        );
    }
);

both!(a_pause_ends_by_itself, "?connections=2", |app, sink| {
    answers_slowly(&sink);
    people::crowd(app.db(), app.store.id, 40, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let stop = tokio_util::sync::CancellationToken::new();
    let task = tokio::spawn(loupe::dispatch::run(app.state.clone(), stop.clone()));
    sending::until(&app.state, &app.store, send, |s| s.state != SendState::Holding).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let (first, address) = (sink.copies(), sink.address());
    drop(sink);
    sending::until(&app.state, &app.store, send, |s| s.paused_at.is_some()).await;
    let again = Sink::start_on(address, sink::Settings::default()).await.unwrap();
    app.clock.set(app.now() + chrono::Duration::seconds(16));
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    stop.cancel();
    task.await.unwrap();
    assert!(
        is_done(&ended) && ended.problem.is_none() && ended.paused_at.is_none(),
        "{ended:?}"
    );
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!(after.sent + after.unconfirmed, 40, "{after:?}");
    assert!(
        again.copies().keys().all(|to| !first.contains_key(to)),
        "nobody gets it twice"
    );
});

both!(somebody_pauses_resumes_and_stops, "?connections=2", |app, sink| {
    answers_slowly(&sink);
    people::crowd(app.db(), app.store.id, 100, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let stop = tokio_util::sync::CancellationToken::new();
    let task = tokio::spawn(loupe::dispatch::run(app.state.clone(), stop.clone()));
    sending::until(&app.state, &app.store, send, |s| s.state != SendState::Holding).await;
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let (id, page) = (send.to_string(), format!("/marketing/campaigns/{campaign}"));
    app.post_form("/api/sends/pause", &page, &[("send_id", &id)], &cookie)
        .await;
    // What was on the wire arrives; nothing more does.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let paused = sink.received().len();
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(sink.received().len(), paused, "nothing leaves while paused");
    assert!((1..100).contains(&paused));
    app.post_form("/api/sends/resume", &page, &[("send_id", &id)], &cookie)
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    app.post_form("/api/sends/stop", &page, &[("send_id", &id)], &cookie)
        .await;
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    assert_eq!(ended.state, SendState::Reverted);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    stop.cancel();
    task.await.unwrap();
    let received = i64::try_from(sink.received().len()).unwrap();
    assert!(received > i64::try_from(paused).unwrap(), "it went on after the pause");
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.sent, after.waiting), (received, 0), "the numbers are the rows");
    assert_eq!(after.sent + after.cancelled, 100);
    assert_eq!(status(app.db(), campaign).await, "draft");
});

both!(the_same_form_twice_and_two_forms_at_once_send_once, |app| {
    people::crowd(app.db(), app.store.id, 20, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let what = |token: &str| StartCampaign {
        campaign_id: campaign,
        version: None,
        token: token.to_owned(),
        skip_already: true,
        shown_count: None,
    };
    let initiator = sending::initiator(&app.state, &app.store);
    let (one, other) = (what("one-form"), what("other-form"));
    let (a, b) = tokio::join!(
        start_campaign_as(app.db(), &initiator, &one),
        start_campaign_as(app.db(), &initiator, &other),
    );
    assert_eq!(
        [&a, &b]
            .iter()
            .filter(|r| matches!(r, Ok(Started::Sending { .. })))
            .count(),
        1,
        "{a:?} {b:?}"
    );
    let refused = if a.is_err() { a } else { b };
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("Priya is already sending this — 0 of 20")
    );
    let again = start_campaign_as(app.db(), &initiator, &what("one-form")).await;
    assert!(matches!(again, Ok(Started::AlreadyDone { .. })) || again.is_err());
    let rows: i64 = loupe::on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from messages")
        .fetch_one(pool)
        .await)
    .unwrap();
    assert_eq!(rows, 20);
});

both!(nobody_to_send_to_leaves_a_draft_and_no_trace, |app| {
    let campaign = draft(
        app.db(),
        &app.store,
        "Autumn",
        &RecipientFilter::Tags(vec!["none".into()]),
    )
    .await;
    assert_eq!(press(&app.state, &app.store, campaign).await, Started::NoRecipients);
    assert_eq!(status(app.db(), campaign).await, "draft");
    let rows: i64 = loupe::on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from sends")
        .fetch_one(pool)
        .await)
    .unwrap();
    assert_eq!(rows, 0);
});

both!(the_outbox_keeps_the_exact_source_and_mails_nothing, |app| {
    people::crowd(app.db(), app.store.id, 30, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let ended = deliver(&app.state, &app.store, send).await;
    assert!(is_done(&ended));
    let rows: Vec<(String, String)> =
        loupe::on_db!(app.db(), |pool| sqlx::query_as("select recipient, source from outbox")
            .fetch_all(pool)
            .await)
        .unwrap();
    assert_eq!(rows.len(), 30);
    assert!(
        rows.iter()
            .all(|(to, source)| source.contains(to.as_str()) && source.contains("List-Unsubscribe: <"))
    );
    assert!(
        !rows[0].1.contains("Autumn"),
        "the campaign's name is for the team alone"
    );
});

both!(undo_takes_everything_back_and_comes_too_late_once_it_went, |app| {
    people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let cookie = app.sign_in_as(Role::Manager).await;
    let id = send.to_string();
    let path = format!("/marketing/campaigns/{campaign}");
    let answer = app
        .post_form("/api/sends/undo", &path, &[("send_id", &id)], &cookie)
        .await;
    assert_eq!(answer.location(), format!("{path}?ok=undone"));
    assert_eq!(status(app.db(), campaign).await, "draft");
    assert_eq!(tally(app.db(), &app.store, send).await.cancelled, 5);

    let send = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, send).await;
    let id = send.to_string();
    let answer = app
        .post_form("/api/sends/undo", &path, &[("send_id", &id)], &cookie)
        .await;
    assert_eq!(answer.location(), format!("{path}?ok=too-late"));
    assert_eq!(tally(app.db(), &app.store, send).await.sent, 5);
});

both!(who_unsubscribes_after_the_freeze_gets_nothing, |app| {
    let ids = people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    people::change(
        app.db(),
        "update customers set email_consent = 'withdrawn' where id = $1",
        ids[2],
    )
    .await;
    deliver(&app.state, &app.store, send).await;
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.sent, after.skipped), (4, 1));
    let timeline = loupe::messages::timeline::timeline(app.db(), app.store.id, ids[2], 1)
        .await
        .unwrap();
    assert_eq!(timeline[0].why(), "Unsubscribed");
});

both!(a_poisoned_name_fails_alone_or_is_cleaned, |app| {
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let name = "Eve\r\nBcc: everyone@example.com";
    people::one(app.db(), app.store.id, name, Some("eve@example.com"), &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, send).await;
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!(after.sent + after.failed, 4);
    assert!(after.sent >= 3);
    let sources: Vec<String> = loupe::on_db!(app.db(), |pool| sqlx::query_scalar("select source from outbox")
        .fetch_all(pool)
        .await)
    .unwrap();
    assert!(sources.iter().all(|s| !s.contains("\r\nBcc:")));
});

both!(the_message_shown_later_is_the_one_that_went_out, |app| {
    let id = people::one(
        app.db(),
        app.store.id,
        "Amara Okafor",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, send).await;
    people::change(
        app.db(),
        "update customers set first_name = 'Changed' where id = $1",
        id,
    )
    .await;
    people::change(
        app.db(),
        "update campaigns set body = 'Changed' where id = $1",
        campaign,
    )
    .await;
    let message = loupe::messages::timeline::timeline(app.db(), app.store.id, id, 1)
        .await
        .unwrap()[0]
        .message_id;
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let shown = app.get(&format!("/messages/{message}/view"), &cookie).await;
    assert!(shown.text.contains("Dear Amara,"), "{}", shown.text);
    assert!(!shown.text.contains("Changed"));
    assert!(
        shown.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("sandbox")
    );
    let (_, staff) = app.another_store().await;
    let stranger = app.session_of(staff[&Role::Owner]).await;
    assert_eq!(
        app.get(&format!("/messages/{message}/view"), &stranger).await.status,
        404
    );
});
