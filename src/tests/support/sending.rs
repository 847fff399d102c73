//! Campaigns to send, and a dispatcher to send them.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use loupe::{
    context::AppState,
    db::Db,
    dispatch,
    messages::{self, model::Tally},
    on_db, on_tx,
    recipients::model::RecipientFilter,
    sends::{
        model::SendState,
        queries::{self, SendRecord},
        rules::{Initiator, StartCampaign, Started, start_campaign_as},
    },
    stores::model::Store,
};

/// A draft with a subject and a body that use a name.
pub async fn draft(db: &Db, store: &Store, name: &str, filter: &RecipientFilter) -> i64 {
    let mut tx = db.begin().await.expect("a transaction");
    let filter = serde_json::to_string(filter).expect("a filter");
    let id = on_tx!(&mut tx, |conn| {
        sqlx::query_scalar(
        "insert into campaigns (store_id, name, subject, body, filter, created_by, created_at, updated_by, updated_at)
         values ($1, $2, 'For you, {{first_name}}', 'Dear {{first_name}},\n\nCome and see.', $3, 'Test', $4, 'Test', $4)
         returning id"
    )
    .bind(store.id)
    .bind(name)
    .bind(filter)
    .bind(store.created_at)
    .fetch_one(&mut *conn)
    .await
    })
    .expect("a campaign");
    tx.commit().await.expect("a commit");
    id
}

/// Somebody who presses Send now.
pub fn initiator(state: &AppState, store: &Store) -> Initiator {
    Initiator {
        store: store.clone(),
        name: "Priya Nair".to_owned(),
        now: state.clock.now(),
        undo_seconds: state.settings.undo_seconds.unwrap_or(0),
    }
}

/// Presses Send now on a campaign.
pub async fn press(state: &AppState, store: &Store, campaign: i64) -> Started {
    let what = StartCampaign {
        campaign_id: campaign,
        version: None,
        token: loupe::tokens::public(),
        skip_already: true,
        shown_count: None,
    };
    start_campaign_as(&state.db, &initiator(state, store), &what)
        .await
        .expect("it starts")
}

/// The send that was begun.
pub fn begun(started: Started) -> i64 {
    match started {
        Started::Sending { send_id } => send_id,
        other => panic!("nothing was begun: {other:?}"),
    }
}

/// Runs a dispatcher until this send has ended.
pub async fn deliver(state: &AppState, store: &Store, send: i64) -> SendRecord {
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(state.clone(), stop.clone()));
    let send = until(state, store, send, |s| !s.state.is_open()).await;
    stop.cancel();
    task.await.expect("the dispatcher stops");
    send
}

/// Waits until a send is as wanted; three minutes at most: a busy disk takes its time.
pub async fn until(state: &AppState, store: &Store, send: i64, wanted: impl Fn(&SendRecord) -> bool) -> SendRecord {
    let begin = Instant::now();
    loop {
        let now = queries::find(&state.db, store.id, send)
            .await
            .expect("a read")
            .expect("a send");
        if wanted(&now) {
            return now;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(180),
            "still {now:?} after three minutes"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The numbers of a send.
pub async fn tally(db: &Db, store: &Store, send: i64) -> Tally {
    messages::tallies::of_send(db, store.id, send).await.expect("a tally")
}

/// The status word of a campaign.
pub async fn status(db: &Db, campaign: i64) -> String {
    on_db!(db, |pool| sqlx::query_scalar(
        "select status from campaigns where id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
    .expect("a campaign")
}

/// Whether a send ended well.
pub fn is_done(send: &SendRecord) -> bool {
    send.state == SendState::Done
}

/// The newest send of a campaign.
pub async fn latest(db: &Db, store: &Store, campaign: i64) -> i64 {
    let send = queries::latest_of_campaign(db, store.id, campaign).await;
    send.expect("sends").expect("a send").id
}

/// A send in the middle: as if a dispatcher had begun it, and had `settled` of its people behind it.
pub async fn midway(db: &Db, send: i64, settled: i64) {
    let mut tx = db.begin().await.expect("a transaction");
    on_tx!(&mut tx, |conn| sqlx::query(
        "update sends set state = 'sending' where id = $1"
    )
    .bind(send)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .expect("a send");
    on_tx!(&mut tx, |conn| sqlx::query(
        "update messages set state = 'accepted', settled_at = created_at, next_at = null
          where id in (select id from messages where send_id = $1 and state = 'queued' order by id limit $2)"
    )
    .bind(send)
    .bind(settled)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .expect("its messages");
    tx.commit().await.expect("a commit");
}
