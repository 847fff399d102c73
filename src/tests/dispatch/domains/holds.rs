//! That the limit holds, whatever the number of programs, and that nothing is left of it that
//! nobody waits for.

use std::time::{Duration, Instant};

use loupe::{
    context::{actor::Role, settings::Given},
    db::Backend,
    mail_accounts::account_queries,
    recipients::model::RecipientFilter,
};

use super::{
    Program, account, assert_never_faster, come, crowd_at_slow_test, each_at_their_own, number, set, start, times,
};
use crate::{
    both,
    support::{
        app::TestApp,
        people,
        sending::{is_done, tally, until},
        sink::Sink,
    },
};

async fn the_limit_holds(app: TestApp, sink: Sink, programs: usize) {
    const RATE: usize = 10;
    set(&app, "10").await;
    crowd_at_slow_test(&app, 40).await;
    people::crowd(app.db(), app.store.id, 40, &[], app.now()).await;
    let send = start(&app, "Autumn", &RecipientFilter::All).await;
    let mut running = vec![Program::of(&app)];
    for _ in 1..programs {
        running.push(Program::another(&app).await);
    }
    let ended = until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    for program in running {
        program.stop().await;
    }
    assert!(is_done(&ended));
    assert_eq!(tally(app.db(), &app.store, send).await.sent, 80);
    assert!(sink.copies().values().all(|copies| *copies == 1));
    for domain in ["@slow.test", "@example.com"] {
        let times = times(&sink, domain);
        assert_eq!(times.len(), 40);
        assert_never_faster(&times, RATE);
        let took = times[39] - times[0];
        assert!(took < Duration::from_secs(16), "much slower than the limit: {took:?}");
    }
    if let Some(rate) = app.state.settings.smtp.as_ref().and_then(|account| account.rate) {
        assert_never_faster(&times(&sink, ""), usize::try_from(rate).unwrap());
    }
}

both!(it_holds_for_each_domain, "?connections=4", |app, sink| {
    the_limit_holds(app, sink, 1).await;
});

both!(
    it_holds_beside_the_rate_of_the_account,
    "?connections=4&rate=15",
    |app, sink| {
        the_limit_holds(app, sink, 1).await;
    }
);

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_for_two_programs_together() {
    let (app, sink) = TestApp::mailing(Backend::Postgres, Vec::new(), "?connections=4", Given::default()).await;
    the_limit_holds(app, sink, 2).await;
}

/// Whoever uses a domain holds the account first: with one lock there is no order to mistake.
#[tokio::test(flavor = "multi_thread")]
async fn programs_judge_one_after_another() {
    let (app, sink) = TestApp::mailing(Backend::Postgres, Vec::new(), "", Given::default()).await;
    set(&app, "50").await;
    each_at_their_own(&app, 20).await;
    let first = start(&app, "Autumn", &RecipientFilter::All).await;
    let program = Program::of(&app);
    until(&app.state, &app.store, first, |s| !s.state.is_open()).await;
    let mut tx = app.db().begin().await.unwrap();
    account_queries::used_until(&mut tx, &account(&app)).await.unwrap();
    let second = start(&app, "Winter", &RecipientFilter::All).await;
    app.state.wake.notify_one();
    let waits = "select count(*) from pg_locks where locktype = 'tuple' and relation = 'provider_accounts'::regclass";
    super::becomes(&app, waits, 1).await;
    assert_eq!(sink.received().len(), 20, "nothing goes meanwhile");
    tx.commit().await.unwrap();
    assert!(is_done(
        &until(&app.state, &app.store, second, |s| !s.state.is_open()).await
    ));
    program.stop().await;
}

async fn press_send(app: &TestApp, what: &str, send: i64) {
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = send.to_string();
    let answer = app
        .post_form(what, "/marketing/campaigns", &[("send_id", &id)], &cookie)
        .await;
    assert!(answer.status.is_redirection(), "{}", answer.text);
}

