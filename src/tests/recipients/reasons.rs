//! Every reason, and which of two wins.

use loupe::recipients::{
    model::{Earlier, RecipientFilter, SkipReason},
    queries,
};

use super::{campaign, earlier_message, outcome, scope, someone, write};
use crate::{both, support::books::Someone};

/// Makes somebody whom this keeps the message from. The last two need more than a row of the book.
fn afflict(someone: &mut Someone, reason: SkipReason) {
    match reason {
        SkipReason::Archived => someone.archived = true,
        SkipReason::DoNotContact => someone.do_not_contact = true,
        SkipReason::NoAddress => someone.email = None,
        SkipReason::NotValid => someone.email_valid = false,
        SkipReason::Complained => someone.complained = true,
        SkipReason::Unsubscribed => someone.email_consent = "withdrawn",
        SkipReason::NoOptIn => someone.email_consent = "none",
        SkipReason::Bounced => someone.bounced = true,
        SkipReason::AlreadyReceived | SkipReason::DuplicateAddress => {}
    }
}

/// Nobody can be both: they are two values of one thing.
fn exclude_each_other(a: SkipReason, b: SkipReason) -> bool {
    use SkipReason::*;
    matches!(
        (a, b),
        (Unsubscribed, NoOptIn) | (NoAddress, DuplicateAddress) | (NotValid, DuplicateAddress)
    )
}

both!(of_two_reasons_the_first_in_order_wins, |app| {
    let campaign = campaign(&app, app.store.id).await;
    let (mut expected, mut elders) = (Vec::new(), Vec::new());
    for (i, a) in SkipReason::ALL.into_iter().enumerate() {
        for b in SkipReason::ALL.into_iter().skip(i) {
            if exclude_each_other(a, b) {
                continue;
            }
            let mut person = someone(&app, &format!("{} {}", a.key(), b.key()));
            let mut people = Vec::new();
            if b == SkipReason::DuplicateAddress {
                let mut elder = person.clone();
                elder.name = format!("elder {}", person.name);
                people.push(elder);
            }
            afflict(&mut person, a);
            afflict(&mut person, b);
            people.push(person);
            let ids = write(&app, &people).await;
            let id = *ids.last().unwrap();
            elders.extend(ids.iter().filter(|elder| **elder != id).map(|elder| (*elder, a)));
            if a == SkipReason::AlreadyReceived || b == SkipReason::AlreadyReceived {
                earlier_message(&app, app.store.id, campaign, id, "old@example.com", "accepted").await;
            }
            expected.push((id, a, b));
        }
    }
    let mut scope = scope(&app);
    scope.not_again = Some(Earlier::Campaign(campaign));
    let outcome = outcome(&app, &scope, &RecipientFilter::All).await;
    for (id, a, b) in &expected {
        assert_eq!(outcome[id], Some(*a), "{a:?} and {b:?}");
    }
    // Everybody else is an elder, who keeps the address and what is said for it.
    assert_eq!(outcome.len(), expected.len() + elders.len());
    for (id, a) in elders {
        use SkipReason::*;
        let of_address = matches!(a, Complained | Unsubscribed | Bounced).then_some(a);
        assert_eq!(outcome[&id], of_address, "elder of {a:?}");
    }
    let audience = queries::count(app.db(), &scope, &RecipientFilter::All).await.unwrap();
    assert_eq!(audience.matched, i64::try_from(outcome.len()).unwrap());
    for reason in SkipReason::ALL {
        let named = outcome.values().filter(|r| **r == Some(reason)).count();
        let counted = audience
            .skipped
            .iter()
            .find(|(r, _)| *r == reason)
            .map_or(0, |(_, n)| *n);
        assert_eq!(counted, i64::try_from(named).unwrap(), "{reason:?}");
        assert!(counted > 0, "{reason:?}");
    }
});

