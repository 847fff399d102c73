//! What the owner sets for the store. Each section is saved by itself, whole, with an entry in the
//! audit log that names what changed.

use chrono::{NaiveTime, Timelike};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::{model::Store, places, queries};
use crate::{
    audit,
    channels::email::address::EmailAddress,
    context::ctx::Ctx,
    error::{AppError, Problem},
    text::own_name,
};

/// Longest postal address or reason, in characters.
const LONGEST_TEXT: usize = 500;
/// Longest a planned send may be late and still go by itself, in minutes: a week.
pub const LONGEST_GRACE: i64 = 7 * 24 * 60;
/// Longest undo window, in seconds.
pub const LONGEST_UNDO: i64 = 120;

/// The section "Store".
#[derive(Clone, Debug)]
pub struct StoreSection {
    pub name: String,
    pub time_zone: String,
    pub country: String,
    pub currency: String,
}

/// The section "Sending".
#[derive(Clone, Debug)]
pub struct SendingSection {
    pub from_name: String,
    pub from_email: String,
    pub reply_to: String,
    pub footer: String,
}

/// The section "Planned sends and quiet hours".
#[derive(Clone, Debug)]
pub struct TimingSection {
    pub late_grace_minutes: String,
    /// `20:00`; both empty: no quiet hours.
    pub quiet_from: String,
    pub quiet_to: String,
}

/// The section "Safety".
#[derive(Clone, Debug)]
pub struct SafetySection {
    pub undo_seconds: String,
    pub email_requires_opt_in: bool,
    pub email_basis_reason: String,
}

/// Saves the section "Store". A time zone stays while campaigns are scheduled in it.
pub async fn save_store(ctx: &Ctx, new: StoreSection) -> Result<(), AppError> {
    let mut checks = Checks::default();
    let name = checks.name("name", &new.name, "Enter the store's name");
    checks.need(
        new.time_zone.parse::<Tz>().is_ok(),
        "time-zone",
        "Choose a time zone such as Australia/Sydney",
    );
    checks.need(places::is_country(&new.country), "country", "Choose a country");
    checks.need(places::is_currency(&new.currency), "currency", "Choose a currency");
    checks.done()?;
    let change = |store: &mut Store| {
        store.name.clone_from(&name);
        store.time_zone.clone_from(&new.time_zone);
        store.country.clone_from(&new.country);
        store.currency.clone_from(&new.currency);
    };
    save(ctx, "store.settings_changed", "the store's settings", change).await
}

/// Saves the section "Sending".
pub async fn save_sending(ctx: &Ctx, new: SendingSection) -> Result<(), AppError> {
    let mut checks = Checks::default();
    let from_name = checks.name("from-name", &new.from_name, "Enter the name messages come from");
    let from_email = checks.address("from", &new.from_email);
    let reply_to = match new.reply_to.trim() {
        "" => None,
        typed => Some(checks.address("reply-to", typed)),
    };
    let footer = checks.text(
        "footer",
        &new.footer,
        "Enter the postal address for the end of every message",
    );
    checks.done()?;
    let change = |store: &mut Store| {
        store.from_name.clone_from(&from_name);
        store.from_email.clone_from(&from_email);
        store.reply_to.clone_from(&reply_to);
        store.footer.clone_from(&footer);
    };
    save(ctx, "store.sending_changed", "how messages are sent", change).await
}

/// Saves the section "Planned sends and quiet hours".
pub async fn save_timing(ctx: &Ctx, new: TimingSection) -> Result<(), AppError> {
    let mut checks = Checks::default();
    let grace = whole(&new.late_grace_minutes, 0, LONGEST_GRACE);
    checks.need(
        grace.is_some(),
        "late-grace",
        "Enter a whole number of minutes from 0 to 10080",
    );
    let none = new.quiet_from.trim().is_empty() && new.quiet_to.trim().is_empty();
    let minute = |typed: &str| if none { Some(0) } else { minute_of_day(typed) };
    let (from, to) = (minute(&new.quiet_from), minute(&new.quiet_to));
    checks.need(
        from.is_some(),
        "quiet-from",
        "Enter a time such as 20:00, or leave both empty",
    );
    checks.need(
        to.is_some(),
        "quiet-to",
        "Enter a time such as 08:00, or leave both empty",
    );
    checks.done()?;
    let change = |store: &mut Store| {
        store.late_grace_minutes = grace.unwrap_or(store.late_grace_minutes);
        store.quiet_from = from.unwrap_or(store.quiet_from);
        store.quiet_to = to.unwrap_or(store.quiet_to);
    };
    save(ctx, "store.timing_changed", "planned sends and quiet hours", change).await
}

/// A whole number within bounds.
pub(crate) fn whole(typed: &str, least: i64, most: i64) -> Option<i64> {
    typed.trim().parse().ok().filter(|n| (least..=most).contains(n))
}

/// `20:00`, as minutes after midnight.
fn minute_of_day(typed: &str) -> Option<i64> {
    let time = NaiveTime::parse_from_str(typed.trim(), "%H:%M").ok()?;
    Some(i64::from(time.hour() * 60 + time.minute()))
}

