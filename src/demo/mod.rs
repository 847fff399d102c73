//! The demo store: Aurelia, a jeweller in Sydney, with a book of invented people.
//!
//! The people are the same everywhere (a fixed seed); their days are counted back from now, so
//! that no segment is ever empty. Every address is under example.com and every phone number is
//! of the ranges Australia keeps for fiction: a message sent by mistake reaches nobody. Filling
//! is one transaction: it is there whole or not at all, and what is there is left alone.

mod dice;
mod history;
mod moments;
mod names;
mod people;
mod phones;
mod pieces;
mod queries;
mod words;

use std::fmt;

use chrono::{DateTime, Duration, Utc};

use self::{
    history::Sent,
    moments::Calendar,
    queries::{NewCampaign, PastSend},
    words::For,
};
use crate::{
    audit,
    auth::{
        password::{self, DEMO as PASSWORD},
        queries as users,
    },
    context::{Settings, actor::Role},
    customers,
    db::{Db, Tx},
    error::AppError,
    ids::StoreId,
    messages::{model::MessageState, tallies},
    recipients::{self, model::RecipientFilter},
    segments::model::SystemSegment,
    stores::{self, model::NewStore},
    text::grouped,
};

/// The demo store's short name.
pub const SLUG: &str = "aurelia";

/// Who works there: the part of the address before the @, name, role.
pub const STAFF: [(&str, &str, Role); 5] = [
    ("owner", "Priya Raman", Role::Owner),
    ("manager", "Daniel Whitford", Role::Manager),
    ("sales", "Mele Tupou", Role::Salesperson),
    ("workshop", "Tomasz Nowak", Role::Workshop),
    ("accounts", "Helen Kostas", Role::Accountant),
];

pub use words::{FALLBACKS, PAST, Past, TEMPLATES};

/// What was made.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    pub customers: i64,
    pub sends: i64,
    pub messages: i64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Made the demo store Aurelia: {} invented customers, {} past sends with {} messages.",
            grouped(self.customers),
            self.sends,
            grouped(self.messages)
        )
    }
}

/// How to get in.
pub fn sign_ins() -> String {
    let lines: Vec<String> = STAFF
        .iter()
        .map(|(mailbox, name, role)| format!("  {:<32}{name}, {}", address(mailbox), role.key()))
        .collect();
    format!(
        "Sign in to the demo store Aurelia with the password {PASSWORD}:\n{}",
        lines.join("\n")
    )
}

fn address(mailbox: &str) -> String {
    format!("{mailbox}@aurelia.example.com")
}

/// Fills the demo store; nothing when there is one of that name.
pub async fn fill(db: &Db, settings: &Settings, now: DateTime<Utc>) -> Result<Option<Summary>, AppError> {
    if stores::queries::by_slug(db, SLUG).await?.is_some() {
        return Ok(None);
    }
    let hashes = hashes(settings).await?;
    let shop = shop();
    let mut tx = db.begin().await?;
    let id = stores::rules::open_store(&mut tx, &shop, now - Duration::days(2_400)).await?;
    // It is looked at, and tested, at any hour.
    stores::queries::no_quiet_hours(&mut tx, id).await?;
    for ((mailbox, name, role), hash) in STAFF.iter().zip(&hashes) {
        let opened = now - Duration::days(2_400);
        users::add_user(&mut tx, id, &address(mailbox), name, *role, hash, opened).await?;
    }
    let summary = write_down(db, &mut tx, id, &shop, now).await?;
    tx.commit().await?;
    Ok(Some(summary))
}

async fn hashes(settings: &Settings) -> Result<Vec<String>, AppError> {
    let each = STAFF
        .iter()
        .map(|_| password::hash(&settings.secret_key, PASSWORD.to_owned()));
    futures::future::try_join_all(each)
        .await
        .map_err(|e| AppError::internal(&e))
}

fn shop() -> NewStore {
    NewStore {
        slug: SLUG.to_owned(),
        name: "Aurelia".to_owned(),
        time_zone: "Australia/Sydney".to_owned(),
        country: "AU".to_owned(),
        currency: "AUD".to_owned(),
        from_name: "Aurelia Sydney".to_owned(),
        from_email: "hello@aurelia.example.com".to_owned(),
        footer: "Aurelia Jewellers, 1 Example Arcade, Sydney NSW 2000".to_owned(),
        is_demo: true,
    }
}

