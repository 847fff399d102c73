//! At a provider that takes a message with the same key only once, what was never answered is tried
//! again by itself: with the same bytes, a few times, while the key lasts, and only if nothing has
//! come in between.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinHandle;

use tokio_util::sync::CancellationToken;

use loupe::{
    channels::email::events::Provider,
    context::actor::Role,
    dispatch,
    messages::queries::{idempotent_retry, leases::ProviderAccount},
    on_db, on_tx,
    recipients::model::RecipientFilter,
    sends::{
        model::SendState,
        queries::{self, SendRecord},
    },
};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        providers::{Post, belongs_to},
        sending::{begun, draft, midway, press, status, tally, until},
        sink::{Fault, Rule, Sink, When},
    },
};

/// A campaign to three people at a provider, which never answers the second. It waits for its next
/// try, as the clock stands.
struct Going<'a> {
    app: &'a TestApp,
    sink: &'a Sink,
    campaign: i64,
    send: i64,
    message: i64,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct Row {
    state: String,
    idempotent_retries: i64,
}

fn row(state: &str, idempotent_retries: i64) -> Row {
    Row {
        state: state.to_owned(),
        idempotent_retries,
    }
}

impl<'a> Going<'a> {
    async fn begin(app: &'a TestApp, sink: &'a Sink) -> Self {
        people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
        let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
        sink.set_rules(vec![Rule::new(When::To("p000002".to_owned()), Fault::HangUpAfterDot)]);
        let send = begun(press(&app.state, &app.store, campaign).await);
        let message = on_db!(app.db(), |pool| sqlx::query_scalar(
            "select id from messages where send_id = $1 and addr_norm = 'p000002@example.com'"
        )
        .bind(send)
        .fetch_one(pool)
        .await)
        .unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
        Self {
            app,
            sink,
            campaign,
            send,
            message,
            stop,
            task,
        }
    }

    /// The second of them waits for its next try.
    async fn waiting(app: &'a TestApp, sink: &'a Sink) -> Self {
        belongs_to(app, Provider::Resend).await;
        let going = Self::begin(app, sink).await;
        going.until_row(&row("queued", 1)).await;
        sink.set_rules(vec![]);
        going
    }

    async fn row(&self) -> Row {
        on_db!(self.app.db(), |pool| sqlx::query_as(
            "select state, idempotent_retries from messages where id = $1"
        )
        .bind(self.message)
        .fetch_one(pool)
        .await)
        .unwrap()
    }

