//! A store with customers and campaigns, in a database of its own, beside a mail server that
//! keeps the truth.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use loupe::{
    context::{AppState, Settings, settings::Given},
    db::{self, Db},
    error::AppError,
    ids::StoreId,
    recipients::model::RecipientFilter,
    sends::rules::{Initiator, StartCampaign, Started, start_campaign_as},
    stores::{
        self,
        model::{NewStore, Store},
    },
    time::Clock,
};

use super::{
    Error,
    clock::WorkersClock,
    oracle::{self, Arrived, Verdict},
    people,
    person::Person,
    proxy::Proxy,
    rows_queries, sending,
    sink::{self, Rule, Sink},
    worker::Orders,
};

/// So short that an undo can come too late.
const UNDO_SECONDS: u64 = 2;

#[derive(Debug)]
pub struct Harness {
    pub db: Db,
    pub store: Store,
    pub sink: Sink,
    pub proxy: Proxy,
    pub clock: WorkersClock,
    pub orders: Orders,
    pub connections: u64,
    /// Given back when everybody had got it, or might have.
    pub nobody_left: HashSet<i64>,
    /// Stopped by a person for good: they go no further.
    pub given_up: HashSet<i64>,
    pub person: Person,
    /// Seconds in which that person's sends can be undone.
    pub undo_seconds: u64,
    /// Campaigns beyond those it was built with.
    more: u64,
}

impl Harness {
    /// Builds it: so many people, so many campaigns to all of them.
    pub async fn build(
        url: &str,
        folder: &Path,
        size: Size,
        rules: Vec<Rule>,
        lease_seconds: u64,
    ) -> Result<Self, Error> {
        // By name: what breaks the workers' connections leaves ours alone.
        let ours = match url.strip_prefix("postgres") {
            Some(_) => format!(
                "{url}{}application_name=house",
                if url.contains('?') { '&' } else { '?' }
            ),
            None => url.to_owned(),
        };
        let db = db::connect(&ours).await?;
        db::migrate(&db).await?;
        let store = open_store(&db).await?;
        let person = Person::sign_in(pages(&db, &ours)?, store.id).await?;
        people::crowd(&db, store.id, size.people, &["wedding"], Clock::System.now()).await;
        for n in 0..size.campaigns {
            let filter = match n % 2 {
                0 => RecipientFilter::All,
                _ => RecipientFilter::Tags(vec!["wedding".to_owned()]),
            };
            sending::draft(&db, &store, &format!("Campaign {n}"), &filter).await;
        }
        let settings = sink::Settings {
            rules,
            ..sink::Settings::default()
        };
        let sink = Sink::start(settings).await?;
        let proxy = Proxy::start(sink.address()).await?;
        let clock = WorkersClock::start(folder)?;
        let connections = size.connections;
        let rate = size.rate.map(|rate| format!("&rate={rate}")).unwrap_or_default();
        let orders = Orders {
            program: program()?,
            folder: folder.to_owned(),
            database: url.to_owned(),
            smtp: format!("smtp://{}?connections={connections}{rate}", proxy.address()),
            lease_seconds,
            clock: clock.file().to_owned(),
            file_blocks: None,
        };
        Ok(Self {
            db,
            store,
            sink,
            proxy,
            clock,
            orders,
            connections,
            nobody_left: HashSet::new(),
            given_up: HashSet::new(),
            undo_seconds: UNDO_SECONDS,
            person,
            more: 0,
        })
    }

