//! What changed between the audience that was shown and the one that was written down: who joined,
//! who left, and why.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::{
    audience_snapshot::{self, AudienceSnapshot},
    queries::SendRecord,
};
use crate::{
    db::{Db, dialect::json_ids},
    messages::model::Tally,
    on_db,
    recipients::model::{Named, SkipReason},
};

/// How many names are listed of each kind of change.
const NAMES: i64 = 20;

/// The receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    pub shown: i64,
    /// When; unknown when only the number is known.
    pub shown_at: Option<DateTime<Utc>>,
    /// Whom it was written down for.
    pub went: i64,
    /// What the difference is made of; nothing when only the number is known.
    pub changes: Option<Vec<Change>>,
}

/// The people who joined or left for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub why: Why,
    pub people: i64,
    /// The first of them by name.
    pub names: Vec<Named>,
}

/// Why somebody joined or left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Was to get it, and was left out.
    LeftOut(SkipReason),
    /// Was to get it, and is no longer among those it was for.
    NoLongerMeant,
    /// Came into the book after it was shown.
    New,
    /// Was left out, and isn't any more.
    NoLongerLeftOut,
    /// Was in the book already, and is among those it was for since.
    MeantSince,
}

impl Why {
    fn from_key(key: &str) -> Option<Self> {
        Some(match key {
            "not_meant" => Why::NoLongerMeant,
            "new" => Why::New,
            "not_left_out" => Why::NoLongerLeftOut,
            "meant" => Why::MeantSince,
            reason => Why::LeftOut(SkipReason::from_key(reason)?),
        })
    }

    /// Whether they came on top of those shown.
    pub fn joined(self) -> bool {
        matches!(self, Why::New | Why::NoLongerLeftOut | Why::MeantSince)
    }

    /// The reason in words.
    pub fn words(self) -> &'static str {
        match self {
            Why::LeftOut(reason) => reason.label(),
            Why::NoLongerMeant => "No longer matches who it is for",
            Why::New => "New customer",
            Why::NoLongerLeftOut => "Can be written to now",
            Why::MeantSince => "Matches who it is for now",
        }
    }
}

/// A difference nobody expects: a quarter of those shown, or fifty people.
pub fn is_large(shown: i64, now: i64) -> bool {
    let difference = (now - shown).abs();
    difference > 0 && (difference >= 50 || difference.saturating_mul(4) >= shown.max(1))
}

/// Works out the receipt of a send; nothing when nothing was shown, or only a number that is still
/// true.
pub async fn of(db: &Db, send: &SendRecord, tally: &Tally) -> sqlx::Result<Option<Drift>> {
    let went = tally.audience() + tally.cancelled;
    let Some(shown) = audience_snapshot::before(db, send.store_id, send.id).await? else {
        let differs = send.shown_count.filter(|shown| *shown != went);
        return Ok(differs.map(|shown| Drift {
            shown,
            shown_at: None,
            went,
            changes: None,
        }));
    };
    Ok(Some(Drift {
        shown: shown.will_send,
        shown_at: Some(shown.shown_at),
        went,
        changes: changes(db, send, &shown).await?,
    }))
}

async fn changes(db: &Db, send: &SendRecord, shown: &AudienceSnapshot) -> sqlx::Result<Option<Vec<Change>>> {
    let (Some(getting), Some(left_out)) = (&shown.getting, &shown.left_out) else {
        return Ok(None);
    };
    let sql = format!(
        "with changed as (
            select coalesce(m.skip_reason, 'not_meant') as why, g.value as customer_id
              from {getting} g left join messages m on m.send_id = $1 and m.customer_id = g.value
             where m.id is null or m.state = 'skipped'
            union all
            select case when c.created_at > $4 then 'new'
                        when m.customer_id in (select l.value from {left_out} l) then 'not_left_out'
                        else 'meant' end, m.customer_id
              from messages m join customers c on c.id = m.customer_id
             where m.send_id = $1 and m.state <> 'skipped'
               and m.customer_id not in (select g.value from {getting} g))
         select why, people, customer_id, name
           from (select d.why, count(*) over (partition by d.why) as people, d.customer_id, c.name,
                        row_number() over (partition by d.why order by c.name_key, c.id) as place
                   from changed d join customers c on c.id = d.customer_id) named
          where place <= $5 order by why, place",
        getting = json_ids(db.backend(), "$2"),
        left_out = json_ids(db.backend(), "$3"),
    );
    let rows: Vec<(String, i64, i64, String)> = on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql))
        .bind(send.id)
        .bind(getting)
        .bind(left_out)
        .bind(shown.shown_at)
        .bind(NAMES)
        .fetch_all(pool)
        .await)?;
    let mut changes: Vec<Change> = Vec::new();
    for (key, people, id, name) in rows {
        let Some(why) = Why::from_key(&key) else { continue };
        if changes.last().is_none_or(|change| change.why != why) {
            changes.push(Change {
                why,
                people,
                names: Vec::new(),
            });
        }
        if let Some(change) = changes.last_mut() {
            change.names.push(Named { id, name });
        }
    }
    // Who left comes before who joined, the larger part first.
    changes.sort_by_key(|change| (change.why.joined(), -change.people));
    Ok(Some(changes))
}

#[cfg(test)]
mod tests {
    use super::is_large;

    #[test]
    fn a_quarter_or_fifty_people_are_a_large_difference() {
        assert!(!is_large(214, 211));
        assert!(is_large(12, 9) && is_large(12, 15) && !is_large(13, 10));
        assert!(is_large(1000, 950) && !is_large(1000, 951));
        assert!(is_large(0, 1) && !is_large(0, 0));
    }
}
