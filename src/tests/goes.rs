//! A campaign that goes out in several goes counts people, not messages: everybody once, by the best that
//! came of it.

use std::collections::{BTreeMap, HashSet};

use loupe::{
    campaigns::{self, list::ListQuery},
    context::actor::Role,
    messages::{
        goes,
        model::{MessageState, Tally},
        people::{self as list, Part},
    },
    on_db, on_tx,
    recipients::model::RecipientFilter,
    sends::{
        ending, queries as sends,
        rules::{StartCampaign, start_campaign_as},
    },
};

use crate::{
    both,
    campaigns::find,
    support::{
        app::{TestApp, words},
        books::Dice,
        people,
        sending::{begun, deliver, draft, initiator, latest, midway, press},
    },
};

/// The best first; 2 is whoever still waits, 5 whose address has it already.
fn place(state: MessageState, skip_reason: Option<&str>) -> usize {
    match (state, skip_reason) {
        (MessageState::Accepted, _) => 0,
        (MessageState::Unconfirmed, _) => 1,
        (MessageState::Queued | MessageState::Leased | MessageState::Attempting, _) => 2,
        (MessageState::Rejected | MessageState::Failed, _) => 3,
        (MessageState::Skipped, Some("already_received")) => 5,
        (MessageState::Skipped, _) => 4,
        (MessageState::Cancelled, _) => 6,
    }
}

/// The place of everybody's best outcome over the sends of a campaign that were not taken back.
async fn best_of_everybody(app: &TestApp, campaign: i64) -> BTreeMap<i64, usize> {
    let rows: Vec<(i64, MessageState, Option<String>)> = on_db!(app.db(), |pool| sqlx::query_as(
        "select m.customer_id, m.state, m.skip_reason from messages m join sends s on s.id = m.send_id
          where s.campaign_id = $1 and s.state <> 'cancelled'"
    )
    .bind(campaign)
    .fetch_all(pool)
    .await)
    .unwrap();
    let mut best = BTreeMap::new();
    for (customer, state, reason) in rows {
        let place = place(state, reason.as_deref());
        let so_far = best.entry(customer).or_insert(place);
        *so_far = place.min(*so_far);
    }
    best
}

fn counted(best: &BTreeMap<i64, usize>) -> Tally {
    let of = |wanted: usize| i64::try_from(best.values().filter(|place| **place == wanted).count()).unwrap();
    Tally {
        sent: of(0),
        unconfirmed: of(1),
        waiting: of(2),
        failed: of(3),
        skipped: of(4),
        already: of(5),
        cancelled: of(6),
    }
}

/// Runs one statement on a send.
async fn change(app: &TestApp, sql: String, send: i64) {
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(send)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}

/// Ends the messages of a send as the dice say; `waits` leaves some of them waiting.
async fn settle(app: &TestApp, send: i64, dice: &mut Dice, waits: bool) {
    let ids: Vec<i64> = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select id from messages where send_id = $1 and state = 'queued' order by id"
    )
    .bind(send)
    .fetch_all(pool)
    .await)
    .unwrap();
    for id in ids {
        let outcome = match dice.below(6) {
            0 | 1 => "accepted",
            2 => "unconfirmed",
            3 => "rejected",
            4 => "failed",
            _ if waits => continue,
            _ => "cancelled",
        };
        let sql = format!(
            "update messages set state = '{outcome}', settled_at = created_at, next_at = null where id = {id} and send_id = $1"
        );
        change(app, sql, send).await;
    }
}

/// A campaign with up to four goes, some taken back; the last may still be under way.
async fn with_several_goes(app: &TestApp, dice: &mut Dice) -> i64 {
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let goes = 1 + dice.below(4);
    for go in 1..=goes {
        let what = StartCampaign {
            campaign_id: campaign,
            version: None,
            token: loupe::tokens::public(),
            skip_already: dice.below(3) > 0,
            shown_count: None,
        };
        let started = start_campaign_as(app.db(), &initiator(&app.state, &app.store), &what)
            .await
            .unwrap();
        let loupe::sends::rules::Started::Sending { send_id } = started else {
            // Everybody has it.
            return campaign;
        };
        if dice.below(5) == 0 {
            change(
                app,
                "update messages set state = 'cancelled', settled_at = created_at, next_at = null
                  where send_id = $1 and state = 'queued'"
                    .to_owned(),
                send_id,
            )
            .await;
            change(
                app,
                "update sends set state = 'cancelled' where id = $1".to_owned(),
                send_id,
            )
            .await;
        } else {
            settle(app, send_id, dice, go == goes).await;
            let state = if go == goes { "sending" } else { "reverted" };
            change(
                app,
                format!("update sends set state = '{state}' where id = $1"),
                send_id,
            )
            .await;
            if go == goes {
                return campaign;
            }
        }
        people::change(
            app.db(),
            "update campaigns set status = 'draft' where id = $1",
            campaign,
        )
        .await;
    }
    campaign
}

