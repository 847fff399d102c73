//! The demo store.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use loupe::{
    campaigns::{self, list::ListQuery},
    context::{Settings, settings::Given},
    db::{Backend, Db},
    demo, messages, on_db,
    recipients::{self, model::RecipientFilter},
    rendering, segments, sends,
    stores::{self, model::Store},
};

use crate::support::{app::START, db};

struct Filled {
    db: Db,
    settings: Settings,
    store: Store,
    made: demo::Summary,
    _folder: tempfile::TempDir,
}

async fn filled(backend: Backend, now: DateTime<Utc>) -> Filled {
    let folder = tempfile::tempdir().unwrap();
    let (db, url) = db::fresh(backend, folder.path()).await;
    let given = Given {
        database_url: Some(url),
        secret_key: Some("a secret key for tests, long enough".to_owned()),
        ..Given::default()
    };
    let settings = Settings::resolve(given, None).unwrap();
    let made = demo::fill(&db, &settings, now).await.unwrap().unwrap();
    let store = stores::queries::by_slug(&db, demo::SLUG).await.unwrap().unwrap();
    Filled {
        db,
        settings,
        store,
        made,
        _folder: folder,
    }
}

fn start() -> DateTime<Utc> {
    START.parse().unwrap()
}

/// One whole number out of the database; `$1` is the store.
async fn number(shop: &Filled, sql: &'static str) -> i64 {
    on_db!(&shop.db, |pool| sqlx::query_scalar(sql)
        .bind(shop.store.id)
        .fetch_one(pool)
        .await)
    .unwrap()
}

async fn filling_twice_changes_nothing(backend: Backend) {
    let shop = filled(backend, start()).await;
    assert_eq!(shop.made.customers, 1_240);
    assert!(shop.store.is_demo);
    let again = demo::fill(&shop.db, &shop.settings, start() + Duration::days(3))
        .await
        .unwrap();
    assert!(again.is_none());
    assert_eq!(
        number(&shop, "select count(*) from customers where store_id = $1").await,
        1_240
    );
    let known = number(&shop, "select count(*) from users where store_id = $1").await;
    assert_eq!(known, 5);
}

async fn its_numbers_are_its_rows(backend: Backend) {
    let shop = filled(backend, start()).await;
    let campaigns: Vec<(i64, i64, i64)> = on_db!(&shop.db, |pool| sqlx::query_as(
        "select id, sent_count, failed_count from campaigns where store_id = $1 and status = 'sent'"
    )
    .bind(shop.store.id)
    .fetch_all(pool)
    .await)
    .unwrap();
    assert_eq!(campaigns.len(), 5);
    for (campaign, sent, failed) in campaigns {
        let send = sends::queries::latest_of_campaign(&shop.db, shop.store.id, campaign)
            .await
            .unwrap()
            .unwrap();
        let tally = messages::tallies::of_send(&shop.db, shop.store.id, send.id)
            .await
            .unwrap();
        assert_eq!((tally.sent, tally.failed), (sent, failed), "{}", send.label);
        assert!(
            tally.sent > 40 && tally.skipped > 0 && tally.waiting == 0,
            "{}: {tally:?}",
            send.label
        );
    }
    let reached = "select count(*) from customers c where c.store_id = $1 and c.last_contacted_at is distinct from
        (select max(m.settled_at) from messages m where m.customer_id = c.id and m.state = 'accepted')";
    assert_eq!(
        number(&shop, reached).await,
        0,
        "last_contacted_at is the latest accepted message"
    );
    let spent = "select count(*) from customers c where c.store_id = $1 and c.spent_cents <>
        coalesce((select cast(sum(p.amount_cents) as bigint) from purchases p where p.customer_id = c.id), 0)";
    assert_eq!(number(&shop, spent).await, 0);
    let ledger = "select count(*) from customers c where c.store_id = $1 and c.email_consent <> coalesce(
        (select e.change from consent_events e where e.customer_id = c.id and e.channel = 'email' order by e.id desc limit 1), 'none')";
    assert_eq!(
        number(&shop, ledger).await,
        0,
        "each consent is the latest line of the ledger"
    );
}

