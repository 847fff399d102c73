//! The system segments, at their edges.

use chrono::{DateTime, Duration, Utc};
use loupe::{
    recipients::{filter_queries::Scope, queries},
    segments::{queries as segments, rule_queries::Moment},
};

use super::{change, outcome, scope, segment, someone, write};
use crate::{
    both,
    support::{app::TestApp, books::Someone},
};

async fn members(app: &TestApp, scope: &Scope, key: &str) -> Vec<i64> {
    let filter = segment(app, app.store.id, key).await;
    let ids: Vec<i64> = outcome(app, scope, &filter).await.into_keys().collect();
    let audience = queries::count(app.db(), scope, &filter).await.unwrap();
    assert_eq!(audience.matched, i64::try_from(ids.len()).unwrap(), "{key}");
    let moment = Moment {
        now: scope.now,
        zone: scope.zone,
    };
    let counts = segments::counts(app.db(), app.store.id, moment).await.unwrap();
    let loupe::recipients::model::RecipientFilter::Segment(id) = filter else {
        panic!("not a segment")
    };
    assert_eq!(counts[&id], audience.matched, "{key} in the picker");
    ids
}

fn people(app: &TestApp, n: usize, make: impl Fn(usize, &mut Someone)) -> Vec<Someone> {
    (0..n)
        .map(|i| {
            let mut person = someone(app, &format!("Person Number{i}"));
            make(i, &mut person);
            person
        })
        .collect()
}

both!(vips_are_exactly_a_tenth_of_those_who_spent, |app| {
    assert!(members(&app, &scope(&app), "vip").await.is_empty());
    // Nobody in the first; of 21 who spent, a tenth rounded up is 3. Three tie for the last place.
    let spent = |i: usize| match i {
        0 => 0,
        5 => 90_000,
        7 | 9 | 20 => 80_000,
        21 => 95_000,
        _ => 1000,
    };
    let ids = write(&app, &people(&app, 22, |i, p| p.spent_cents = spent(i))).await;
    assert_eq!(members(&app, &scope(&app), "vip").await, [ids[5], ids[7], ids[21]]);
    // One more who spent makes 22, still 3; at 31 there are 4 places.
    let more = write(&app, &people(&app, 10, |_, p| p.spent_cents = 500)).await;
    assert_eq!(
        members(&app, &scope(&app), "vip").await,
        [ids[5], ids[7], ids[9], ids[21]]
    );
    assert_eq!(more.len(), 10);
});

both!(a_single_spender_is_the_tenth, |app| {
    let ids = write(
        &app,
        &people(&app, 3, |i, p| p.spent_cents = if i == 1 { 1 } else { 0 }),
    )
    .await;
    assert_eq!(members(&app, &scope(&app), "vip").await, [ids[1]]);
});

both!(new_ends_after_thirty_days_and_inactive_begins_at_ninety, |app| {
    let now = app.now();
    let second = Duration::seconds(1);
    let ids = write(
        &app,
        &people(&app, 2, |i, p| {
            p.created_at = now - Duration::days(30) - second * i32::from(i == 1);
        }),
    )
    .await;
    assert_eq!(members(&app, &scope(&app), "new").await, [ids[0]]);

    let edge = now - Duration::days(90);
    let ids2 = write(
        &app,
        &people(&app, 7, |i, p| match i {
            0 => p.last_contacted_at = Some(edge),
            1 => p.last_contacted_at = Some(edge + second),
            2 => p.last_visit_at = Some(edge + second),
            3 => p.last_repair_at = Some(edge + second),
            4 => p.last_purchase_at = Some(edge + second),
            5 => {
                p.last_purchase_at = Some(edge - second);
                p.last_visit_at = Some(edge - Duration::milliseconds(1));
            }
            // Touched once long ago and once lately.
            _ => {
                p.last_purchase_at = Some(edge - Duration::days(400));
                p.last_visit_at = Some(edge + Duration::microseconds(1));
            }
        }),
    )
    .await;
    // Whoever was never touched counts too.
    assert_eq!(
        members(&app, &scope(&app), "inactive").await,
        [ids[0], ids[1], ids2[0], ids2[5]]
    );
});

both!(whoever_writes_to_someone_inactive_ends_it, |app| {
    let ids = write(&app, &[someone(&app, "Quiet Person")]).await;
    assert_eq!(members(&app, &scope(&app), "inactive").await, ids);
    change(
        &app,
        "update customers set last_contacted_at = updated_at, last_visit_at = updated_at where id = $1",
        ids[0],
    )
    .await;
    let mut then = scope(&app);
    then.now = app.now() - Duration::days(365 - 89);
    assert!(members(&app, &then, "inactive").await.is_empty());
    then.now += Duration::days(1);
    assert_eq!(members(&app, &then, "inactive").await, ids);
});

both!(lapsed_counts_six_months_of_the_stores_calendar, |app| {
    // 10:00 am on 1 May in Sydney; six months before, clocks were an hour ahead.
    let edge: DateTime<Utc> = "2025-10-31T23:00:00Z".parse().unwrap();
    let ids = write(
        &app,
        &people(&app, 3, |i, p| match i {
            0 => p.last_purchase_at = Some(edge),
            1 => p.last_purchase_at = Some(edge + Duration::seconds(1)),
            _ => p.last_visit_at = Some(edge - Duration::days(900)),
        }),
    )
    .await;
    assert_eq!(members(&app, &scope(&app), "lapsed").await, [ids[0]]);
});

both!(repairs_and_high_purchases_are_taken_as_they_stand, |app| {
    let ids = write(
        &app,
        &people(&app, 4, |i, p| match i {
            0 => p.open_repairs = 1,
            1 => p.last_repair_at = Some(app.now()),
            2 => p.largest_purchase_cents = 100_000,
            _ => p.largest_purchase_cents = 100_001,
        }),
    )
    .await;
    assert_eq!(members(&app, &scope(&app), "active_repairs").await, [ids[0]]);
    assert_eq!(members(&app, &scope(&app), "high_value").await, [ids[3]]);
});

both!(months_are_those_of_the_store_and_leap_days_are_in_february, |app| {
    let ids = write(
        &app,
        &people(&app, 4, |i, p| match i {
            0 => p.birthday = Some((4, 30)),
            1 => p.birthday = Some((5, 1)),
            2 => p.birthday = Some((2, 29)),
            _ => p.anniversary = Some((2, 29)),
        }),
    )
    .await;
    let mut scope = scope(&app);
    // Half past midnight on 1 May in Sydney, still April in UTC.
    scope.now = "2026-04-30T14:30:00Z".parse().unwrap();
    assert_eq!(members(&app, &scope, "birthday_this_month").await, [ids[1]]);
    scope.now = "2026-04-30T13:59:59Z".parse().unwrap();
    assert_eq!(members(&app, &scope, "birthday_this_month").await, [ids[0]]);
    // 2026 has no 29 February.
    scope.now = "2026-02-10T00:00:00Z".parse().unwrap();
    assert_eq!(members(&app, &scope, "birthday_this_month").await, [ids[2]]);
    assert_eq!(members(&app, &scope, "anniversary_this_month").await, [ids[3]]);
});