    /// Presses Send now on the first drafts, twice each at the same time: one of two counts. What
    /// was given back when everybody had it already stays a draft, with nobody left to go to.
    pub async fn press_some(&mut self, most: usize) -> Result<Vec<i64>, Error> {
        let mut pressed = Vec::new();
        for campaign in self.drafts().await?.iter().take(most) {
            let (one, other) = tokio::join!(
                press(&self.db, &self.store, *campaign),
                press(&self.db, &self.store, *campaign)
            );
            let both = [&one, &other];
            let begun = both.iter().filter(|s| matches!(s, Ok(Started::Sending { .. }))).count();
            let nobody = both.iter().any(|s| matches!(s, Ok(Started::NoRecipients)));
            match (begun, one, other) {
                (1, ..) => pressed.push(*campaign),
                (0, ..) if nobody => {
                    self.nobody_left.insert(*campaign);
                }
                // What is still on the wire of an earlier try has to be settled first.
                (0, Err(AppError::Refused { .. } | AppError::Locked { .. }), _) => {}
                (0, Err(error), _) => return Err(error.into()),
                (n, ..) => return Err(format!("campaign {campaign} was started {n} times at once").into()),
            }
        }
        Ok(pressed)
    }

    /// One more campaign, to everybody.
    pub async fn one_more_campaign(&mut self) {
        self.more += 1;
        let name = format!("One more {}", self.more);
        sending::draft(&self.db, &self.store, &name, &RecipientFilter::All).await;
    }

    /// Drafts that have somebody to go to.
    pub async fn drafts(&self) -> Result<Vec<i64>, Error> {
        let mut drafts = rows_queries::campaigns(&self.db, self.store.id, "draft").await?;
        drafts.retain(|campaign| !self.nobody_left.contains(campaign) && !self.given_up.contains(campaign));
        Ok(drafts)
    }

    pub async fn examine(&self) -> Result<Verdict, Error> {
        let arrived: Vec<Arrived> = self
            .sink
            .received()
            .into_iter()
            .map(|message| Arrived {
                message_id: message.message_id,
                recipient: message.recipient,
                answered: message.answered,
            })
            .collect();
        Ok(oracle::examine(&self.db, self.store.id, &arrived, &self.given_up).await?)
    }
}

/// What shows the pages: a process that sends nothing.
fn pages(db: &Db, url: &str) -> Result<AppState, Error> {
    let given = Given {
        database_url: Some(url.to_owned()),
        secret_key: Some("a secret key for chaos, long enough".to_owned()),
        undo_seconds: Some(UNDO_SECONDS.to_string()),
        ..Given::default()
    };
    Ok(AppState::new(
        db.clone(),
        Clock::System,
        Settings::resolve(given, None)?,
    ))
}

/// How big it is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub people: usize,
    pub campaigns: u64,
    pub connections: u64,
    /// Messages a second, of all workers together.
    pub rate: Option<u64>,
}

/// Presses Send now on one campaign.
pub async fn press(db: &Db, store: &Store, campaign: i64) -> Result<Started, AppError> {
    let initiator = Initiator {
        store: store.clone(),
        name: "Priya Nair".to_owned(),
        now: Clock::System.now(),
        undo_seconds: 0,
    };
    let what = StartCampaign {
        campaign_id: campaign,
        version: None,
        token: loupe::tokens::public(),
        skip_already: true,
        shown_count: None,
    };
    start_campaign_as(db, &initiator, &what).await
}

/// The program under test stands beside this one.
fn program() -> Result<PathBuf, Error> {
    let beside = std::env::current_exe()?.with_file_name("loupe");
    if beside.exists() {
        Ok(beside)
    } else {
        Err(format!("build the program first: there is no {}", beside.display()).into())
    }
}

async fn open_store(db: &Db) -> Result<Store, Error> {
    let new = NewStore {
        slug: "aurelia".to_owned(),
        name: "Aurelia".to_owned(),
        time_zone: "Australia/Sydney".to_owned(),
        country: "AU".to_owned(),
        currency: "AUD".to_owned(),
        from_name: "Aurelia Sydney".to_owned(),
        from_email: "hello@aurelia.example.com".to_owned(),
        footer: "Aurelia, 1 George Street, Sydney NSW 2000".to_owned(),
        is_demo: false,
    };
    let mut tx = db.begin().await?;
    let id: StoreId = stores::rules::open_store(&mut tx, &new, Clock::System.now()).await?;
    tx.commit().await?;
    let store = stores::queries::find(db, id).await?;
    store.ok_or_else(|| "the store is gone".into())
}
