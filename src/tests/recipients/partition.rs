//! For random books and filters: the parts are the whole, the names are the numbers, and what is
//! written at send is what was counted. Held against a second evaluation, in plain code.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Duration, Months, Utc};
use chrono_tz::Tz;
use loupe::{
    on_tx,
    recipients::{
        filter_queries::Scope,
        model::{Earlier, RecipientFilter, SkipReason},
        queries, rules,
    },
    segments::{model::SystemSegment, queries as segments},
};

use super::{Outcome, begin_send, campaign, earlier_message, outcome, write_for};
use crate::{
    both,
    support::{
        app::{TestApp, open_store},
        books::{Dice, Roughness, Someone, TAGS, somebody},
    },
};

const BOOKS: u64 = 10;

/// A book and everything that was sent from it.
struct Book {
    people: BTreeMap<i64, Someone>,
    /// Who was reached before, and at which address.
    reached: Vec<(i64, String)>,
}

both!(the_parts_are_the_whole_for_any_book_and_filter, |app| {
    let mut reasons_seen = BTreeSet::new();
    for seed in 0..BOOKS {
        let mut dice = Dice(1000 + seed);
        let rough = Roughness {
            trouble: dice.below(25),
            shared: dice.below(60),
            tagged: 20 + dice.below(60),
        };
        let place = open_store(app.db(), &format!("book-{seed}"), app.now()).await;
        let size = dice.below(80);
        let people: Vec<_> = (0..size).map(|i| somebody(&mut dice, i, rough, app.now())).collect();
        let ids = write_for(&app, place.id, &people).await;
        let again = campaign(&app, place.id).await;
        let mut book = Book {
            people: ids.iter().copied().zip(people).collect(),
            reached: Vec::new(),
        };
        for id in &ids {
            if !dice.percent(15) {
                continue;
            }
            let address = format!("person{}@example.com", dice.below(size));
            let state = *dice.pick(&[
                "accepted",
                "attempting",
                "leased",
                "unconfirmed",
                "rejected",
                "cancelled",
            ]);
            earlier_message(&app, place.id, again, *id, &address, state).await;
            if !["rejected", "cancelled"].contains(&state) {
                book.reached.push((*id, address));
            }
        }
        for filter in filters(&app, &place, &ids, &mut dice).await {
            let mut scope = rules::scope(&place, app.now(), dice.percent(50).then_some(Earlier::Campaign(again)));
            scope.requires_opt_in = dice.percent(60);
            let expected = by_hand(&app, &place, &book, &scope, &filter).await;
            reasons_seen.extend(expected.values().flatten().copied());
            holds(&app, &scope, &filter, &expected).await;
        }
    }
    assert_eq!(reasons_seen.len(), SkipReason::ALL.len(), "{reasons_seen:?}");
});

/// Count, names and freeze say exactly this.
pub(super) async fn holds(app: &TestApp, scope: &Scope, filter: &RecipientFilter, expected: &Outcome) {
    let audience = queries::count(app.db(), scope, filter).await.unwrap();
    assert_eq!(
        audience.matched,
        audience.will_send + audience.skipped_total(),
        "{filter:?}"
    );
    assert_eq!(&outcome(app, scope, filter).await, expected, "{filter:?} {scope:?}");
    let size = |reason: Option<SkipReason>| expected.values().filter(|r| **r == reason).count().try_into().unwrap();
    let parts: Vec<(SkipReason, i64)> = SkipReason::ALL
        .into_iter()
        .map(|reason| (reason, size(Some(reason))))
        .filter(|(_, n)| *n > 0)
        .collect();
    assert_eq!(
        (audience.will_send, &audience.skipped),
        (size(None), &parts),
        "{filter:?} {scope:?}"
    );

    let mut tx = app.db().begin().await.unwrap();
    let send = begin_send(&mut tx, scope.store, None, scope.now).await;
    let frozen = loupe::messages::queries::freeze::freeze(&mut tx, scope, filter, send, scope.now)
        .await
        .unwrap();
    assert_eq!(frozen, audience, "{filter:?}");
    let rows: Vec<(i64, String, Option<String>)> = on_tx!(&mut tx, |conn| sqlx::query_as(
        "select customer_id, state, skip_reason from messages where send_id = $1"
    )
    .bind(send)
    .fetch_all(&mut *conn)
    .await)
    .unwrap();
    // Rolled back, so that it is no earlier send for the next filter.
    drop(tx);
    let written: Outcome = rows
        .into_iter()
        .map(|(id, state, reason)| {
            assert_eq!(state == "skipped", reason.is_some());
            (id, reason.map(|key| SkipReason::from_key(&key).unwrap()))
        })
        .collect();
    assert_eq!(&written, expected, "{filter:?}");
}