async fn its_campaigns_are_found_by_searching(backend: Backend) {
    let shop = filled(backend, start()).await;
    let query = ListQuery::read("pearl evening", "sent", "", "", "", shop.store.zone());
    let (cards, total) = campaigns::queries::list(&shop.db, shop.store.id, &query, loupe::time::Clock::System.now())
        .await
        .unwrap();
    assert_eq!((cards.len(), total), (1, 1));
}

async fn no_segment_is_empty_and_every_reason_is_shown(backend: Backend) {
    let shop = filled(backend, start()).await;
    let scope = recipients::rules::scope(&shop.store, start(), None);
    for segment in segments::queries::all(&shop.db, shop.store.id).await.unwrap() {
        let filter = RecipientFilter::Segment(segment.id);
        let audience = recipients::queries::count(&shop.db, &scope, &filter).await.unwrap();
        assert!(audience.will_send > 0, "{}: {audience:?}", segment.name);
        assert_eq!(audience.will_send + audience.skipped_total(), audience.matched);
    }
    let all = recipients::queries::count(&shop.db, &scope, &RecipientFilter::All)
        .await
        .unwrap();
    assert!(all.skipped.len() >= 8, "{all:?}");
}

async fn nothing_in_it_reaches_anybody_real(backend: Backend) {
    let shop = filled(backend, start()).await;
    let elsewhere = "select count(*) from customers where store_id = $1 and email not like '%example.com'";
    assert_eq!(number(&shop, elsewhere).await, 0);
    let phones: Vec<String> = on_db!(&shop.db, |pool| sqlx::query_scalar(
        "select phone from customers where store_id = $1 and phone is not null"
    )
    .bind(shop.store.id)
    .fetch_all(pool)
    .await)
    .unwrap();
    assert!(phones.len() > 900);
    let fictional = |phone: &String| {
        let digits = phone.strip_prefix("+61").unwrap();
        digits.starts_with("49157") || digits[1..].starts_with("5550") || digits[1..].starts_with("7010")
    };
    assert_eq!(phones.iter().filter(|p| !fictional(p)).count(), 0);
}

macro_rules! on_both {
    ($($name:ident),*) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                super::$name(loupe::db::Backend::Sqlite).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                super::$name(loupe::db::Backend::Postgres).await;
            }
        }
    )*};
}

on_both!(
    filling_twice_changes_nothing,
    its_numbers_are_its_rows,
    its_campaigns_are_found_by_searching,
    no_segment_is_empty_and_every_reason_is_shown,
    nothing_in_it_reaches_anybody_real
);

/// Made on any day of the year.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_whole_whenever_it_is_made() {
    for days in [0, 64, 157, 245, 304] {
        let now = start() + Duration::days(days);
        let shop = filled(Backend::Sqlite, now).await;
        let scope = recipients::rules::scope(&shop.store, now, None);
        for segment in segments::queries::all(&shop.db, shop.store.id).await.unwrap() {
            let filter = RecipientFilter::Segment(segment.id);
            let audience = recipients::queries::count(&shop.db, &scope, &filter).await.unwrap();
            assert!(audience.will_send > 0, "{} on {now}", segment.name);
        }
        let planned = "select count(*) from campaigns where store_id = $1 and status = 'scheduled'";
        assert_eq!(number(&shop, planned).await, 1);
        let ahead = "select count(*) from purchases where store_id = $1 and bought_at > (select max(updated_at) from customers)";
        assert_eq!(number(&shop, ahead).await, 0, "nothing was bought in the future");
    }
}

/// What Aurelia wrote can be sent as it is.
#[test]
fn its_messages_have_nothing_to_mend() {
    let fallbacks: BTreeMap<String, String> = serde_json::from_str(demo::FALLBACKS).unwrap();
    let written = demo::TEMPLATES
        .iter()
        .map(|t| (t.1, t.2))
        .chain(demo::PAST.iter().map(|p| (p.subject, p.body)));
    for (subject, body) in written {
        let source = rendering::Source {
            subject,
            body,
            fallbacks: &fallbacks,
            store_name: "Aurelia",
            footer: "Aurelia Jewellers, 1 Example Arcade",
            signature: "Priya Raman\nAurelia",
            lang: "en-AU",
        };
        if let Err(problems) = rendering::compile(source) {
            panic!("{subject}: {problems:?}");
        }
    }
}
