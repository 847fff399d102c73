//! Somebody who asks again and again how many a filter means, in a store full of people.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use tokio::task::JoinHandle;

use tokio_util::sync::CancellationToken;

use loupe::{
    bound,
    db::Db,
    ids::StoreId,
    on_db,
    recipients::{
        filter_queries::{AudienceSql, Picked, Scope},
        model::RecipientFilter,
        queries, rules,
    },
    segments,
    stores::{self, model::Store},
    time::Clock,
};

use crate::{
    Error,
    books::{Dice, TAGS},
    crowd, databases,
};

const SLUG: &str = "counts";

/// Between two questions while something else goes on.
const PAUSE: Duration = Duration::from_millis(50);

/// The types of filter.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum Kind {
    All,
    Segment,
    Tags,
    Manual,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::All, Kind::Segment, Kind::Tags, Kind::Manual];

    pub fn name(self) -> &'static str {
        match self {
            Kind::All => "all customers",
            Kind::Segment => "a segment",
            Kind::Tags => "any of up to four tags",
            Kind::Manual => "up to 2,000 picked by hand",
        }
    }
}

/// How long one answer took, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Answer {
    pub kind: Kind,
    /// Which question it was, counted from 0.
    pub question: usize,
    /// Who gets it, and who does not for each reason, as the pages ask it.
    pub exact: f64,
    /// Only how many get it.
    pub plain: f64,
}

/// The store, and what may be asked about it.
#[derive(Debug)]
pub struct Asker {
    pub db: Db,
    store: Store,
    now: DateTime<Utc>,
    /// Asked one after another, so that every median is of the same questions.
    questions: Vec<Question>,
    asked: usize,
}

#[derive(Debug)]
struct Question {
    kind: Kind,
    filter: RecipientFilter,
    picked: Picked,
}

impl Asker {
    /// Writes a store with so many people in it.
    pub async fn fill(db: &Db, people: u64) -> Result<(), Error> {
        let store = databases::open_store(db, SLUG, Clock::System.now()).await?;
        crowd::fill(db, store.id, people).await
    }

    /// About the store that [`Asker::fill`] wrote.
    pub async fn open(db: &Db) -> Result<Self, Error> {
        let store = stores::queries::by_slug(db, SLUG).await?.ok_or("no store")?;
        let ids = ids(db, store.id).await?;
        let mut dice = Dice(11);
        let mut questions = Vec::new();
        for segment in segments::queries::all(db, store.id).await? {
            for kind in Kind::ALL {
                let filter = match kind {
                    Kind::All => RecipientFilter::All,
                    Kind::Segment => RecipientFilter::Segment(segment.id),
                    Kind::Tags => {
                        RecipientFilter::Tags((0..1 + dice.below(4)).map(|_| (*dice.pick(&TAGS)).to_owned()).collect())
                    }
                    Kind::Manual => {
                        RecipientFilter::Manual((0..1 + dice.below(2000)).map(|_| *dice.pick(&ids)).collect())
                    }
                };
                let picked = Picked::new(&filter, segment.system());
                questions.push(Question { kind, filter, picked });
            }
        }
        Ok(Self {
            db: db.clone(),
            now: Clock::System.now(),
            store,
            questions,
            asked: 0,
        })
    }

    /// How many questions there are: as many of each kind.
    pub fn questions(&self) -> usize {
        self.questions.len()
    }

    pub fn scope(&self) -> Scope {
        rules::scope(&self.store, self.now, None)
    }

    /// Asks the next question. With `check`, that the parts are the whole too.
    pub async fn ask(&mut self, check: bool) -> Result<Answer, Error> {
        let scope = self.scope();
        let number = self.asked % self.questions.len();
        let question = self.questions.get(number).ok_or("no questions")?;
        self.asked += 1;
        let kind = question.kind;
        let exact = exactly(&self.db, &scope, &question.filter, check).await?;
        let plain = plainly(&self.db, &scope, &question.picked).await?;
        Ok(Answer {
            kind,
            question: number,
            exact,
            plain,
        })
    }

    /// Milliseconds for the sizes of all segments at once.
    pub async fn all_segments(&self) -> Result<f64, Error> {
        let zone = self.scope().zone;
        let moment = segments::rule_queries::Moment { now: self.now, zone };
        let started = Instant::now();
        segments::queries::counts(&self.db, self.store.id, moment).await?;
        Ok(since(started))
    }

    /// Asks until told to end.
    pub fn keep_asking(mut self) -> Asking {
        let stop = CancellationToken::new();
        let ended = stop.clone();
        let task = tokio::spawn(async move {
            let mut answers = Vec::new();
            while !ended.is_cancelled() {
                answers.push(self.ask(false).await.map_err(|error| error.to_string())?);
                tokio::time::sleep(PAUSE).await;
            }
            Ok(answers)
        });
        Asking { stop, task }
    }
}

/// Questions that are being asked.
#[derive(Debug)]
pub struct Asking {
    stop: CancellationToken,
    task: JoinHandle<Result<Vec<Answer>, String>>,
}

impl Asking {
    pub async fn end(self) -> Result<Vec<Answer>, Error> {
        self.stop.cancel();
        Ok(self.task.await??)
    }
}

async fn exactly(db: &Db, scope: &Scope, filter: &RecipientFilter, check: bool) -> Result<f64, Error> {
    let started = Instant::now();
    let audience = queries::count(db, scope, filter).await?;
    let took = since(started);
    if audience.matched != audience.will_send + audience.skipped_total() {
        return Err(format!("{filter:?}: {audience:?} does not add up").into());
    }
    if check {
        let named = queries::names(db, scope, filter, None, i64::MAX, 0).await?;
        if i64::try_from(named.len())? != audience.will_send {
            return Err(format!("{filter:?}: {} names for {audience:?}", named.len()).into());
        }
    }
    Ok(took)
}

/// How many would get it, without saying why others would not.
async fn plainly(db: &Db, scope: &Scope, picked: &Picked) -> Result<f64, Error> {
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
    Ok(since(started))
}

async fn ids(db: &Db, store: StoreId) -> sqlx::Result<Vec<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select id from customers where store_id = $1 order by id"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

fn since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}
