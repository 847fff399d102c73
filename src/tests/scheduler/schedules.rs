//! Planned times in four zones, over both edges of daylight saving and the odd days of the year.

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Tz;
use loupe::{
    campaigns::schedule,
    on_tx,
    recipients::model::RecipientFilter,
    scheduler::zones,
    time::{self, Resolved},
};

use crate::{
    both,
    support::{
        people,
        planning::{self, Running, audit, row, sends_of, wait_for},
        sending::draft,
    },
};

/// A clock time in a zone, and the moment it means.
const TIMES: [(Tz, &str, &str); 24] = [
    // The last minute before the clocks go forward, and the first after.
    (Tz::Australia__Sydney, "2026-10-04T01:59", "2026-10-03T15:59:00Z"),
    (Tz::Australia__Sydney, "2026-10-04T03:00", "2026-10-03T16:00:00Z"),
    (Tz::Europe__London, "2027-03-28T00:59", "2027-03-28T00:59:00Z"),
    (Tz::Europe__London, "2027-03-28T02:00", "2027-03-28T01:00:00Z"),
    (Tz::America__New_York, "2027-03-14T01:59", "2027-03-14T06:59:00Z"),
    (Tz::America__New_York, "2027-03-14T03:00", "2027-03-14T07:00:00Z"),
    // Around the hour that comes twice.
    (Tz::Australia__Sydney, "2027-04-04T01:59", "2027-04-03T14:59:00Z"),
    (Tz::Australia__Sydney, "2027-04-04T03:00", "2027-04-03T17:00:00Z"),
    (Tz::Europe__London, "2026-10-25T00:59", "2026-10-24T23:59:00Z"),
    (Tz::Europe__London, "2026-10-25T02:00", "2026-10-25T02:00:00Z"),
    (Tz::America__New_York, "2026-11-01T00:59", "2026-11-01T04:59:00Z"),
    (Tz::America__New_York, "2026-11-01T02:00", "2026-11-01T07:00:00Z"),
    // Midnight, the leap day, and the end of the year.
    (Tz::Australia__Sydney, "2026-07-01T00:00", "2026-06-30T14:00:00Z"),
    (Tz::Europe__London, "2026-07-01T00:00", "2026-06-30T23:00:00Z"),
    (Tz::America__New_York, "2026-07-01T00:00", "2026-07-01T04:00:00Z"),
    (Tz::Asia__Kolkata, "2026-07-01T00:00", "2026-06-30T18:30:00Z"),
    (Tz::Australia__Sydney, "2028-02-29T09:00", "2028-02-28T22:00:00Z"),
    (Tz::Europe__London, "2028-02-29T09:00", "2028-02-29T09:00:00Z"),
    (Tz::America__New_York, "2028-02-29T09:00", "2028-02-29T14:00:00Z"),
    (Tz::Asia__Kolkata, "2028-02-29T09:00", "2028-02-29T03:30:00Z"),
    (Tz::Australia__Sydney, "2026-12-31T23:59", "2026-12-31T12:59:00Z"),
    (Tz::Europe__London, "2026-12-31T23:59", "2026-12-31T23:59:00Z"),
    (Tz::America__New_York, "2026-12-31T23:59", "2027-01-01T04:59:00Z"),
    (Tz::Asia__Kolkata, "2027-01-01T00:00", "2026-12-31T18:30:00Z"),
];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn local(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap()
}

#[test]
fn a_clock_time_means_the_moment_that_the_wall_shows_it() {
    for (zone, typed, moment) in TIMES {
        let (date, clock) = schedule::parts(typed);
        let now = at("2026-05-01T00:00:00Z");
        assert_eq!(
            schedule::moment(date, clock, "", zone, now),
            Ok(at(moment)),
            "{zone} {typed}"
        );
        assert_eq!(
            zones::moment(local(typed), zone, DateTime::UNIX_EPOCH),
            at(moment),
            "{zone} {typed}"
        );
    }
}

