//! Trouble that is one store's, one sender's or one instance's alone is nobody else's.

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use loupe::{
    channels::email::smtp::Account,
    context::{AppState, settings::Given},
    db::{self, Backend},
    dispatch,
    recipients::model::RecipientFilter,
    sends::model::SendState,
    stores::model::Store,
    time::Clock,
};

use crate::support::{
    app::TestApp,
    people,
    sending::{begun, draft, is_done, press, status, tally, until},
    sink::{self, Fault, Rule, Sink, When},
};

const PEOPLE: usize = 40;

/// Two stores that send at the same time through one mail account, and the second one's campaign.
struct House {
    app: TestApp,
    sink: Sink,
    other: Store,
    send: i64,
    others_campaign: i64,
    others_send: i64,
}

async fn house(backend: Backend, rule: Rule) -> House {
    let (app, sink) = TestApp::mailing(backend, vec![rule], "?connections=2", Given::default()).await;
    let (mut other, _) = app.another_store().await;
    other.from_email = "hello@zenith.example.com".to_owned();
    people::crowd(app.db(), app.store.id, PEOPLE, &[], app.now()).await;
    for n in 0..PEOPLE {
        let email = format!("z{n}@zenith.example.com");
        people::one(app.db(), other.id, "Some One", Some(&email), &[], app.now()).await;
    }
    let everybody = RecipientFilter::All;
    let campaign = draft(app.db(), &app.store, "Autumn", &everybody).await;
    let others_campaign = draft(app.db(), &other, "Winter", &everybody).await;
    let others_send = begun(press(&app.state, &other, others_campaign).await);
    let send = begun(press(&app.state, &app.store, campaign).await);
    House {
        app,
        sink,
        other,
        send,
        others_campaign,
        others_send,
    }
}

async fn a_refused_sender_stops_its_own_sends(backend: Backend) {
    let house = house(backend, Rule::new(When::From("zenith".to_owned()), Fault::Mail(550))).await;
    let (app, other) = (&house.app, &house.other);
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    let ended = until(&app.state, other, house.others_send, |s| !s.state.is_open()).await;
    let problem = ended.problem.unwrap_or_default();
    assert_eq!(ended.state, SendState::Reverted, "{problem}");
    assert!(problem.contains("refused our sender address"), "{problem}");
    assert_eq!(status(app.db(), house.others_campaign).await, "draft");
    let ended = until(&app.state, &app.store, house.send, |s| !s.state.is_open()).await;
    stop.cancel();
    task.await.unwrap();
    assert!(is_done(&ended) && ended.problem.is_none(), "{ended:?}");
    assert_eq!(tally(app.db(), &app.store, house.send).await.sent, 40);
    assert_eq!(tally(app.db(), other, house.others_send).await.cancelled, 40);
}

async fn a_refused_book_waits_alone(backend: Backend) {
    let rule = Rule::new(When::To("zenith".to_owned()), Fault::Dot(554));
    let house = house(backend, rule).await;
    let (app, other) = (&house.app, &house.other);
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    let paused = until(&app.state, other, house.others_send, |s| s.paused_at.is_some()).await;
    let problem = paused.problem.unwrap_or_default();
    assert!(problem.contains("refuses everybody: 554"), "{problem}");
    let ended = until(&app.state, &app.store, house.send, |s| !s.state.is_open()).await;
    assert!(is_done(&ended) && ended.problem.is_none(), "{ended:?}");
    assert_eq!(tally(app.db(), &app.store, house.send).await.sent, 40);
    let waits = tally(app.db(), other, house.others_send).await;
    assert_eq!((waits.failed, waits.waiting), (0, 40), "nobody pays for it");

    // Although the server takes others' messages, one goes first, and does not pay either.
    let again = begun(
        press(
            &app.state,
            &app.store,
            draft(app.db(), &app.store, "Spring", &RecipientFilter::All).await,
        )
        .await,
    );
    app.clock.set(app.now() + TimeDelta::minutes(2));
    app.state.wake.notify_one();
    until(&app.state, other, house.others_send, |s| s.resume_at > paused.resume_at).await;
    assert!(is_done(
        &until(&app.state, &app.store, again, |s| !s.state.is_open()).await
    ));
    assert_eq!(tally(app.db(), other, house.others_send).await.failed, 0);

    house.sink.set_rules(vec![]);
    app.clock.set(app.now() + TimeDelta::minutes(10));
    app.state.wake.notify_one();
    let ended = until(&app.state, other, house.others_send, |s| !s.state.is_open()).await;
    stop.cancel();
    task.await.unwrap();
    assert!(is_done(&ended), "{ended:?}");
    assert_eq!(tally(app.db(), other, house.others_send).await.sent, 40);
}

async fn both_kinds(backend: Backend) {
    tokio::join!(
        a_refused_sender_stops_its_own_sends(backend),
        a_refused_book_waits_alone(backend),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn others_send_on_on_sqlite() {
    Box::pin(both_kinds(Backend::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_send_on_on_postgres() {
    Box::pin(both_kinds(Backend::Postgres)).await;
}

/// One instance was started with a wrong password: the other one's sends are not given back.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_cannot_sign_in_gives_nothing_back_that_goes_out() {
    let sink = Sink::start(sink::Settings {
        login: Some(("shop".to_owned(), "right".to_owned())),
        rules: vec![Rule::new(
            When::Always,
            Fault::SlowDot(std::time::Duration::from_millis(20)),
        )],
        ..sink::Settings::default()
    })
    .await
    .unwrap();
    let url = |password: &str| format!("smtp://shop:{password}@{}?connections=2", sink.address());
    let given = Given {
        smtp_url: Some(url("right")),
        ..Given::default()
    };
    let app = TestApp::with(Backend::Postgres, given).await;
    people::crowd(app.db(), app.store.id, 100, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let mut settings = (*app.state.settings).clone();
    settings.smtp = Some(Account::parse(&url("wrong")).unwrap());
    let wrong = AppState::new(db::connect(&app.url).await.unwrap(), Clock::fixed(app.now()), settings);
    let stop = CancellationToken::new();
    let right = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    while tally(app.db(), &app.store, send).await.sent == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let task = tokio::spawn(dispatch::run(wrong, stop.clone()));
    until(&app.state, &app.store, send, |s| {
        s.paused_at.is_some() || !s.state.is_open()
    })
    .await;
    // It goes on when the pause is over, and who has no login changes its mind about nothing.
    app.clock.set(app.now() + TimeDelta::seconds(30));
    app.state.wake.notify_one();
    let ended = until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    stop.cancel();
    right.await.unwrap();
    task.await.unwrap();
    assert!(is_done(&ended), "{ended:?}");
    assert_eq!(tally(app.db(), &app.store, send).await.sent, 100);
}
