//! Planned campaigns go out by themselves: once, on time, or with a word about why not.

use chrono::Duration;
use loupe::{
    context::{actor::Role, settings::Given},
    db::Backend,
    recipients::model::RecipientFilter,
    scheduler::heartbeat::SchedulerStatus,
    sends::{model::SendState, rules::Started},
    time::Clock,
};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        planning::{Running, another_process, audit, plan, planned, row, run_until, sends_of, wait_for},
        sending::{self, begun, deliver, draft, press, tally},
    },
};

both!(a_due_campaign_goes_out_by_itself_signed_by_who_planned_it, |app| {
    people::crowd(app.db(), app.store.id, 12, &[], app.now()).await;
    let campaign = planned(app.db(), &app.store, "Autumn", &RecipientFilter::All, app.now()).await;
    let row = run_until(&app.state, campaign, |r| r.status == "sending").await;
    assert_eq!((row.hold, row.problem), (None, None));
    let sends = sends_of(app.db(), &app.store, campaign).await;
    assert_eq!(sends.len(), 1);
    let send = &sends[0];
    assert_eq!(
        (send.scheduled_at, send.late_by, send.late_why.clone()),
        (Some(app.now()), Some(0), None)
    );
    assert!(send.signature.starts_with("Priya Nair\n"), "{}", send.signature);
    assert_eq!(
        send.hold_until, send.started_at,
        "nobody waits to undo what was planned"
    );
    let log = audit(app.db(), campaign).await;
    assert_eq!(log.last().unwrap().0, "Loupe");
    assert!(log.last().unwrap().2.contains("on schedule to 12 customers"), "{log:?}");
    let ended = deliver(&app.state, &app.store, send.id).await;
    assert_eq!(ended.state, SendState::Done);
    assert_eq!(tally(app.db(), &app.store, send.id).await.sent, 12);
});

both!(nothing_goes_before_its_time_and_then_at_once, |app| {
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let at = app.now() + Duration::minutes(5);
    let campaign = planned(app.db(), &app.store, "Autumn", &RecipientFilter::All, at).await;
    let running = Running::start(&app.state);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(row(app.db(), campaign).await.status, "scheduled");
    app.clock.set(at);
    let before = std::time::Instant::now();
    wait_for(app.db(), campaign, |r| r.status == "sending").await;
    assert!(
        before.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        before.elapsed()
    );
    running.stop().await;
});

