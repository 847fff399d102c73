//! How long the exact count of an audience takes, by type of filter, and writing it down at send.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use loupe::{
    auth::model::StoreId,
    bound,
    db::{self, Db},
    on_db, on_tx,
    recipients::{
        filter_sql::{AudienceSql, Picked, Scope},
        model::RecipientFilter,
        rules, store,
    },
    segments,
    sends::{self, model::SendKind, store::NewSend},
    stores::model::Store,
    time::Clock,
};

use crate::{
    Error,
    books::{self, Dice, Roughness, TAGS},
    databases::{self, Folder},
};

/// Customers are written in transactions of this many.
const AT_ONCE: u64 = 2_000;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    pub people: u64,
    /// Counts of each type of filter.
    pub rounds: usize,
    /// How often everybody is written into a send.
    pub expansions: usize,
    pub postgres: Option<String>,
}

/// Counts random filters of each type, and writes sends, in a database made for it: SQLite, and
/// PostgreSQL if there is one.
pub async fn run(plan: &Plan) -> Result<(), Error> {
    let folder = Folder::new()?;
    println!(
        "{:<11} {:<28} {:>9} {:>9} {:>9}   {:>9}",
        "database", "exact partition of", "p50 ms", "p95 ms", "max ms", "plain p50"
    );
    for url in databases::empty(&folder, plan.postgres.as_deref()).await? {
        on(&url, plan).await?;
    }
    Ok(())
}

async fn on(url: &str, plan: &Plan) -> Result<(), Error> {
    let db = db::connect(url).await?;
    db::migrate(&db).await?;
    let now = Clock::System.now();
    let store = filled(&db, "counts", plan.people, now).await?;
    let scope = rules::scope(&store, now, None);
    // A neighbour, so that a store is never the whole table.
    filled(&db, "next-door", plan.people / 10, now).await?;
    db.refresh_statistics().await?;

    let ids = ids(&db, scope.store).await?;
    let segments = segments::store::all(&db, scope.store).await?;
    let mut dice = Dice(7);
    let mut every = Vec::new();
    for kind in ["all", "segment", "tags", "manual"] {
        let (mut times, mut plain) = (Vec::new(), Vec::new());
        for round in 0..plan.rounds {
            let segment = dice.pick(&segments);
            let filter = match kind {
                "all" => RecipientFilter::All,
                "segment" => RecipientFilter::Segment(segment.id),
                "tags" => {
                    RecipientFilter::Tags((0..1 + dice.below(4)).map(|_| (*dice.pick(&TAGS)).to_owned()).collect())
                }
                _ => RecipientFilter::Manual((0..1 + dice.below(2000)).map(|_| *dice.pick(&ids)).collect()),
            };
            times.push(timed(&db, &scope, &filter, round % 20 == 0).await?);
            let picked = Picked::new(&filter, segment.system());
            plain.push(plainly(&db, &scope, &picked).await?);
        }
        every.extend(times.clone());
        report(&db, kind, times, plain);
    }
    report(&db, "any of these", every, Vec::new());
    let mut times = Vec::new();
    for _ in 0..20 {
        let moment = segments::rule_sql::Moment { now, zone: scope.zone };
        let started = Instant::now();
        segments::store::counts(&db, scope.store, moment).await?;
        times.push(started.elapsed());
    }
    report(&db, "all segments at once", times, Vec::new());
    let mut times = Vec::new();
    for _ in 0..plan.expansions {
        times.push(expanded(&db, &scope, plan.people, now).await?);
    }
    report(&db, "everybody, written at send", times, Vec::new());
    db.close().await;
    Ok(())
}

/// How many would get it, without saying why others would not.
async fn plainly(db: &Db, scope: &Scope, picked: &Picked) -> Result<Duration, Error> {
    let sql = AudienceSql::of(db.backend(), scope, picked);
    let statement = format!(
        "select count(*) from customers c where {} and c.email_standing = 0",
        sql.matched
    );
    let started = Instant::now();
    on_db!(db, |pool| bound!(
        sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(statement)).persistent(false),
        sql.binds
    )
    .fetch_one(pool)
    .await)?;
    Ok(started.elapsed())
}

/// Writes everybody into a send, durably, and clears that away again.
async fn expanded(db: &Db, scope: &Scope, people: u64, now: DateTime<Utc>) -> Result<Duration, Error> {
    let token = uuid::Uuid::new_v4().to_string();
    let new = NewSend {
        store: scope.store,
        campaign: None,
        of_send: None,
        kind: SendKind::Bulk,
        token: &token,
        label: "Bench",
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
        started_by: "Bench",
        started_at: now,
        planned: None,
    };
    let started = Instant::now();
    let mut tx = db.begin().await?;
    let send = sends::store::insert(&mut tx, &new)
        .await?
        .ok_or("a send with this token exists")?;
    let written = store::freeze(&mut tx, scope, &RecipientFilter::All, send, now).await?;
    tx.commit().await?;
    let took = started.elapsed();
    if written.matched != i64::try_from(people)? {
        return Err(format!("{} of {people} written", written.matched).into());
    }
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |conn| sqlx::query("delete from messages")
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
    tx.commit().await?;
    Ok(took)
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

async fn filled(db: &Db, slug: &str, people: u64, now: DateTime<Utc>) -> Result<Store, Error> {
    let store = databases::open_store(db, slug, now).await?;
    let mut dice = Dice(store.id.0.unsigned_abs());
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
        books::write(&mut tx, store.id, &some).await?;
        tx.commit().await?;
    }
    Ok(store)
}

async fn ids(db: &Db, store: StoreId) -> sqlx::Result<Vec<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select id from customers where store_id = $1 order by id"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

fn report(db: &Db, what: &str, mut times: Vec<Duration>, mut plain: Vec<Duration>) {
    times.sort_unstable();
    plain.sort_unstable();
    println!(
        "{:<11} {what:<28} {:>9} {:>9} {:>9}   {:>9}",
        format!("{:?}", db.backend()),
        ms(&times, 50),
        ms(&times, 95),
        ms(&times, 100),
        ms(&plain, 50)
    );
}

/// The time that so many in a hundred do not exceed, in milliseconds.
fn ms(sorted: &[Duration], part: usize) -> String {
    let at = (sorted.len() * part).div_ceil(100).max(1) - 1;
    let time = sorted.get(at).map(|time| format!("{:.1}", time.as_secs_f64() * 1000.0));
    time.unwrap_or_default()
}