both!(a_store_that_needs_no_agreement_writes_to_those_who_never_said, |app| {
    let mut silent = someone(&app, "Silent Person");
    silent.email_consent = "none";
    let mut bounced = silent.clone();
    bounced.email = Some("bounced@example.com".into());
    bounced.bounced = true;
    let mut twin = silent.clone();
    twin.name = "Twin Person".into();
    let ids = write(&app, &[silent, bounced, twin]).await;

    let mut scope = scope(&app);
    assert!(scope.requires_opt_in);
    let asked = outcome(&app, &scope, &RecipientFilter::All).await;
    assert!(asked.values().all(|r| *r == Some(SkipReason::NoOptIn)), "{asked:?}");

    scope.requires_opt_in = false;
    let unasked = outcome(&app, &scope, &RecipientFilter::All).await;
    assert_eq!(unasked[&ids[0]], None);
    assert_eq!(unasked[&ids[1]], Some(SkipReason::Bounced));
    assert_eq!(unasked[&ids[2]], Some(SkipReason::DuplicateAddress));
    let audience = queries::count(app.db(), &scope, &RecipientFilter::All).await.unwrap();
    assert_eq!((audience.matched, audience.will_send), (3, 1));
});

both!(the_lowest_id_that_may_get_it_keeps_a_shared_address, |app| {
    let mut archived = someone(&app, "Gone Okafor");
    archived.email = Some("Family@example.com".into());
    let mut first = archived.clone();
    archived.archived = true;
    first.name = "First Okafor".into();
    first.email = Some("family@example.com".into());
    let mut second = first.clone();
    second.name = "Second Okafor".into();
    second.tags = vec!["pearls".into()];
    let ids = write(&app, &[archived, first, second]).await;

    let all = outcome(&app, &scope(&app), &RecipientFilter::All).await;
    assert_eq!(all[&ids[0]], Some(SkipReason::Archived));
    assert_eq!(all[&ids[1]], None);
    assert_eq!(all[&ids[2]], Some(SkipReason::DuplicateAddress));
    // Alone in an audience, nobody is a double.
    let alone = RecipientFilter::Tags(vec!["pearls".into()]);
    assert_eq!(outcome(&app, &scope(&app), &alone).await[&ids[2]], None);
    let alone = RecipientFilter::Manual(vec![ids[0], ids[2]]);
    assert_eq!(outcome(&app, &scope(&app), &alone).await[&ids[2]], None);
});

both!(who_was_reached_before_is_left_out_by_person_and_by_address, |app| {
    let mut moved = someone(&app, "Moved Person");
    moved.email = Some("new@example.com".into());
    let mut heir = someone(&app, "Heir Person");
    heir.email = Some("Old@example.com".into());
    let people = [
        moved,
        heir,
        someone(&app, "Failed Person"),
        someone(&app, "Waiting Person"),
        someone(&app, "Unknown Person"),
    ];
    let ids = write(&app, &people).await;
    let mine = campaign(&app, app.store.id).await;
    let other = campaign(&app, app.store.id).await;
    // One mailbox, and whoever it was then.
    earlier_message(&app, app.store.id, mine, ids[0], "old@example.com", "accepted").await;
    earlier_message(
        &app,
        app.store.id,
        mine,
        ids[2],
        "failed.person@example.com",
        "rejected",
    )
    .await;
    earlier_message(
        &app,
        app.store.id,
        mine,
        ids[3],
        "waiting.person@example.com",
        "cancelled",
    )
    .await;
    earlier_message(
        &app,
        app.store.id,
        mine,
        ids[4],
        "unknown.person@example.com",
        "unconfirmed",
    )
    .await;

    let mut scope = scope(&app);
    let all = RecipientFilter::All;
    assert_eq!(queries::count(app.db(), &scope, &all).await.unwrap().will_send, 5);
    scope.not_again = Some(Earlier::Campaign(mine));
    let left = outcome(&app, &scope, &all).await;
    let received = Some(SkipReason::AlreadyReceived);
    let expected = [received, received, None, None, received];
    assert_eq!(left.values().copied().collect::<Vec<_>>(), expected);
    let audience = queries::count(app.db(), &scope, &all).await.unwrap();
    assert_eq!((audience.matched, audience.will_send), (5, 2));
    assert_eq!(audience.skipped, vec![(SkipReason::AlreadyReceived, 3)]);
    scope.not_again = Some(Earlier::Campaign(other));
    assert_eq!(queries::count(app.db(), &scope, &all).await.unwrap().will_send, 5);
});
