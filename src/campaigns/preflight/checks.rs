//! What must be right before a message can go, and what is worth a look.

use chrono::{DateTime, Utc};

use super::model::{Check, CheckStatus};
use crate::{
    campaigns::{
        draft::{Draft, Fallbacks},
        model::{is_complete, missing},
    },
    db::Db,
    error::{AppError, Problem},
    recipients::model::{Audience, NO_RECIPIENTS, RecipientFilter},
    rendering::{self, Compiled, Field, TemplateProblem},
    segments,
    sends::{drift::is_large, freezing::LANGUAGE},
    stores::model::Store,
    text::grouped,
    time,
};

/// Longest name, in characters.
const LONGEST_NAME: usize = 120;
/// Longest subject, in characters.
const LONGEST_SUBJECT: usize = 200;

/// A message to be judged; a bulk email has no name.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub name: Option<&'a str>,
    pub subject: &'a str,
    pub body: &'a str,
    pub fallbacks: &'a Fallbacks,
    pub filter: Option<&'a RecipientFilter>,
    /// It is to go at a planned time.
    pub later: bool,
}

impl<'a> Message<'a> {
    /// A campaign's.
    pub fn of(draft: &'a Draft) -> Self {
        Self {
            name: Some(&draft.name),
            ..Self::without_name(draft)
        }
    }

    /// A bulk email's.
    pub fn without_name(draft: &'a Draft) -> Self {
        Self {
            name: None,
            subject: &draft.subject,
            body: &draft.body,
            fallbacks: &draft.fallbacks,
            filter: draft.filter.as_ref(),
            later: draft.scheduled_local.is_some(),
        }
    }

    /// The message made ready for everybody, or what is wrong with it.
    pub fn compile(&self, store: &Store, signer: &str) -> Result<Compiled, Vec<TemplateProblem>> {
        rendering::compile(rendering::Source {
            subject: self.subject,
            body: self.body,
            fallbacks: self.fallbacks,
            store_name: &store.name,
            footer: &store.footer,
            signature: &format!("{signer}\n{}", store.name),
            lang: LANGUAGE,
        })
    }
}

/// Everything to mend before it can be sent or scheduled, in the order of the form.
pub async fn problems(db: &Db, store: &Store, signer: &str, message: &Message<'_>) -> sqlx::Result<Vec<Problem>> {
    let mut problems = text_problems(store, signer, message);
    problems.extend(recipient_problem(db, store, message.filter).await?);
    Ok(problems)
}

fn text_problems(store: &Store, signer: &str, message: &Message<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let length = |text: &str| text.trim().chars().count();
    match message.name.map(length) {
        Some(0) => problems.push(Problem::new("name", "Enter a name")),
        Some(n) if n > LONGEST_NAME => {
            let words = format!("Use at most {LONGEST_NAME} characters for the name: it has {n}");
            problems.push(Problem::new("name", words));
        }
        _ => {}
    }
    match length(message.subject) {
        0 => problems.push(Problem::new("subject", "Enter a subject")),
        n if n > LONGEST_SUBJECT => {
            let words = format!("Use at most {LONGEST_SUBJECT} characters for the subject: it has {n}");
            problems.push(Problem::new("subject", words));
        }
        _ => {}
    }
    if message.body.trim().is_empty() {
        problems.push(Problem::new("body", "Enter the message"));
    }
    if let Err(found) = message.compile(store, signer) {
        problems.extend(found.iter().map(|p| match p.place {
            rendering::Place::Subject => Problem::new("subject", p.kind.to_string()),
            rendering::Place::Body => Problem::new("body", p.to_string()),
        }));
    }
    problems
}

async fn recipient_problem(db: &Db, store: &Store, filter: Option<&RecipientFilter>) -> sqlx::Result<Option<Problem>> {
    let known = match filter {
        Some(RecipientFilter::Segment(id)) => segments::queries::find(db, store.id, *id).await?.is_some(),
        Some(other) => is_complete(other),
        None => false,
    };
    let field = match filter {
        None | Some(RecipientFilter::All | RecipientFilter::Reached(_)) => "rt-all",
        Some(RecipientFilter::Segment(_)) => "segment",
        Some(RecipientFilter::Tags(_)) => "tag-0",
        Some(RecipientFilter::Manual(_)) => "cust",
    };
    // A segment may be complete and gone.
    let words = missing(filter).unwrap_or("Choose a segment");
    Ok((!known).then(|| Problem::new(field, words)))
}

/// People of the audience who have nothing in a field the message uses.
pub type Blanks = Vec<(Field, i64)>;