async fn four_runners_fire_fifty_campaigns_once_each(backend: Backend) {
    let app = TestApp::new(backend).await;
    people::crowd(app.db(), app.store.id, 10, &[], app.now()).await;
    let mut campaigns = Vec::new();
    for n in 0..50 {
        let name = format!("Campaign {n}");
        campaigns.push(planned(app.db(), &app.store, &name, &RecipientFilter::All, app.now()).await);
    }
    let schedulers: Vec<_> = (0..4)
        .map(|_| Running::start(&another_process(&app.state, app.clock.clone())))
        .collect();
    for campaign in &campaigns {
        wait_for(app.db(), *campaign, |r| r.status == "sending").await;
    }
    for running in schedulers {
        running.stop().await;
    }
    for campaign in &campaigns {
        let sends = sends_of(app.db(), &app.store, *campaign).await;
        assert_eq!(sends.len(), 1);
        assert_eq!(tally(app.db(), &app.store, sends[0].id).await.waiting, 10);
        let started = audit(app.db(), *campaign).await;
        assert_eq!(started.iter().filter(|l| l.1 == "campaign.send_started").count(), 1);
    }
    let messages: i64 = loupe::on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from messages")
        .fetch_one(pool)
        .await)
    .unwrap();
    assert_eq!(messages, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_runners_fire_fifty_campaigns_once_each_on_sqlite() {
    four_runners_fire_fifty_campaigns_once_each(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_runners_fire_fifty_campaigns_once_each_on_postgres() {
    four_runners_fire_fifty_campaigns_once_each(Backend::Postgres).await;
}

both!(a_person_and_the_runner_at_the_same_moment_are_one_send, |app| {
    people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    for n in 0..8 {
        let name = format!("Campaign {n}");
        let campaign = planned(app.db(), &app.store, &name, &RecipientFilter::All, app.now()).await;
        let what = loupe::sends::rules::StartCampaign {
            campaign_id: campaign,
            version: None,
            token: format!("form-{n}"),
            skip_already: true,
            shown_count: None,
        };
        let initiator = sending::initiator(&app.state, &app.store);
        let running = Running::start(&app.state);
        let pressed = loupe::sends::rules::start_campaign_as(app.db(), &initiator, &what).await;
        wait_for(app.db(), campaign, |r| r.status == "sending").await;
        running.stop().await;
        assert!(
            matches!(pressed, Ok(Started::Sending { .. })) || pressed.is_err(),
            "{pressed:?}"
        );
        assert_eq!(sends_of(app.db(), &app.store, campaign).await.len(), 1);
    }
});

both!(within_the_grace_it_goes_late_and_says_so, |app| {
    people::crowd(app.db(), app.store.id, 2, &[], app.now()).await;
    let at = app.now() - Duration::minutes(12);
    let campaign = planned(app.db(), &app.store, "Autumn", &RecipientFilter::All, at).await;
    run_until(&app.state, campaign, |r| r.status == "sending").await;
    let send = sends_of(app.db(), &app.store, campaign).await.remove(0);
    assert_eq!((send.scheduled_at, send.late_by), (Some(at), Some(12 * 60)));
    deliver(&app.state, &app.store, send.id).await;
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let page = app.get(&format!("/marketing/campaigns/{campaign}"), &cookie).await;
    assert!(
        page.text.contains("Sent 12 minutes late: Loupe wasn&#x27;t running.")
            || page.text.contains("Sent 12 minutes late: Loupe wasn't running."),
        "{}",
        page.text
    );
});

both!(
    beyond_the_grace_it_waits_for_a_person_who_sends_it_with_one_click,
    |app| {
        people::crowd(app.db(), app.store.id, 2, &[], app.now()).await;
        let at = app.now() - Duration::minutes(61);
        let campaign = planned(app.db(), &app.store, "Autumn", &RecipientFilter::All, at).await;
        let other = planned(app.db(), &app.store, "In time", &RecipientFilter::All, app.now()).await;
        let held = run_until(&app.state, campaign, |r| r.hold.is_some()).await;
        assert_eq!(
            (held.status.as_str(), held.hold.as_deref()),
            ("scheduled", Some("missed"))
        );
        assert_eq!(held.scheduled_at, Some(at));
        assert!(sends_of(app.db(), &app.store, campaign).await.is_empty());
        run_until(&app.state, other, |r| r.status == "sending").await;
        let log = audit(app.db(), campaign).await;
        assert_eq!(
            log.iter().filter(|l| l.1 == "campaign.held").count(),
            1,
            "said once: {log:?}"
        );

        let cookie = app.sign_in_as(Role::Manager).await;
        let path = format!("/marketing/campaigns/{campaign}");
        let page = app.get(&path, &cookie).await;
        assert!(
            page.text.contains("Due Fri 1 May 2026, 8:59 am AEST — not sent yet."),
            "{}",
            page.text
        );
        assert!(page.text.contains("Loupe wasn"), "the cause");
        assert!(page.text.contains("action=\"/api/campaigns/confirm\""), "one click");
        let list = app.get("/marketing/campaigns", &cookie).await;
        assert!(list.text.contains("Overdue"));
        let seller = app.sign_in_as(Role::Salesperson).await;
        assert!(!app.get(&path, &seller).await.text.contains("/api/campaigns/confirm"));

        begun(press(&app.state, &app.store, campaign).await);
        let after = row(app.db(), campaign).await;
        assert_eq!(
            (after.status.as_str(), after.hold, after.problem),
            ("sending", None, None)
        );
    }
);

both!(the_store_s_own_grace_counts, |app| {
    people::crowd(app.db(), app.store.id, 2, &[], app.now()).await;
    people::change(
        app.db(),
        "update stores set late_grace_minutes = 5 where id = $1",
        app.store.id.0,
    )
    .await;
    let late = planned(
        app.db(),
        &app.store,
        "Late",
        &RecipientFilter::All,
        app.now() - Duration::minutes(6),
    )
    .await;
    let fine = planned(
        app.db(),
        &app.store,
        "Fine",
        &RecipientFilter::All,
        app.now() - Duration::minutes(4),
    )
    .await;
    run_until(&app.state, late, |r| r.hold.is_some()).await;
    run_until(&app.state, fine, |r| r.status == "sending").await;
});

both!(nobody_to_send_to_gives_a_draft_that_remembers_its_time, |app| {
    let filter = RecipientFilter::Tags(vec!["none".into()]);
    let campaign = planned(app.db(), &app.store, "Autumn", &filter, app.now()).await;
    let row = run_until(&app.state, campaign, |r| r.status == "draft").await;
    assert_eq!(row.problem.as_deref(), Some("no_recipients"));
    assert_eq!(row.scheduled_local.as_deref(), Some("2026-05-01T00:00:00"), "prefilled");
    assert_eq!(row.scheduled_at, None);
    assert!(sends_of(app.db(), &app.store, campaign).await.is_empty());
    let log = audit(app.db(), campaign).await;
    assert_eq!(
        (log[0].0.as_str(), log[0].1.as_str()),
        ("Loupe", "campaign.no_recipients")
    );
});

both!(what_does_not_compile_any_more_is_held_with_the_reason, |app| {
    people::crowd(app.db(), app.store.id, 2, &[], app.now()).await;
    let broken = planned(app.db(), &app.store, "Broken", &RecipientFilter::All, app.now()).await;
    people::change(
        app.db(),
        "update campaigns set body = 'Dear {{nobody}}' where id = $1",
        broken,
    )
    .await;
    let fine = planned(app.db(), &app.store, "Fine", &RecipientFilter::All, app.now()).await;
    let running = Running::start(&app.state);
    wait_for(app.db(), fine, |r| r.status == "sending").await;
    let held = wait_for(app.db(), broken, |r| r.hold.is_some()).await;
    running.stop().await;
    assert_eq!(
        (held.status.as_str(), held.hold.as_deref()),
        ("scheduled", Some("refused"))
    );
    assert!(held.problem.unwrap_or_default().contains("nobody"));
    let log = audit(app.db(), broken).await;
    assert_eq!(log.len(), 1, "told once, not every second: {log:?}");
});

both!(an_edit_takes_the_hold_away, |app| {
    let campaign = planned(
        app.db(),
        &app.store,
        "Autumn",
        &RecipientFilter::All,
        app.now() - Duration::hours(3),
    )
    .await;
    run_until(&app.state, campaign, |r| r.hold.is_some()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = campaign.to_string();
    let answer = app
        .post_form(
            "/api/campaigns/unschedule",
            "/marketing/campaigns",
            &[("id", &id)],
            &cookie,
        )
        .await;
    assert!(answer.status.is_redirection(), "{} {}", answer.status, answer.text);
    let after = row(app.db(), campaign).await;
    assert_eq!(
        (after.status.as_str(), after.hold, after.problem),
        ("draft", None, None)
    );
});

both!(a_clock_put_back_fires_nothing_until_it_has_caught_up, |app| {
    people::crowd(app.db(), app.store.id, 2, &[], app.now()).await;
    let now = app.now();
    let running = Running::start(&app.state);
    wait_for_pulse(&app, SchedulerStatus::Running).await;
    app.clock.set(now - Duration::minutes(30));
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    let campaign = planned(
        app.db(),
        &app.store,
        "Autumn",
        &RecipientFilter::All,
        now - Duration::minutes(40),
    )
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(2200)).await;
    assert_eq!(row(app.db(), campaign).await.status, "scheduled", "frozen");
    wait_for_pulse(&app, SchedulerStatus::Paused).await;
    app.clock.set(now);
    wait_for(app.db(), campaign, |r| r.status == "sending").await;
    wait_for_pulse(&app, SchedulerStatus::Running).await;
    running.stop().await;
});

async fn wait_for_pulse(app: &TestApp, wanted: SchedulerStatus) {
    for _ in 0..500 {
        if SchedulerStatus::load(&app.state, app.now()).await.unwrap() == wanted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never {wanted:?}");
}

both!(every_page_says_whether_planned_sends_run, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let at = app.now() + Duration::days(1);
    let campaign = planned(app.db(), &app.store, "Autumn", &RecipientFilter::All, at).await;
    let path = format!("/marketing/campaigns/{campaign}");
    const BANNER: &str = "Scheduled sends are paused. Campaigns stay scheduled until someone clicks Send now.";
    let running = Running::start(&app.state);
    wait_for_pulse(&app, SchedulerStatus::Running).await;
    let list = app.get("/marketing/campaigns", &cookie).await.text;
    assert!(list.contains("Scheduled sends: running") && !list.contains(BANNER));
    assert!(app.get(&path, &cookie).await.text.contains("Sends by itself"));

    // It falls silent: nobody signs off after a power cut.
    app.clock.set(app.now() + Duration::seconds(119));
    assert!(
        app.get("/marketing/campaigns", &cookie)
            .await
            .text
            .contains("Scheduled sends: ")
    );
    running.stop().await;
    let list = app.get("/marketing/campaigns", &cookie).await.text;
    assert!(list.contains("Scheduled sends: paused") && list.contains(BANNER));
    let page = app.get(&path, &cookie).await.text;
    assert!(page.contains("Needs someone to click Send now"));
});

both!(a_heartbeat_older_than_two_minutes_is_none, |app| {
    let mut tx = app.db().begin().await.unwrap();
    let at = app.now();
    loupe::on_tx!(&mut tx, |conn| sqlx::query(
        "insert into scheduler_heartbeats (instance, state, started_at, beat_at) values ('gone', 'running', $1, $1)"
    )
    .bind(at)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    let feel = |seconds| SchedulerStatus::load(&app.state, at + Duration::seconds(seconds));
    assert_eq!(feel(120).await.unwrap(), SchedulerStatus::Running);
    assert_eq!(feel(121).await.unwrap(), SchedulerStatus::Paused);
});

both!(an_idle_runner_writes_twice_a_minute, |app| {
    let running = Running::start(&app.state);
    wait_for_pulse(&app, SchedulerStatus::Running).await;
    let beat = || async {
        let at: chrono::DateTime<chrono::Utc> = loupe::on_db!(app.db(), |pool| sqlx::query_scalar(
            "select max(beat_at) from scheduler_heartbeats"
        )
        .fetch_one(pool)
        .await)
        .unwrap();
        at
    };
    let first = beat().await;
    app.clock.set(first + Duration::seconds(29));
    tokio::time::sleep(std::time::Duration::from_millis(1300)).await;
    assert_eq!(beat().await, first);
    app.clock.set(first + Duration::seconds(30));
    tokio::time::sleep(std::time::Duration::from_millis(1300)).await;
    assert_eq!(beat().await, first + Duration::seconds(30));
    running.stop().await;
});

async fn many_due_in_the_same_second_start_within_two(backend: Backend) {
    let given = Given::default();
    let app = TestApp::with(backend, given).await;
    people::crowd(app.db(), app.store.id, 10, &[], app.now()).await;
    // Real time: the delay is what is measured.
    let state = another_process(&app.state, Clock::System);
    let mut campaigns = Vec::new();
    for n in 0..100 {
        let id = draft(app.db(), &app.store, &format!("Campaign {n}"), &RecipientFilter::All).await;
        campaigns.push(id);
    }
    let due = state.clock.now() + Duration::seconds(4);
    for id in &campaigns {
        plan(app.db(), *id, due).await;
    }
    let running = Running::start(&state);
    for campaign in &campaigns {
        wait_for(app.db(), *campaign, |r| r.status == "sending").await;
    }
    // All of it is there for anybody to see: committed, not only begun.
    let late = state.clock.now() - due;
    running.stop().await;
    for campaign in &campaigns {
        let send = sends_of(app.db(), &app.store, *campaign).await.remove(0);
        assert!(send.started_at >= due, "never early");
    }
    assert!(late < Duration::seconds(2), "the last was on its way {late} late");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_due_in_the_same_second_start_within_two_on_sqlite() {
    many_due_in_the_same_second_start_within_two(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_due_in_the_same_second_start_within_two_on_postgres() {
    many_due_in_the_same_second_start_within_two(Backend::Postgres).await;
}