#[test]
fn every_minute_of_a_year_keeps_its_order_and_comes_back_as_it_was() {
    for zone in [
        Tz::Australia__Sydney,
        Tz::Europe__London,
        Tz::America__New_York,
        Tz::Asia__Kolkata,
    ] {
        let mut clock = local("2026-01-01T00:00");
        let mut before = DateTime::UNIX_EPOCH;
        let (mut gaps, mut doubles) = (0, 0);
        while clock < local("2027-01-01T00:00") {
            let moment = zones::moment(clock, zone, DateTime::UNIX_EPOCH);
            match time::resolve(clock, zone) {
                Resolved::One(only) => {
                    assert_eq!(moment, only);
                    assert_eq!(moment.with_timezone(&zone).naive_local(), clock);
                    assert!(moment > before || gaps > 0, "{zone} {clock}");
                }
                Resolved::Twice(first, second) => {
                    doubles += 1;
                    assert_eq!((moment, second - first), (first, Duration::hours(1)));
                }
                Resolved::Gap => {
                    gaps += 1;
                    let shown = moment.with_timezone(&zone).naive_local();
                    assert_eq!(shown - clock, Duration::hours(1), "an hour later on the wall");
                }
            }
            before = moment;
            clock += Duration::minutes(1);
        }
        let expected = if zone == Tz::Asia__Kolkata { 0 } else { 60 };
        assert_eq!((gaps, doubles), (expected, expected), "{zone}");
    }
}

async fn plan_in(app: &crate::support::app::TestApp, zone: Tz, typed: &str, moment: DateTime<Utc>) -> i64 {
    let id = draft(app.db(), &app.store, typed, &RecipientFilter::All).await;
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update campaigns set status = 'scheduled', scheduled_at = $2, scheduled_local = $3, scheduled_zone = $4,
                updated_by = 'Priya Nair' where id = $1"
    )
    .bind(id)
    .bind(moment)
    .bind(typed)
    .bind(zone.name())
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    id
}

both!(each_goes_at_its_moment_and_not_a_second_before, |app| {
    people::crowd(app.db(), app.store.id, 2, &[], app.now()).await;
    // In the order of time: the clock of the test moves from one to the next.
    let mut times: Vec<_> = TIMES
        .iter()
        .map(|(zone, typed, moment)| (at(moment), *zone, *typed))
        .collect();
    times.sort_by_key(|(moment, ..)| *moment);
    let mut planned = Vec::new();
    for (moment, zone, typed) in times {
        planned.push((plan_in(&app, zone, typed, moment).await, moment));
    }
    let running = Running::start(&app.state);
    for (campaign, moment) in planned {
        app.clock.set(moment - Duration::seconds(1));
        app.state.schedule_changed.notify_one();
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        assert_eq!(row(app.db(), campaign).await.status, "scheduled");
        app.clock.set(moment);
        app.state.schedule_changed.notify_one();
        wait_for(app.db(), campaign, |r| r.status == "sending").await;
        let send = sends_of(app.db(), &app.store, campaign).await.remove(0);
        assert_eq!((send.started_at, send.late_by), (moment, Some(0)));
    }
    running.stop().await;
});

both!(when_the_rules_of_a_zone_change_the_clock_time_stays, |app| {
    let zone = Tz::Australia__Sydney;
    // Saved under other rules, an hour off; one whose second hour was chosen; one as it should be.
    let right = at("2026-10-09T22:00:00Z");
    let off = plan_in(&app, zone, "2026-10-10T09:00", right + Duration::hours(1)).await;
    let second = at("2027-04-03T16:30:00Z");
    let chosen = plan_in(&app, zone, "2027-04-04T02:30", second).await;
    let fine = plan_in(&app, zone, "2026-10-11T09:00", at("2026-10-10T22:00:00Z")).await;
    // A time that the new rules skip.
    let gap = plan_in(&app, zone, "2026-10-04T02:30", at("2026-10-03T15:30:00Z")).await;
    assert_eq!(zones::recompute(app.db(), app.now()).await.unwrap(), 2);
    let db = app.db();
    let moment = |id| async move { planning::row(db, id).await.scheduled_at };
    assert_eq!(moment(off).await, Some(right));
    assert_eq!(moment(chosen).await, Some(second), "the person's choice");
    assert_eq!(moment(fine).await, Some(at("2026-10-10T22:00:00Z")));
    assert_eq!(
        moment(gap).await,
        Some(at("2026-10-03T16:30:00Z")),
        "by the offset before the gap"
    );
    let log = audit(app.db(), off).await;
    assert!(log[0].2.contains("goes Sat 10 Oct 2026, 9:00 am AEDT"), "{log:?}");
    assert_eq!(
        zones::recompute(app.db(), app.now()).await.unwrap(),
        0,
        "once is enough"
    );
});