/// Minutes after midnight as a time field holds them.
pub fn time_of_day(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Saves the section "Safety". Marketing without an agreement on record needs a reason, which is
/// kept with who gave it and when.
pub async fn save_safety(ctx: &Ctx, new: SafetySection) -> Result<(), AppError> {
    let mut checks = Checks::default();
    let undo_seconds = whole(&new.undo_seconds, 0, LONGEST_UNDO);
    checks.need(
        undo_seconds.is_some(),
        "undo-seconds",
        "Enter a whole number of seconds from 0 to 120",
    );
    let reason = match new.email_requires_opt_in {
        true => None,
        false => Some(checks.text(
            "basis-reason",
            &new.email_basis_reason,
            "Say why customers may be emailed without an agreement on record",
        )),
    };
    checks.done()?;
    let change = |store: &mut Store| {
        store.undo_seconds = undo_seconds.unwrap_or(store.undo_seconds);
        store.email_requires_opt_in = new.email_requires_opt_in;
        store.email_basis_reason.clone_from(&reason);
    };
    save(ctx, "store.safety_changed", "the safety settings", change).await
}

async fn save(ctx: &Ctx, action: &'static str, what: &str, change: impl FnOnce(&mut Store)) -> Result<(), AppError> {
    let mut tx = ctx.db().begin().await?;
    queries::hold(&mut tx, ctx.store()).await?;
    let old = queries::find_in(&mut tx, ctx.store())
        .await?
        .ok_or(AppError::NotFound)?;
    let mut new = old.clone();
    change(&mut new);
    let (before, after) = differences(&old, &new);
    if before.is_empty() {
        return Ok(());
    }
    if old.time_zone != new.time_zone {
        let scheduled = queries::scheduled_campaigns(&mut tx, ctx.store()).await?;
        if scheduled > 0 {
            return Err(AppError::invalid(
                "time-zone",
                scheduled_words(scheduled, &old.time_zone),
            ));
        }
    }
    if !queries::update(&mut tx, &new).await? {
        return Err(AppError::NotFound);
    }
    let entry = audit::Entry {
        actor: &ctx.actor.name,
        action,
        subject: "store",
        subject_id: Some(new.id.0),
        summary: format!("Changed {what}"),
        before: Some(before.into()),
        after: Some(after.into()),
    };
    audit::record(&mut tx, new.id, entry, ctx.now).await?;
    Ok(tx.commit().await?)
}

fn scheduled_words(count: i64, zone: &str) -> String {
    let (campaigns, are) = if count == 1 {
        ("campaign", "is")
    } else {
        ("campaigns", "are")
    };
    format!(
        "{count} {campaigns} {are} scheduled in {zone}. Send or unschedule them first: their clock times would mean \
         other moments"
    )
}

/// Only what changed, before and after.
fn differences(old: &Store, new: &Store) -> (Map<String, Value>, Map<String, Value>) {
    let facts = |store: &Store| {
        [
            ("name", json!(store.name)),
            ("time_zone", json!(store.time_zone)),
            ("country", json!(store.country)),
            ("currency", json!(store.currency)),
            ("from_name", json!(store.from_name)),
            ("from_email", json!(store.from_email)),
            ("reply_to", json!(store.reply_to)),
            ("postal_address", json!(store.footer)),
            ("late_grace_minutes", json!(store.late_grace_minutes)),
            ("quiet_from", json!(time_of_day(store.quiet_from))),
            ("quiet_to", json!(time_of_day(store.quiet_to))),
            ("undo_seconds", json!(store.undo_seconds)),
            ("email_requires_opt_in", json!(store.email_requires_opt_in)),
            ("reason", json!(store.email_basis_reason)),
        ]
    };
    let (mut before, mut after) = (Map::new(), Map::new());
    for ((key, old), (_, new)) in facts(old).into_iter().zip(facts(new)) {
        if old != new {
            before.insert(key.to_owned(), old);
            after.insert(key.to_owned(), new);
        }
    }
    (before, after)
}

#[derive(Default)]
pub(crate) struct Checks {
    problems: Vec<Problem>,
}

impl Checks {
    pub(crate) fn need(&mut self, ok: bool, field: &str, words: &str) {
        if !ok {
            self.problems.push(Problem::new(field, words));
        }
    }

    /// One line.
    fn name(&mut self, field: &str, typed: &str, missing: &str) -> String {
        match own_name(typed, missing) {
            Ok(name) => name,
            Err(words) => {
                self.problems.push(Problem::new(field, words));
                String::new()
            }
        }
    }

    /// Several lines.
    fn text(&mut self, field: &str, typed: &str, missing: &str) -> String {
        let typed = typed.trim().replace("\r\n", "\n");
        self.need(!typed.is_empty(), field, missing);
        let fits = typed.chars().count() <= LONGEST_TEXT && !typed.chars().any(|c| c.is_control() && c != '\n');
        self.need(fits, field, "Use at most 500 characters");
        typed
    }

    fn address(&mut self, field: &str, typed: &str) -> String {
        match EmailAddress::parse(typed) {
            Ok(address) => address.as_str().to_owned(),
            Err(problem) => {
                self.problems.push(Problem::new(field, problem.to_string()));
                String::new()
            }
        }
    }

    pub(crate) fn done(self) -> Result<(), AppError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(AppError::Invalid {
            problems: self.problems,
            kept_at: None,
        })
    }
}
