//! A look at a message before it goes: who gets it, what is in the way, what is worth a glance.

use chrono::{DateTime, Utc};

use super::{
    checks::{self, Blanks, Message},
    content_lint,
    model::Check,
    queries,
};
use crate::{
    campaigns::{draft::Draft, model::is_complete, queries::Campaign, resend},
    db::Db,
    error::Problem,
    recipients::{
        self,
        model::{Audience, Earlier, Named, Person, SkipReason},
    },
    rendering::{self, Field, UsedField},
    stores::model::Store,
    time,
};

/// How many names "See who" shows of each reason.
const NAMES: i64 = 20;

/// What the page says about a message.
#[derive(Clone, Debug, Default)]
pub struct Preflight {
    /// Counted now; nothing while nobody has been chosen.
    pub audience: Option<Audience>,
    pub checks: Vec<Check>,
    /// Everything to mend before it can go.
    pub problems: Vec<Problem>,
    /// The personal fields it uses.
    pub used: Vec<UsedField>,
    /// Whether some of them were sent this very message a short while ago; the checks say so.
    pub repeats: bool,
    /// Customers whom earlier sends of this campaign reached.
    pub already: i64,
}

/// Looks at a kept campaign.
pub async fn check_campaign(
    db: &Db,
    store: &Store,
    signer: &str,
    campaign: &Campaign,
    now: DateTime<Utc>,
) -> sqlx::Result<Preflight> {
    let draft = Draft::copied_from(campaign, campaign.name.clone());
    let not_again = campaign.skip_already.then_some(Earlier::Campaign(campaign.id));
    let mut preflight = check_message(db, store, signer, &Message::of(&draft), not_again, now).await?;
    if let Some(left) = resend::resend_counts(db, store, campaign, now).await? {
        preflight.already = left.already;
        let twice = left.everyone - left.remaining;
        // That it is the very same message within a day is told already.
        if !campaign.skip_already && !preflight.repeats && twice > 0 {
            preflight.checks.push(checks::twice(twice));
        }
    }
    Ok(preflight)
}

/// Looks at any message.
pub async fn check_message(
    db: &Db,
    store: &Store,
    signer: &str,
    message: &Message<'_>,
    not_again: Option<Earlier>,
    now: DateTime<Utc>,
) -> sqlx::Result<Preflight> {
    let compiled = message.compile(store, signer).ok();
    let problems = checks::problems(db, store, signer, message).await?;
    let used = compiled.as_ref().map(|c| c.used_fields().to_vec()).unwrap_or_default();
    let scope = recipients::rules::scope(store, now, not_again);
    let filter = message.filter.filter(|f| is_complete(f));
    let mut audience = None;
    let mut blanks = Blanks::new();
    let mut repetition = None;
    if let Some(filter) = filter {
        audience = Some(recipients::queries::count(db, &scope, filter).await?);
        repetition = queries::repetition(db, &scope, filter, message.subject, message.body).await?;
        if used.iter().any(|u| u.field.is_personal()) {
            let gaps = queries::gaps(db, &scope, filter).await?;
            blanks = used
                .iter()
                .map(|u| (u.field, of_field(gaps, u.field)))
                .filter(|(_, n)| *n > 0)
                .collect();
        }
    }
    let mut checks = checks::checks(message, compiled.as_ref(), &problems, audience.as_ref(), &blanks);
    checks.extend(content_lint::remarks(message.subject, message.body));
    if let Some((n, at)) = repetition {
        checks.push(checks::repetition(n, at, now));
    }
    if !message.later {
        checks.extend(checks::quiet_hours(store, now));
    }
    Ok(Preflight {
        audience,
        checks,
        problems,
        used,
        repeats: repetition.is_some(),
        already: 0,
    })
}

fn of_field(gaps: queries::Gaps, field: Field) -> i64 {
    match field {
        Field::FirstName => gaps.first_name,
        Field::LastName => gaps.last_name,
        Field::NextAnniversary => gaps.next_anniversary,
        Field::StoreName | Field::StaffSignature => 0,
    }
}

/// The first of those who will be skipped, by reason.
pub async fn skipped_names(
    db: &Db,
    store: &Store,
    message: &Message<'_>,
    audience: &Audience,
    not_again: Option<Earlier>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(SkipReason, Vec<Named>)>> {
    let scope = recipients::rules::scope(store, now, not_again);
    let mut all = Vec::new();
    for (reason, _) in &audience.skipped {
        if let Some(filter) = message.filter {
            let names = recipients::queries::names(db, &scope, filter, Some(*reason), NAMES, 0).await?;
            all.push((*reason, names));
        }
    }
    Ok(all)
}

/// Three of those who will get it: somebody typical, the longest name, whoever has most gaps.
pub async fn sample(
    db: &Db,
    store: &Store,
    message: &Message<'_>,
    not_again: Option<Earlier>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Person>> {
    let scope = recipients::rules::scope(store, now, not_again);
    match message.filter.filter(|f| is_complete(f)) {
        Some(filter) => recipients::queries::sample(db, &scope, filter).await,
        None => Ok(Vec::new()),
    }
}

/// The subject as this person reads it; as somebody of whom nothing is known when there is nobody.
/// Nothing while the message does not compile, or has no subject.
pub fn subject_for(
    store: &Store,
    signer: &str,
    message: &Message<'_>,
    reader: Option<&Person>,
    now: DateTime<Utc>,
) -> Option<String> {
    let compiled = message.compile(store, signer).ok()?;
    let number = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok());
    let anniversary = reader.and_then(|person| {
        let (month, day) = number(person.anniversary_month).zip(number(person.anniversary_day))?;
        rendering::next_anniversary(month, day, time::today(now, store.zone()))
    });
    let subject = compiled.subject_for(&rendering::Person {
        first_name: reader.map_or("", |person| &person.first_name),
        last_name: reader.map_or("", |person| &person.last_name),
        next_anniversary: anniversary.as_deref().unwrap_or_default(),
        unsubscribe_url: "",
    });
    Some(subject).filter(|words| !words.trim().is_empty())
}