/// Every segment, everybody, some unions of tags, some people picked by hand.
async fn filters(
    app: &TestApp,
    place: &loupe::stores::model::Store,
    ids: &[i64],
    dice: &mut Dice,
) -> Vec<RecipientFilter> {
    let mut filters = vec![RecipientFilter::All, RecipientFilter::All];
    for segment in segments::all(app.db(), place.id).await.unwrap() {
        filters.push(RecipientFilter::Segment(segment.id));
    }
    for n in 1..4 {
        filters.push(RecipientFilter::Tags(
            (0..n).map(|_| (*dice.pick(&TAGS)).to_owned()).collect(),
        ));
        let picked = ids.iter().copied().filter(|_| dice.percent(20 * n));
        filters.push(RecipientFilter::Manual(picked.chain([0, 999_999_999]).collect()));
    }
    filters
}

/// The same, the slow way.
async fn by_hand(
    app: &TestApp,
    place: &loupe::stores::model::Store,
    book: &Book,
    scope: &Scope,
    filter: &RecipientFilter,
) -> Outcome {
    let matched: BTreeSet<i64> = match filter {
        RecipientFilter::All => book.people.keys().copied().collect(),
        RecipientFilter::Tags(tags) => {
            let has = |p: &Someone| p.tags.iter().any(|tag| tags.contains(tag));
            book.people.iter().filter(|(_, p)| has(p)).map(|(id, _)| *id).collect()
        }
        RecipientFilter::Manual(ids) => ids.iter().copied().filter(|id| book.people.contains_key(id)).collect(),
        RecipientFilter::Segment(id) => {
            let segment = segments::find(app.db(), place.id, *id).await.unwrap().unwrap();
            members(book, segment.system().unwrap(), scope.now, scope.zone)
        }
        // Nothing has been sent here.
        RecipientFilter::Reached(_) => BTreeSet::new(),
    };
    let mut taken = BTreeSet::new();
    let mut outcome = Outcome::new();
    for id in matched {
        let person = &book.people[&id];
        let reason = alone(book, id, scope).or_else(|| {
            let first = taken.insert(person.email_norm());
            (!first).then_some(SkipReason::DuplicateAddress)
        });
        outcome.insert(id, reason);
    }
    outcome
}

fn alone(book: &Book, id: i64, scope: &Scope) -> Option<SkipReason> {
    let person = &book.people[&id];
    let norm = person.email_norm();
    // Said by them, or by anybody who has their address.
    let said = |what: fn(&Someone) -> bool| {
        what(person) || norm.is_some() && book.people.values().any(|p| p.email_norm() == norm && what(p))
    };
    let reached = || {
        book.reached
            .iter()
            .any(|(who, at)| *who == id || norm.as_ref() == Some(at))
    };
    if person.archived {
        Some(SkipReason::Archived)
    } else if person.do_not_contact {
        Some(SkipReason::DoNotContact)
    } else if person.email.is_none() {
        Some(SkipReason::NoAddress)
    } else if !person.email_valid {
        Some(SkipReason::NotValid)
    } else if said(|p| p.complained) {
        Some(SkipReason::Complained)
    } else if said(|p| p.email_consent == "withdrawn") {
        Some(SkipReason::Unsubscribed)
    } else if person.email_consent == "none" && scope.requires_opt_in {
        Some(SkipReason::NoOptIn)
    } else if said(|p| p.bounced) {
        Some(SkipReason::Bounced)
    } else if scope.not_again.is_some() && reached() {
        Some(SkipReason::AlreadyReceived)
    } else {
        None
    }
}

fn members(book: &Book, segment: SystemSegment, now: DateTime<Utc>, zone: Tz) -> BTreeSet<i64> {
    let month = i64::from(now.with_timezone(&zone).month());
    let half_a_year_ago = now.with_timezone(&zone).checked_sub_months(Months::new(6)).unwrap();
    let mut spenders: Vec<(i64, i64)> = book
        .people
        .iter()
        .filter(|(_, p)| p.spent_cents > 0)
        .map(|(id, p)| (-p.spent_cents, *id))
        .collect();
    spenders.sort_unstable();
    spenders.truncate(spenders.len().div_ceil(10));
    let is = |id: i64, p: &Someone| match segment {
        SystemSegment::Vip => spenders.iter().any(|(_, vip)| *vip == id),
        SystemSegment::New => p.created_at >= now - Duration::days(30),
        SystemSegment::Inactive => [
            p.last_contacted_at,
            p.last_purchase_at,
            p.last_repair_at,
            p.last_visit_at,
        ]
        .into_iter()
        .flatten()
        .all(|at| at <= now - Duration::days(90)),
        SystemSegment::Lapsed => p.last_purchase_at.is_some_and(|at| at <= half_a_year_ago),
        SystemSegment::ActiveRepairs => p.open_repairs > 0,
        SystemSegment::HighValue => p.largest_purchase_cents > 100_000,
        SystemSegment::BirthdayThisMonth => p.birthday.is_some_and(|b| b.0 == month),
        SystemSegment::AnniversaryThisMonth => p.anniversary.is_some_and(|a| a.0 == month),
    };
    book.people
        .iter()
        .filter(|(id, p)| is(**id, p))
        .map(|(id, _)| *id)
        .collect()
}