/// Every way the numbers of a campaign are told.
async fn told(app: &TestApp, campaign: i64) -> Vec<Tally> {
    let goes = goes::of_campaign(app.db(), app.store.id, campaign).await.unwrap();
    let now = app.now();
    let mut tx = app.db().begin().await.unwrap();
    let within = goes::total_in(&mut tx, campaign).await.unwrap();
    drop(tx);
    vec![
        goes::total(app.db(), campaign, &goes, now).await.unwrap(),
        // As a campaign of a million is counted; the second time from what was kept.
        goes::total_kept_from(app.db(), campaign, &goes, now, 0).await.unwrap(),
        goes::total_kept_from(app.db(), campaign, &goes, now, 0).await.unwrap(),
        within,
    ]
}

async fn card_of(app: &TestApp, campaign: i64) -> Option<(i64, i64)> {
    let (cards, _) = campaigns::queries::list(app.db(), app.store.id, &ListQuery::default(), app.now())
        .await
        .unwrap();
    let card = cards.into_iter().find(|card| card.id == campaign).unwrap();
    card.outcome.map(|outcome| (outcome.sent, outcome.failed))
}

both!(
    the_numbers_of_a_campaign_are_of_people_by_the_best_of_all_its_goes,
    |app| {
        people::crowd(app.db(), app.store.id, 9, &[], app.now()).await;
        for n in 0..2 {
            people::one(app.db(), app.store.id, &format!("Nobody {n}"), None, &[], app.now()).await;
        }
        // Two who share an address with somebody: whoever of them comes first gets it.
        for n in 1..=2 {
            let email = format!("p00000{n}@example.com");
            people::one(
                app.db(),
                app.store.id,
                &format!("Partner {n}"),
                Some(&email),
                &[],
                app.now(),
            )
            .await;
        }
        let mut several = 0;
        for seed in 0..24 {
            let campaign = with_several_goes(&app, &mut Dice(seed)).await;
            let goes = goes::of_campaign(app.db(), app.store.id, campaign).await.unwrap();
            several += usize::from(goes.len() > 1);
            let best = best_of_everybody(&app, campaign).await;
            let expected = counted(&best);
            let told = told(&app, campaign).await;
            for tally in &told {
                assert_eq!(*tally, expected, "seed {seed}: {goes:?}");
            }
            if expected.sent + expected.failed > 0 {
                assert_eq!(
                    card_of(&app, campaign).await,
                    Some((expected.sent, expected.failed)),
                    "seed {seed}"
                );
            }
            // The list of people has everybody once, with that outcome.
            let sends: Vec<i64> = goes.iter().map(|go| go.send).collect();
            let part = Part { skip: 0, limit: 100 };
            let (rows, total) = list::page(app.db(), app.store.id, &sends, &expected, "", part)
                .await
                .unwrap();
            assert_eq!(
                total,
                expected.audience() + expected.skipped + expected.already,
                "seed {seed}"
            );
            assert_eq!(i64::try_from(rows.len()).unwrap(), total, "seed {seed}");
            for row in &rows {
                assert_eq!(
                    place(row.state, row.skip_reason.as_deref()),
                    best[&row.customer_id],
                    "seed {seed}: {row:?}"
                );
            }
            // So has the file, piece by piece.
            let mut after = 0;
            let mut listed = HashSet::new();
            loop {
                let piece = list::after_one(app.db(), app.store.id, &sends, after, 3).await.unwrap();
                let Some(last) = piece.last() else { break };
                after = last.message_id;
                assert!(piece.iter().all(|row| listed.insert(row.customer_id)), "seed {seed}");
            }
            assert_eq!(i64::try_from(listed.len()).unwrap(), total, "seed {seed}");
        }
        assert!(several > 8, "{several} campaigns had several goes");
    }
);