    async fn until_row(&self, wanted: &Row) {
        let begin = Instant::now();
        loop {
            let row = self.row().await;
            if row == *wanted {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "{row:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The next minute comes.
    fn a_minute_later(&self) {
        self.app.clock.set(self.app.now() + TimeDelta::minutes(1));
        self.app.state.wake.notify_one();
    }

    async fn change(&self, sql: &'static str, at: DateTime<Utc>) {
        let mut tx = self.app.db().begin().await.unwrap();
        on_tx!(&mut tx, |conn| sqlx::query(sql)
            .bind(self.message)
            .bind(at)
            .execute(&mut *conn)
            .await
            .map(|_| ()))
        .unwrap();
        tx.commit().await.unwrap();
    }

    async fn post(&self, path: &str) {
        let cookie = self.app.sign_in_as(Role::Owner).await;
        let page = format!("/marketing/campaigns/{}", self.campaign);
        let fields = [("send_id", &*self.send.to_string())];
        self.app.post_form(path, &page, &fields, &cookie).await;
    }

    async fn ended(&self) -> SendRecord {
        until(&self.app.state, &self.app.store, self.send, |s| !s.state.is_open()).await
    }

    /// [`Going::ended`], however many minutes that takes.
    async fn ended_in_the_end(&self) -> SendRecord {
        loop {
            let send = queries::find(self.app.db(), self.app.store.id, self.send).await;
            let send = send.unwrap().unwrap();
            if !send.state.is_open() {
                return send;
            }
            self.a_minute_later();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The program starts anew.
    async fn restarted(self) -> Self {
        self.stop.cancel();
        self.task.await.unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatch::run(self.app.state.clone(), stop.clone()));
        Self { stop, task, ..self }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// What the mail server has for the second of them, byte for byte.
    fn copies(&self) -> Vec<String> {
        let received = self.sink.received().into_iter();
        let theirs = received.filter(|one| one.recipient.starts_with("p000002"));
        theirs.map(|one| String::from_utf8(one.bytes).unwrap()).collect()
    }
}

fn key_in(message: &str) -> Option<&str> {
    let (_, after) = message.split_once("Resend-Idempotency-Key: ")?;
    after.split("\r\n").next()
}

both!(
    what_was_never_answered_is_tried_again_with_the_same_key,
    "?connections=1",
    |app, sink| {
        let going = Going::waiting(&app, &sink).await;
        let open = queries::find(app.db(), app.store.id, going.send)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(open.state, SendState::Sending, "it has not ended without them");
        assert_eq!(going.copies().len(), 1);
        going.a_minute_later();
        assert_eq!(going.ended().await.state, SendState::Done);
        assert_eq!(going.row().await, row("accepted", 1));
        let copies = going.copies();
        assert_eq!(copies.len(), 2);
        assert_eq!(copies[0], copies[1], "the provider must know it for the same message");
        let installation = loupe::context::installation::id(app.db()).await.unwrap();
        let key = format!("{}.{installation}", going.message);
        assert_eq!(key_in(&copies[0]), Some(key.as_str()));
        let mut keys: Vec<String> = sink
            .received()
            .iter()
            .filter_map(|one| key_in(&String::from_utf8_lossy(&one.bytes)).map(str::to_owned))
            .collect();
        assert_eq!(keys.len(), 4, "every message has one");
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 3, "each its own: that many arrive");
        assert_eq!(tally(app.db(), &app.store, going.send).await.sent, 3);
        assert_eq!(status(app.db(), going.campaign).await, "sent");
        going.stop().await;
    }
);

both!(
    at_any_other_provider_it_is_never_sent_again,
    "?connections=1",
    |app, sink| {
        let kept = belongs_to(&app, Provider::Postmark).await;
        let going = Going::begin(&app, &sink).await;
        assert_eq!(going.ended().await.state, SendState::Done);
        going.a_minute_later();
        assert_eq!(going.row().await, row("unconfirmed", 0));
        let copies = going.copies();
        let installation = loupe::context::installation::id(app.db()).await.unwrap();
        let ours = format!("X-PM-Metadata-loupe-message: {}.{installation}\r\n", going.message);
        assert!(copies.len() == 1 && copies[0].contains(&ours), "{copies:?}");
        assert_eq!(key_in(&copies[0]), None);
        // What left with it comes back.
        let id = format!("{}.{installation}", going.message);
        let post = Post::of(&app, Provider::Postmark, "Bounce", &id, 0);
        assert_eq!(post.to(&app, &kept).await, 200);
        assert_eq!(going.row().await, row("accepted", 0));
        going.stop().await;
    }
);

both!(
    it_is_tried_three_times_and_then_waits_for_a_person,
    "?connections=1",
    |app, sink| {
        let going = Going::waiting(&app, &sink).await;
        for idempotent_retries in 1..=3 {
            going.until_row(&row("queued", idempotent_retries)).await;
            sink.set_rules(vec![Rule::new(When::To("p000002".to_owned()), Fault::HangUpAfterDot)]);
            going.a_minute_later();
        }
        assert_eq!(going.ended_in_the_end().await.state, SendState::Done);
        assert_eq!(going.row().await, row("unconfirmed", 3));
        let copies = going.copies();
        assert_eq!(copies.len(), 4);
        assert!(copies.iter().all(|copy| *copy == copies[0]));
        going.stop().await;
    }
);

both!(
    that_a_repeat_is_refused_says_nothing_of_the_first_copy,
    "?connections=1",
    |app, sink| {
        let going = Going::waiting(&app, &sink).await;
        sink.set_rules(vec![Rule::new(When::To("p000002".to_owned()), Fault::Dot(550))]);
        assert_eq!(going.ended_in_the_end().await.state, SendState::Done);
        assert_eq!(going.row().await, row("unconfirmed", 3));
        assert_eq!(tally(app.db(), &app.store, going.send).await.unconfirmed, 1);
        going.stop().await;
    }
);

both!(a_key_that_is_too_old_is_not_used, "?connections=1", |app, sink| {
    let going = Going::waiting(&app, &sink).await;
    let old = DateTime::<Utc>::UNIX_EPOCH;
    going
        .change("update messages set key_until = $2 where id = $1", old)
        .await;
    going.a_minute_later();
    assert_eq!(going.ended().await.state, SendState::Done);
    assert_eq!(going.row().await, row("unconfirmed", 1));
    assert_eq!(going.copies().len(), 1);
    going.stop().await;
});

// Each of these alone keeps it where it is.
both!(only_what_the_provider_would_not_send_twice_goes_back, |app| {
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    midway(app.db(), send, 3).await;
    let through = ProviderAccount {
        account: "shop@mail.example.com:465",
        is_idempotent: true,
    };
    let fine = "update messages set state = 'unconfirmed', account = 'shop@mail.example.com:465', key_until = $2,
                       next_at = null where send_id = $1";
    let tomorrow = loupe::time::Clock::System.now() + TimeDelta::days(1);
    let goes_back = async |change: &'static str, at: DateTime<Utc>, through| {
        let mut tx = app.db().begin().await.unwrap();
        for (sql, at) in [(fine, tomorrow), (change, at)] {
            on_tx!(&mut tx, |conn| sqlx::query(sql)
                .bind(send)
                .bind(at)
                .execute(&mut *conn)
                .await
                .map(|_| ()))
            .unwrap();
        }
        // Not committed: the next one begins where this one did.
        idempotent_retry::queue(&mut tx, send, through, app.now())
            .await
            .unwrap()
    };
    let nothing = "update messages set settled_at = $2 where send_id = $1";
    assert_eq!(goes_back(nothing, tomorrow, through).await, 3);
    let another = ProviderAccount {
        account: "shop@elsewhere.example.com:465",
        ..through
    };
    let no_keys = ProviderAccount {
        is_idempotent: false,
        ..through
    };
    assert_eq!(
        goes_back(nothing, tomorrow, another).await,
        0,
        "it left through another account"
    );
    assert_eq!(
        goes_back(nothing, tomorrow, no_keys).await,
        0,
        "the provider is none that takes it once"
    );
    for change in [
        "update messages set key_until = null, settled_at = $2 where send_id = $1",
        "update messages set key_until = $2 where send_id = $1",
        "update messages set account = null, settled_at = $2 where send_id = $1",
        "update messages set idempotent_retries = 3, settled_at = $2 where send_id = $1",
        "update messages set resolution = 'sent_again', settled_at = $2 where send_id = $1",
        "update messages set state = 'accepted', settled_at = $2 where send_id = $1",
        "update messages set state = 'rejected', settled_at = $2 where send_id = $1",
        "update sends set state = 'done', finished_at = $2 where id = $1",
        "update sends set paused_by = 'Priya', paused_at = $2 where id = $1",
        "update customers set do_not_contact = true, updated_at = $2 where $1 > 0",
        "update customers set email_consent = 'withdrawn', updated_at = $2 where $1 > 0",
    ] {
        let past = app.now() - TimeDelta::days(365);
        assert_eq!(goes_back(change, past, through).await, 0, "{change}");
    }
});

both!(
    who_opts_out_meanwhile_is_not_sent_to_and_stays_unconfirmed,
    "?connections=1",
    |app, sink| {
        let going = Going::waiting(&app, &sink).await;
        going
            .change(
                "update customers set email_consent = 'withdrawn', updated_at = $2
              where id = (select customer_id from messages where id = $1)",
                app.now(),
            )
            .await;
        going.a_minute_later();
        assert_eq!(going.ended().await.state, SendState::Done);
        assert_eq!(
            going.row().await,
            row("unconfirmed", 1),
            "skipped would say that they have nothing"
        );
        assert_eq!(going.copies().len(), 1);
        going.stop().await;
    }
);

both!(a_stop_leaves_it_unconfirmed, "?connections=1", |app, sink| {
    let going = Going::waiting(&app, &sink).await;
    going.post("/api/sends/stop").await;
    going.a_minute_later();
    assert!(!going.ended().await.state.is_open());
    assert_eq!(going.row().await, row("unconfirmed", 1));
    assert_eq!(going.copies().len(), 1);
    going.stop().await;
});

both!(a_pause_holds_it_back, "?connections=1", |app, sink| {
    let going = Going::waiting(&app, &sink).await;
    going.post("/api/sends/pause").await;
    going.a_minute_later();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((going.row().await, going.copies().len()), (row("queued", 1), 1));
    going.post("/api/sends/resume").await;
    assert_eq!(going.ended().await.state, SendState::Done);
    assert_eq!((going.row().await, going.copies().len()), (row("accepted", 1), 2));
    going.stop().await;
});

both!(another_mail_account_does_not_send_it, "?connections=1", |app, sink| {
    let going = Going::waiting(&app, &sink).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    app.post_form("/api/settings/mail-provider", "/settings", &[("provider", "")], &cookie)
        .await;
    let going = going.restarted().await;
    going.a_minute_later();
    assert_eq!(going.ended().await.state, SendState::Done);
    assert_eq!((going.row().await, going.copies().len()), (row("unconfirmed", 1), 1));
    going.stop().await;
});

both!(an_event_spares_it_another_try, "?connections=1", |app, sink| {
    let kept = belongs_to(&app, Provider::Resend).await;
    let going = Going::waiting(&app, &sink).await;
    let installation = loupe::context::installation::id(app.db()).await.unwrap();
    let id = format!("{}.{installation}@aurelia.example.com", going.message);
    let post = Post::of(&app, Provider::Resend, "email.sent", &id, 0);
    assert_eq!(post.to(&app, &kept).await, 200);
    assert_eq!(going.ended().await.state, SendState::Done);
    going.a_minute_later();
    assert_eq!((going.row().await, going.copies().len()), (row("accepted", 1), 1));
    assert_eq!(tally(app.db(), &app.store, going.send).await.sent, 3);
    going.stop().await;
});

// The event is faster than the answer to the message.
both!(
    an_event_about_a_message_on_the_wire_settles_it,
    "?connections=1",
    |app, sink| {
        let kept = belongs_to(&app, Provider::Resend).await;
        people::crowd(app.db(), app.store.id, 1, &[], app.now()).await;
        let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
        let send = begun(press(&app.state, &app.store, campaign).await);
        sink.hold_answers();
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
        while sink.received().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let id = sink.received()[0].message_id.trim_matches(['<', '>']).to_owned();
        let never = Post::of(&app, Provider::Resend, "email.failed", &id, 0);
        assert_eq!(never.to(&app, &kept).await, 200);
        assert_eq!(
            tally(app.db(), &app.store, send).await.waiting,
            1,
            "its own answer is coming"
        );
        let sent = Post::of(&app, Provider::Resend, "email.sent", &id, 0);
        assert_eq!(sent.to(&app, &kept).await, 200);
        assert_eq!(tally(app.db(), &app.store, send).await.sent, 1);
        // Nobody is waited for any more, though the connection still is.
        let ended = until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
        assert_eq!(
            (ended.state, status(app.db(), campaign).await.as_str()),
            (SendState::Done, "sent")
        );
        sink.release_answers();
        stop.cancel();
        task.await.unwrap();
        assert_eq!(tally(app.db(), &app.store, send).await.sent, 1);
        assert_eq!(sink.received().len(), 1);
    }
);
