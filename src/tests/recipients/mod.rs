//! Who a message is for, and who of them will not get it and why.

mod addresses;
mod freezing;
mod partition;
mod picking;
mod plans;
mod reasons;
mod segments;
mod shared_addresses;
mod tag_sets;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use loupe::{
    ids::StoreId,
    on_db, on_tx,
    recipients::{
        filter_queries::Scope,
        model::{RecipientFilter, SkipReason},
        queries, rules,
    },
    sends::{
        model::SendKind,
        queries::{self as sends, NewSend},
    },
};

use crate::support::{
    app::TestApp,
    books::{self, Someone},
};

/// What comes of each customer: none gets it.
type Outcome = BTreeMap<i64, Option<SkipReason>>;

/// The book of the test's store, now.
fn scope(app: &TestApp) -> Scope {
    rules::scope(&app.store, app.now(), None)
}

/// Somebody fine, in the book for a year.
fn someone(app: &TestApp, name: &str) -> Someone {
    Someone::new(name, app.now() - Duration::days(365))
}

async fn write(app: &TestApp, people: &[Someone]) -> Vec<i64> {
    write_for(app, app.store.id, people).await
}

async fn write_for(app: &TestApp, store: StoreId, people: &[Someone]) -> Vec<i64> {
    let mut tx = app.db().begin().await.unwrap();
    let ids = books::write(&mut tx, store, people).await.unwrap();
    tx.commit().await.unwrap();
    ids
}

/// Everybody the filter means, from the names of each reason.
async fn outcome(app: &TestApp, scope: &Scope, filter: &RecipientFilter) -> Outcome {
    let mut outcome = Outcome::new();
    for reason in std::iter::once(None).chain(SkipReason::ALL.into_iter().map(Some)) {
        for named in queries::names(app.db(), scope, filter, reason, 10_000, 0)
            .await
            .unwrap()
        {
            let twice = outcome.insert(named.id, reason);
            assert!(twice.is_none(), "{named:?} has two reasons");
        }
    }
    outcome
}

/// A campaign of the store.
async fn campaign(app: &TestApp, store: StoreId) -> i64 {
    let mut tx = app.db().begin().await.unwrap();
    let id = on_tx!(&mut tx, |conn| sqlx::query_scalar(
        "insert into campaigns (store_id, name, subject, body, created_by, created_at, updated_by, updated_at)
         values ($1, 'Autumn', 'Hello', 'Hello', 'Priya', $2, 'Priya', $2) returning id"
    )
    .bind(store)
    .bind(app.now())
    .fetch_one(&mut *conn)
    .await)
    .unwrap();
    tx.commit().await.unwrap();
    id
}

/// A send to freeze an audience into.
async fn begin_send(tx: &mut loupe::db::Tx, store: StoreId, campaign: Option<i64>, now: DateTime<Utc>) -> i64 {
    let token = loupe::tokens::public();
    let new = NewSend {
        of_send: None,
        store,
        campaign,
        kind: if campaign.is_some() {
            SendKind::Campaign
        } else {
            SendKind::Bulk
        },
        token: &token,
        label: "Autumn",
        subject: "Hello",
        body: "Hello",
        fallbacks: "{}",
        filter: "{}",
        audience_words: "All customers",
        from_name: "Aurelia",
        from_email: "hello@aurelia.example.com",
        reply_to: None,
        store_name: "Aurelia",
        footer: "Sydney",
        signature: "Priya",
        hold_until: now,
        shown_count: None,
        started_by: "Priya",
        started_at: now,
        scheduled: None,
    };
    sends::insert(tx, &new).await.unwrap().unwrap()
}

/// A message of an earlier send of the campaign, in a state.
async fn earlier_message(app: &TestApp, store: StoreId, campaign: i64, customer: i64, address: &str, state: &str) {
    let mut tx = app.db().begin().await.unwrap();
    let send = begin_send(&mut tx, store, Some(campaign), app.now()).await;
    on_tx!(&mut tx, |conn| sqlx::query(
        "insert into messages (store_id, send_id, customer_id, channel, state, name, first_name, last_name, address,
                               addr_norm, unsubscribe_token, created_at, lease_until, settled_at)
         values ($1, $2, $3, 'email', $4, 'Somebody', '', '', $5, $5, 'token', $6,
                 case when $4 in ('leased', 'attempting') then $6 end, case when $4 not in ('leased', 'attempting') then $6 end)"
    )
    .bind(store)
    .bind(send)
    .bind(customer)
    .bind(state)
    .bind(address)
    .bind(app.now())
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}

/// Runs a statement with one id.
async fn change(app: &TestApp, statement: &'static str, id: i64) {
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(statement)
        .bind(id)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}

/// One number.
async fn number(app: &TestApp, statement: &'static str, id: i64) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(statement)
        .bind(id)
        .fetch_one(pool)
        .await)
    .unwrap()
}

/// The id of a system segment of the store.
async fn segment(app: &TestApp, store: StoreId, key: &str) -> RecipientFilter {
    let all = loupe::segments::queries::all(app.db(), store).await.unwrap();
    let found = all.iter().find(|s| s.system_key.as_deref() == Some(key));
    RecipientFilter::Segment(found.unwrap().id)
}
