//! How long the exact count of an audience takes, by type of filter.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use loupe::{
    auth::model::StoreId,
    db::{self, Db},
    on_db,
    recipients::{filter_sql::Scope, model::RecipientFilter, rules, store},
    segments, stores,
    time::Clock,
};

use crate::{
    Error,
    books::{self, Dice, Roughness, TAGS},
};

/// Customers are written in transactions of this many.
const AT_ONCE: u64 = 500;

/// Fills a store with `people` customers in the database at `url` (made for this; what an earlier
/// run filled is used again) and counts `rounds` random filters of each type.
pub async fn run(url: &str, people: u64, rounds: usize) -> Result<(), Error> {
    let db = db::connect(url).await?;
    db::migrate(&db).await?;
    let now = Clock::System.now();
    let started = Instant::now();
    let scope = rules::scope(&open_store(&db, "counts", people, now).await?, now, None);
    // A neighbour, so that a store is never the whole table.
    open_store(&db, "next-door", people / 10, now).await?;
    println!(
        "{:?}: {people} customers written in {:.1} s",
        db.backend(),
        started.elapsed().as_secs_f64()
    );
    db.refresh_statistics().await?;

    let ids = ids(&db, scope.store).await?;
    let segments: Vec<i64> = segments::store::all(&db, scope.store)
        .await?
        .iter()
        .map(|s| s.id)
        .collect();
    let mut dice = Dice(7);
    let mut worst = Duration::ZERO;
    for kind in ["all", "segment", "tags", "manual"] {
        let mut times = Vec::with_capacity(rounds);
        for round in 0..rounds {
            let filter = match kind {
                "all" => RecipientFilter::All,
                "segment" => RecipientFilter::Segment(*dice.pick(&segments)),
                "tags" => {
                    RecipientFilter::Tags((0..1 + dice.below(4)).map(|_| (*dice.pick(&TAGS)).to_owned()).collect())
                }
                _ => RecipientFilter::Manual((0..1 + dice.below(2000)).map(|_| *dice.pick(&ids)).collect()),
            };
            times.push(timed(&db, &scope, &filter, round % 20 == 0).await?);
        }
        worst = worst.max(report(kind, times));
    }
    let mut times = Vec::new();
    for _ in 0..20 {
        let moment = segments::rule_sql::Moment { now, zone: scope.zone };
        let started = Instant::now();
        segments::store::counts(&db, scope.store, moment).await?;
        times.push(started.elapsed());
    }
    report("all segments at once", times);
    println!("worst p95 {:.1} ms (aim: 50)", ms(worst));
    db.close().await;
    Ok(())
}

/// Counts once; now and then checks that the parts are the whole.
async fn timed(db: &Db, scope: &Scope, filter: &RecipientFilter, check: bool) -> Result<Duration, Error> {
    let started = Instant::now();
    let audience = store::count(db, scope, filter).await?;
    let took = started.elapsed();
    if audience.matched != audience.will_send + audience.skipped_total() {
        return Err(format!("{filter:?}: {audience:?} does not add up").into());
    }
    if check {
        let named = store::names(db, scope, filter, None, i64::MAX, 0).await?;
        if i64::try_from(named.len())? != audience.will_send {
            return Err(format!("{filter:?}: {} names for {audience:?}", named.len()).into());
        }
    }
    Ok(took)
}

async fn open_store(db: &Db, slug: &str, people: u64, now: DateTime<Utc>) -> Result<stores::model::Store, Error> {
    let new = stores::model::NewStore {
        slug: slug.to_owned(),
        name: "Aurelia".to_owned(),
        time_zone: "Australia/Sydney".to_owned(),
        country: "AU".to_owned(),
        currency: "AUD".to_owned(),
        from_name: "Aurelia".to_owned(),
        from_email: "hello@aurelia.example.com".to_owned(),
        footer: "1 George Street, Sydney".to_owned(),
        is_demo: false,
    };
    if let Some(store) = stores::store::by_slug(db, slug).await? {
        return Ok(store);
    }
    let mut tx = db.begin().await?;
    let id = stores::rules::open_store(&mut tx, &new, now).await?;
    tx.commit().await?;
    let mut dice = Dice(id.0.unsigned_abs());
    let rough = Roughness {
        trouble: 8,
        shared: 4,
        tagged: 40,
    };
    for start in (0..people).step_by(usize::try_from(AT_ONCE)?) {
        let mut tx = db.begin().await?;
        let some: Vec<_> = (start..(start + AT_ONCE).min(people))
            .map(|i| books::somebody(&mut dice, i, rough, now))
            .collect();
        books::write(&mut tx, id, &some).await?;
        tx.commit().await?;
    }
    Ok(stores::store::find(db, id).await?.ok_or("the store is gone")?)
}

async fn ids(db: &Db, store: StoreId) -> sqlx::Result<Vec<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select id from customers where store_id = $1 order by id"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

fn report(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let at = |part: usize| {
        times
            .get((times.len() * part).div_ceil(100).max(1) - 1)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "  {what:<22} p50 {:>6.1} ms   p95 {:>6.1} ms   max {:>6.1} ms   ({} counts)",
        ms(at(50)),
        ms(at(95)),
        ms(at(100)),
        times.len()
    );
    at(95)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