/// The list of checks. `audience` is what was just counted, if anything was.
pub fn checks(
    message: &Message<'_>,
    compiled: Option<&Compiled>,
    problems: &[Problem],
    audience: Option<&Audience>,
    blanks: &Blanks,
) -> Vec<Check> {
    let of_text = |p: &&Problem| matches!(p.field.as_str(), "name" | "subject" | "body");
    let mut list: Vec<Check> = problems
        .iter()
        .filter(of_text)
        .map(|p| Check::new(CheckStatus::Fix, &p.words, Some(&p.field)))
        .collect();
    if list.is_empty() {
        let words = if message.name.is_some() {
            "Name, subject and message are filled in"
        } else {
            "Subject and message are filled in"
        };
        list.push(Check::new(CheckStatus::Done, words, None));
    }
    list.push(match (problems.iter().find(|p| !of_text(p)), audience) {
        (Some(problem), _) => Check::new(CheckStatus::Fix, &problem.words, Some(&problem.field)),
        (None, Some(audience)) if audience.will_send == 0 => {
            Check::new(CheckStatus::Fix, NO_RECIPIENTS, Some("rt-all"))
        }
        _ => Check::new(CheckStatus::Done, "There is someone to send to", None),
    });
    let used = compiled.map(Compiled::used_fields).unwrap_or_default();
    for (field, n) in blanks {
        let fallback = used
            .iter()
            .find(|u| u.field == *field)
            .map_or("", |u| u.fallback.as_str());
        if let Some(words) = rendering::blank_words(*field, *n, fallback) {
            let status = if fallback.trim().is_empty() {
                CheckStatus::Review
            } else {
                CheckStatus::Done
            };
            list.push(Check::new(status, words, Some(&format!("fallback-{}", field.key()))));
        }
    }
    list.push(Check::new(
        CheckStatus::Done,
        "The way to unsubscribe is added for you at the bottom",
        None,
    ));
    list
}

/// Of those who will get it, `n` were sent the very same message a short while ago.
pub fn repetition(n: i64, at: DateTime<Utc>, now: DateTime<Utc>) -> Check {
    let were = if n == 1 { "was" } else { "were" };
    let words = format!(
        "{} of these customers {were} sent this same message {}",
        grouped(n),
        time::relative(at, now)
    );
    Check::new(CheckStatus::Review, words, Some("rt-all"))
}

/// A word of warning when it is so late, or so early, at the store that mail would disturb.
/// Nothing is moved for it: the person decides.
pub fn asleep(store: &Store, now: DateTime<Utc>) -> Option<String> {
    let zone = store.zone();
    let (clock, city) = (time::clock(now, zone), time::city(zone));
    store
        .in_quiet_hours(now)
        .then(|| format!("It is {clock} in {city}: customers may be asleep."))
}

/// The same among the checks of what could also go later.
pub fn quiet_hours(store: &Store, now: DateTime<Utc>) -> Option<Check> {
    asleep(store, now).map(|words| {
        let words = format!("{words} You can schedule it for the morning");
        Check::new(CheckStatus::Review, words, Some("later"))
    })
}

/// Of those who will get it, `n` got it from an earlier try.
pub fn twice(n: i64) -> Check {
    let words = match n {
        1 => "1 of these customers already got this and gets it again".to_owned(),
        n => format!("{} of these customers already got this and get it again", grouped(n)),
    };
    Check::new(CheckStatus::Review, words, Some("skip-already"))
}

/// What is still worth a look, as sentences: the warnings of the review.
pub fn warnings(checks: &[Check]) -> Vec<String> {
    checks
        .iter()
        .filter(|c| c.status == CheckStatus::Review)
        .map(|c| c.words.clone())
        .collect()
}

/// From how many people on Send now asks first.
pub const MANY: i64 = 100;

/// Whether Send now asks first: many people, another number than was shown, or something worth a
/// look. Asking every time would teach people not to read.
pub fn asks_first(audience: &Audience, shown: Option<i64>, warnings: &[String]) -> bool {
    let n = audience.will_send;
    let drifted = shown.is_some_and(|shown| is_large(shown, n));
    n > 0 && (n >= MANY || drifted || !warnings.is_empty())
}

/// Turns what a page or a rule found into the error that keeps the typed and says where.
pub fn kept(problems: Vec<Problem>, at: String) -> AppError {
    AppError::Invalid {
        problems,
        kept_at: Some(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sending_asks_first_only_when_it_matters() {
        let of = |will_send| Audience {
            matched: will_send,
            will_send,
            skipped: Vec::new(),
        };
        assert!(!asks_first(&of(99), Some(99), &[]));
        assert!(!asks_first(&of(99), None, &[]));
        assert!(asks_first(&of(100), Some(100), &[]));
        assert!(!asks_first(&of(10), Some(12), &[]));
        assert!(asks_first(&of(9), Some(12), &[]));
        assert!(asks_first(&of(1), Some(0), &[]));
        assert!(asks_first(&of(99), Some(149), &[]) && asks_first(&of(99), Some(150), &[]));
        assert!(asks_first(
            &of(2),
            Some(2),
            &["1 customer has no anniversary".to_owned()]
        ));
        assert!(!asks_first(&of(0), Some(50), &["x".to_owned()]));
    }
}
