//! Planned times when the rules of time zones change: the clock time somebody chose stays, its
//! moment is worked out again.

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::queries;
use crate::{
    audit,
    db::Db,
    time::{self, Resolved},
};

/// Planned campaigns looked at in one go.
const BATCH: i64 = 500;

/// The moment of a stored clock time, by RFC 5545 §3.3.5: a time that the clocks skip is meant by
/// the offset before the gap, a time that comes twice is the first one. `known` is the moment on
/// record: where a person has chosen the second of two, it stays.
pub fn moment(local: NaiveDateTime, zone: Tz, known: DateTime<Utc>) -> DateTime<Utc> {
    match time::resolve(local, zone) {
        Resolved::One(at) => at,
        Resolved::Twice(_, second) if second == known => second,
        Resolved::Twice(first, _) => first,
        Resolved::Gap => before_gap(local, zone).unwrap_or(known),
    }
}

/// The offset that held until the clocks went forward, applied to the skipped time.
fn before_gap(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    // The longest gap on record is a whole day, where a date line was crossed.
    (1..=25 * 60).find_map(|minutes| {
        let earlier = Duration::minutes(minutes);
        match time::resolve(local - earlier, zone) {
            Resolved::One(at) | Resolved::Twice(_, at) => Some(at + earlier),
            Resolved::Gap => None,
        }
    })
}

/// Works out every planned time again; answers how many moved. Does nothing where no rule has
/// changed, so it may run at every start and on several instances.
pub async fn recompute(db: &Db, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let (mut moved, mut after) = (0, 0);
    loop {
        let rows = queries::scheduled(db, after, BATCH).await?;
        let Some(last) = rows.last() else { return Ok(moved) };
        after = last.id;
        for row in rows {
            let (Ok(zone), Some(local)) = (row.scheduled_zone.parse::<Tz>(), read(&row.scheduled_local)) else {
                continue;
            };
            let at = moment(local, zone, row.scheduled_at);
            if at != row.scheduled_at && move_one(db, &row, at, zone, now).await? {
                moved += 1;
            }
        }
    }
}

fn read(local: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(local, form).ok())
}

async fn move_one(
    db: &Db,
    row: &queries::ScheduledRow,
    at: DateTime<Utc>,
    zone: Tz,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let mut tx = db.begin().await?;
    if !queries::move_to(&mut tx, row, at).await? {
        return Ok(false);
    }
    let entry = audit::Entry {
        actor: "Loupe",
        action: "campaign.moved",
        subject: "campaign",
        subject_id: Some(row.id),
        summary: format!(
            "The rules of {} have changed: “{}” goes {}",
            time::city(zone),
            row.name,
            time::absolute(at, zone)
        ),
        before: Some(serde_json::json!({ "scheduled_at": row.scheduled_at })),
        after: Some(serde_json::json!({ "scheduled_at": at })),
    };
    audit::record(&mut tx, row.store_id, entry, now).await?;
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(local: &str, zone: Tz) -> String {
        let at = moment(local.parse().unwrap_or_default(), zone, DateTime::UNIX_EPOCH);
        at.format("%Y-%m-%dT%H:%MZ").to_string()
    }

    #[test]
    fn a_skipped_time_is_meant_by_the_offset_before_the_gap() {
        let cases = [
            // 2:30 am AEST would have been 3:30 am AEDT.
            (Tz::Australia__Sydney, "2026-10-04T02:30:00", "2026-10-03T16:30Z"),
            (Tz::Australia__Sydney, "2026-10-04T02:00:00", "2026-10-03T16:00Z"),
            (Tz::Europe__London, "2026-03-29T01:30:00", "2026-03-29T01:30Z"),
            (Tz::America__New_York, "2026-03-08T02:30:00", "2026-03-08T07:30Z"),
            // Half an hour forward.
            (Tz::Australia__Lord_Howe, "2026-10-04T02:15:00", "2026-10-03T15:45Z"),
            // A whole day that was not.
            (Tz::Pacific__Apia, "2011-12-30T12:00:00", "2011-12-30T22:00Z"),
        ];
        for (zone, local, expected) in cases {
            assert_eq!(stored(local, zone), expected, "{zone} {local}");
        }
    }

    #[test]
    fn a_time_that_comes_twice_is_the_first_unless_the_second_was_chosen() {
        let cases = [
            (Tz::Australia__Sydney, "2026-04-05T02:30:00", "2026-04-04T15:30Z"),
            (Tz::Europe__London, "2026-10-25T01:30:00", "2026-10-25T00:30Z"),
            (Tz::America__New_York, "2026-11-01T01:30:00", "2026-11-01T05:30Z"),
        ];
        for (zone, local, expected) in cases {
            assert_eq!(stored(local, zone), expected, "{zone} {local}");
            let local: NaiveDateTime = local.parse().unwrap_or_default();
            let first = moment(local, zone, DateTime::UNIX_EPOCH);
            let second = first + Duration::hours(1);
            assert_eq!(moment(local, zone, second), second, "{zone}: the choice stays");
        }
    }

    #[test]
    fn ordinary_days_midnight_leap_days_and_the_year_s_end_are_what_the_clock_says() {
        let cases = [
            (Tz::Australia__Sydney, "2026-10-04T01:59:00", "2026-10-03T15:59Z"),
            (Tz::Australia__Sydney, "2026-10-04T03:00:00", "2026-10-03T16:00Z"),
            (Tz::Australia__Sydney, "2028-02-29T00:00:00", "2028-02-28T13:00Z"),
            (Tz::Australia__Sydney, "2026-12-31T23:59:00", "2026-12-31T12:59Z"),
            (Tz::Europe__London, "2026-07-01T00:00:00", "2026-06-30T23:00Z"),
            (Tz::Europe__London, "2027-01-01T00:00:00", "2027-01-01T00:00Z"),
            (Tz::Europe__London, "2028-02-29T12:00:00", "2028-02-29T12:00Z"),
            (Tz::America__New_York, "2026-12-31T23:59:00", "2027-01-01T04:59Z"),
            (Tz::America__New_York, "2028-02-29T09:00:00", "2028-02-29T14:00Z"),
            (Tz::Asia__Kolkata, "2026-10-04T02:30:00", "2026-10-03T21:00Z"),
            (Tz::Asia__Kolkata, "2027-01-01T00:00:00", "2026-12-31T18:30Z"),
            (Tz::Asia__Kolkata, "2028-02-29T00:00:00", "2028-02-28T18:30Z"),
        ];
        for (zone, local, expected) in cases {
            assert_eq!(stored(local, zone), expected, "{zone} {local}");
        }
    }
}