/// A campaign that was stopped when 2 of 5 had it, and then sent to the rest. Also its first send.
async fn in_two_goes(app: &TestApp) -> (i64, i64, String) {
    people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    people::one(app.db(), app.store.id, "Dara Petrov", None, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let first = begun(press(&app.state, &app.store, campaign).await);
    midway(app.db(), first, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = first.to_string();
    app.post_form("/api/sends/stop", "/marketing/campaigns", &[("send_id", &id)], &cookie)
        .await;
    let second = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, second).await;
    (campaign, first, cookie)
}

both!(a_campaign_in_two_goes_shows_everybody_and_each_go_for_itself, |app| {
    let (campaign, first, cookie) = in_two_goes(&app).await;
    let path = format!("/marketing/campaigns/{campaign}");
    let page = app.get(&path, &cookie).await;
    let read = words(&page.text);
    assert!(read.contains("Sent to 5 customers. Replies come to hello@"), "{read}");
    assert!(read.contains("Sent 5 The provider accepted it Failed 0"), "{read}");
    assert!(read.contains("Skipped 1 Left out, with a reason each"), "{read}");
    assert!(!read.contains("Already had it"), "{read}");
    assert!(read.contains("in two goes, by Priya Nair"), "{read}");
    assert!(read.contains("Sent in two goes"), "{read}");
    assert!(read.contains("Stopped after 2 of 5: owner stopped it."), "{read}");
    assert!(
        read.contains("Sent to 3 more by Priya Nair · 2 already had it"),
        "{read}"
    );
    let everyone = words(&app.get(&format!("{path}?show=everyone"), &cookie).await.text);
    for n in 1..=5 {
        assert_eq!(
            everyone.matches(&format!("Person {n} p00000{n}@")).count(),
            1,
            "{everyone}"
        );
    }
    let list = words(&app.get("/marketing/campaigns", &cookie).await.text);
    assert!(list.contains("Customers 5 Sent 5 Failed 0"), "{list}");

    let file = app.get(&format!("{path}/recipients.csv"), &cookie).await.text;
    assert_eq!(file.lines().count(), 7, "{file}");
    assert_eq!(file.matches(",Sent,").count(), 5, "{file}");
    assert!(file.contains("Dara Petrov,,Skipped,No email address"), "{file}");

    let go = words(&app.get(&format!("{path}?go={first}"), &cookie).await.text);
    assert!(
        go.contains("Only the go of") && go.contains("See all goes together"),
        "{go}"
    );
    assert!(go.contains("2 of 5 got it."), "{go}");
    assert!(go.contains("Not sent 3"), "{go}");
    let one = app.get(&format!("/sends/{first}/recipients.csv"), &cookie).await.text;
    assert_eq!(one.matches(",Sent,").count(), 2, "{one}");
    // Another campaign's go is not shown here.
    let other = draft(app.db(), &app.store, "Winter", &RecipientFilter::All).await;
    let strange = app
        .get(&format!("/marketing/campaigns/{other}?go={first}"), &cookie)
        .await;
    assert!(!words(&strange.text).contains("Only the go of"), "{}", strange.text);
});

both!(the_numbers_on_the_campaign_are_of_all_its_goes, |app| {
    people::crowd(app.db(), app.store.id, 6, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let first = begun(press(&app.state, &app.store, campaign).await);
    // Two have it, one was refused, one was never answered, two were not reached.
    for (state, n) in [("accepted", 2), ("rejected", 1), ("unconfirmed", 1), ("cancelled", 2)] {
        let sql = format!(
            "update messages set state = '{state}', settled_at = created_at, next_at = null where id in
                (select id from messages where send_id = $1 and state = 'queued' order by id limit {n})"
        );
        change(&app, sql, first).await;
    }
    change(
        &app,
        "update sends set state = 'reverted' where id = $1".to_owned(),
        first,
    )
    .await;
    people::change(
        app.db(),
        "update campaigns set status = 'draft' where id = $1",
        campaign,
    )
    .await;
    let second = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, second).await;
    let numbers = async || {
        let campaign = find(&app, campaign).await;
        (campaign.sent_count, campaign.failed_count)
    };
    // Who was refused is tried again; who was never answered is not.
    assert_eq!(numbers().await, (Some(5), Some(0)));
    assert_eq!(latest(app.db(), &app.store, campaign).await, second);

    // A late answer to the first go counts, although it was given up.
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update messages set state = 'accepted' where send_id = $1 and state = 'unconfirmed'"
    )
    .bind(first)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    ending::count_late(&mut tx, first, &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(numbers().await, (Some(6), Some(0)));
    let goes = goes::of_campaign(app.db(), app.store.id, campaign).await.unwrap();
    let total = goes::total(app.db(), campaign, &goes, app.now()).await.unwrap();
    assert_eq!((total.sent, total.failed, total.skipped), (6, 0, 0));
    assert!(sends::find(app.db(), app.store.id, first).await.unwrap().is_some());
});