// A send that is stopped leaves no line behind: the next one goes to the same domain at once.
both!(a_stopped_send_keeps_nobody_waiting, "", |app, sink| {
    set(&app, "1").await;
    let ids = crowd_at_slow_test(&app, 300).await;
    let send = start(&app, "Autumn", &RecipientFilter::All).await;
    let program = Program::of(&app);
    come(&sink, "@slow.test", 2).await;
    press_send(&app, "/api/sends/stop", send).await;
    until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    let begin = Instant::now();
    let next = start(&app, "Winter", &RecipientFilter::Manual(vec![ids[299]])).await;
    assert!(is_done(
        &until(&app.state, &app.store, next, |s| !s.state.is_open()).await
    ));
    program.stop().await;
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "300 were in line: {:?}",
        begin.elapsed()
    );
    assert_never_faster(&times(&sink, "@slow.test"), 1);
});

// What comes up all at once after a pause goes no faster, and at once.
both!(after_a_pause_it_goes_on_as_before, "", |app, sink| {
    set(&app, "4").await;
    crowd_at_slow_test(&app, 200).await;
    let send = start(&app, "Autumn", &RecipientFilter::All).await;
    let program = Program::of(&app);
    come(&sink, "@slow.test", 4).await;
    press_send(&app, "/api/sends/pause", send).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = times(&sink, "@slow.test").len();
    press_send(&app, "/api/sends/resume", send).await;
    let begin = Instant::now();
    come(&sink, "@slow.test", before + 12).await;
    program.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    assert_never_faster(&times(&sink, "@slow.test"), 4);
});

// What two sends have for one domain goes in turns.
both!(a_small_send_is_not_the_last, "", |app, sink| {
    set(&app, "4").await;
    let ids = crowd_at_slow_test(&app, 100).await;
    let large = start(&app, "Large", &RecipientFilter::All).await;
    let program = Program::of(&app);
    come(&sink, "@slow.test", 2).await;
    let small = start(&app, "Small", &RecipientFilter::Manual(ids[90..93].to_vec())).await;
    assert!(is_done(
        &until(&app.state, &app.store, small, |s| !s.state.is_open()).await
    ));
    program.stop().await;
    let sent = tally(app.db(), &app.store, large).await.sent;
    assert!(sent < 60, "three waited for {sent}");
});

// Whoever begins again goes by what was used before.
both!(a_new_program_knows_what_is_used_up, "", |app, sink| {
    set(&app, "2").await;
    crowd_at_slow_test(&app, 8).await;
    let send = start(&app, "Autumn", &RecipientFilter::All).await;
    for n in 1..=6 {
        let program = Program::of(&app);
        come(&sink, "@slow.test", n).await;
        program.stop().await;
    }
    let program = Program::of(&app);
    assert!(is_done(
        &until(&app.state, &app.store, send, |s| !s.state.is_open()).await
    ));
    program.stop().await;
    assert_never_faster(&times(&sink, "@slow.test"), 2);
});

const DOMAINS_KEPT: &str = "select count(*) from domain_paces";

// Domains are kept no longer than their rate is used up.
both!(nothing_is_kept_of_a_domain, "", |app, sink| {
    crowd_at_slow_test(&app, 3).await;
    let program = Program::of(&app);
    let deliver = async |name, filter: &RecipientFilter| {
        let send = start(&app, name, filter).await;
        app.state.wake.notify_one();
        assert!(is_done(
            &until(&app.state, &app.store, send, |s| !s.state.is_open()).await
        ));
    };
    deliver("Autumn", &RecipientFilter::All).await;
    assert_eq!(number(&app, DOMAINS_KEPT).await, 0, "off by default");
    program.stop().await;
    set(&app, "10").await;
    let program = Program::of(&app);
    deliver("Winter", &RecipientFilter::All).await;
    assert_eq!(number(&app, DOMAINS_KEPT).await, 1);
    tokio::time::sleep(Duration::from_millis(400)).await;
    let other = people::one(
        app.db(),
        app.store.id,
        "Amara Okafor",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    deliver("Spring", &RecipientFilter::Manual(vec![other])).await;
    assert!(
        number(&app, DOMAINS_KEPT).await <= 1,
        "that of the first send is forgotten"
    );
    program.stop().await;
    assert_eq!(sink.received().len(), 7);
});