async fn write_down(
    db: &Db,
    tx: &mut Tx,
    id: StoreId,
    shop: &NewStore,
    now: DateTime<Utc>,
) -> Result<Summary, AppError> {
    let calendar = Calendar {
        now,
        zone: shop.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC),
    };
    let mut people = people::everyone(&calendar);
    let sent = history::play(&mut people, &calendar);
    let mut rows = Vec::with_capacity(people.len());
    for person in &people {
        let row = queries::add_person(tx, id, person, now).await?;
        queries::add_facts(tx, id, row.0, person).await?;
        rows.push(row);
    }
    customers::queries::refresh_all_facts(tx, id).await?;
    let mut messages = 0;
    for send in &sent {
        let send_id = write_send(db, tx, id, shop, send).await?;
        for row in &send.rows {
            let (Some(person), Some((customer, token))) = (people.get(row.person), rows.get(row.person)) else {
                continue;
            };
            queries::add_message(tx, id, send_id, (*customer, token), person, row, send.started).await?;
            messages += 1;
        }
        tallies::count(tx, send_id).await?;
    }
    write_plans(tx, id, shop, &calendar).await?;
    Ok(Summary {
        customers: i64::try_from(people.len()).unwrap_or_default(),
        sends: i64::try_from(sent.len()).unwrap_or_default(),
        messages,
    })
}

/// A past send with its campaign and its lines in the log; answers the send's id.
async fn write_send(db: &Db, tx: &mut Tx, id: StoreId, shop: &NewStore, sent: &Sent) -> Result<i64, AppError> {
    let filter = match sent.past.to {
        For::Everyone => RecipientFilter::All,
        For::Tags(tags) => RecipientFilter::Tags(tags.iter().map(|t| (*t).to_owned()).collect()),
    };
    let audience_words = recipients::words::today(db, id, &filter).await?;
    let filter = serde_json::to_string(&filter.normalised())?;
    let accepted = sent.count(MessageState::Accepted);
    let failed = sent.count(MessageState::Rejected) + sent.count(MessageState::Failed);
    let campaign = match sent.past.name {
        None => None,
        Some(name) => {
            let new = NewCampaign {
                name,
                subject: sent.past.subject,
                body: sent.past.body,
                fallbacks: FALLBACKS,
                template: None,
                filter: Some(filter.clone()),
                status: "sent",
                scheduled: None,
                zone: &shop.time_zone,
                by: sent.past.by,
                created_at: sent.started - Duration::hours(20),
                updated_at: sent.finished,
                sent: Some((sent.finished, accepted, failed)),
            };
            Some(queries::add_campaign(tx, id, &new).await?)
        }
    };
    let past = PastSend {
        campaign,
        filter,
        audience_words,
        fallbacks: FALLBACKS,
        from_name: &shop.from_name,
        from_email: &shop.from_email,
        store_name: &shop.name,
        footer: &shop.footer,
    };
    let send = queries::add_send(tx, id, sent, &past).await?;
    let people = grouped(accepted + failed);
    let (action, subject, summary) = match sent.past.name {
        Some(name) => (
            "campaign.send_started",
            "campaign",
            format!("Sent “{name}” to {people} customers"),
        ),
        None => (
            "bulk.send_started",
            "send",
            format!("Sent a bulk email, “{}”, to {people} customers", sent.past.subject),
        ),
    };
    let entry = audit::Entry {
        actor: sent.past.by,
        action,
        subject,
        subject_id: campaign.or(Some(send)),
        summary,
        before: None,
        after: Some(serde_json::json!({ "send": send })),
    };
    audit::record(tx, id, entry, sent.started).await?;
    Ok(send)
}

/// The store's own templates, two drafts and a planned campaign.
async fn write_plans(tx: &mut Tx, id: StoreId, shop: &NewStore, calendar: &Calendar) -> Result<(), AppError> {
    let mut templates = Vec::new();
    for template in TEMPLATES {
        templates.push(queries::add_template(tx, id, template, FALLBACKS, calendar.at(240, 12, 0)).await?);
    }
    let vip = queries::segment(tx, id, SystemSegment::Vip.key()).await?;
    let (local, at) = calendar.saturday_at_nine();
    let plans = [
        (words::BEGUN, None, None, None, 9),
        (
            words::DRAFT,
            templates.first().copied(),
            Some(RecipientFilter::Segment(vip)),
            None,
            1,
        ),
        (
            words::SCHEDULED,
            templates.get(1).copied(),
            Some(RecipientFilter::Tags(vec![
                "collectors".to_owned(),
                "wedding".to_owned(),
            ])),
            Some((local.format("%Y-%m-%dT%H:%M").to_string(), at)),
            2,
        ),
    ];
    for ((name, subject, body), template, filter, scheduled, days) in plans {
        let new = NewCampaign {
            name,
            subject,
            body,
            fallbacks: FALLBACKS,
            template,
            filter: filter.map(|f| serde_json::to_string(&f.normalised())).transpose()?,
            status: if scheduled.is_some() { "scheduled" } else { "draft" },
            scheduled,
            zone: &shop.time_zone,
            by: "Priya Raman",
            created_at: calendar.at(days, 10, 12),
            updated_at: calendar.at(days, 10, 40),
            sent: None,
        };
        queries::add_campaign(tx, id, &new).await?;
    }
    Ok(())
}
