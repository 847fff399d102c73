//! What staff can do about a send: stop it, read who got it, and settle what was never answered.

use axum::http::StatusCode;
use loupe::{
    context::actor::Role,
    messages::model::Tally,
    on_db, on_tx,
    recipients::model::RecipientFilter,
    sends::{
        self,
        model::{SendKind, SendState},
        rules::{StartCampaign, start_campaign_as},
        unconfirmed,
    },
};

use crate::{
    both,
    campaigns::{find, id_in, pressed},
    support::{
        app::{TestApp, words},
        people,
        sending::{begun, deliver, draft, initiator, midway, press, status, tally},
    },
};

/// A campaign to five people that has gone out, except that the first `unconfirmed` never got an answer.
pub async fn partly_unconfirmed(app: &TestApp, unknown: i64) -> (i64, i64) {
    people::crowd(app.db(), app.store.id, 5, &["wedding"], app.now()).await;
    let filter = RecipientFilter::Tags(vec!["wedding".to_owned()]);
    let campaign = draft(app.db(), &app.store, "Ring clean", &filter).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, send).await;
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update messages set state = 'unconfirmed', reply = null
          where id in (select id from messages where send_id = $1 order by id limit $2)"
    )
    .bind(send)
    .bind(unknown)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    sends::ending::count_late(&mut tx, send, &[]).await.unwrap();
    tx.commit().await.unwrap();
    (campaign, send)
}

async fn sent_count(app: &TestApp, campaign: i64) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select sent_count from campaigns where id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
    .unwrap()
}

pub async fn in_outbox(app: &TestApp) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from outbox")
        .fetch_one(pool)
        .await)
    .unwrap()
}

pub async fn unconfirmed_ids(app: &TestApp, send: i64) -> Vec<i64> {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select id from messages where send_id = $1 and state = 'unconfirmed' and resolution is null order by id"
    )
    .bind(send)
    .fetch_all(pool)
    .await)
    .unwrap()
}

both!(a_person_treats_one_and_then_the_rest_as_sent, |app| {
    let (campaign, send) = partly_unconfirmed(&app, 3).await;
    assert_eq!(sent_count(&app, campaign).await, 2);
    let cookie = app.sign_in_as(Role::Manager).await;
    let page = format!("/marketing/campaigns/{campaign}");
    let html = app.get(&page, &cookie).await.text;
    assert!(html.contains("3 customers are unconfirmed."), "{html}");
    let one = unconfirmed_ids(&app, send).await[0].to_string();
    let id = send.to_string();
    let answer = app
        .post_form(
            "/api/sends/treat-as-sent",
            &page,
            &[("send_id", &id), ("message_id", &one)],
            &cookie,
        )
        .await;
    assert_eq!(answer.location(), page);
    assert_eq!(unconfirmed_ids(&app, send).await.len(), 2);
    assert_eq!(
        sent_count(&app, campaign).await,
        3,
        "the campaign's number follows its rows"
    );
    app.post_form("/api/sends/treat-as-sent", &page, &[("send_id", &id)], &cookie)
        .await;
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!(
        after,
        Tally {
            sent: 5,
            ..Tally::default()
        }
    );
    let html = app.get(&page, &cookie).await.text;
    assert!(!html.contains("unconfirmed."), "nothing is left to settle");
    assert!(html.contains("Treated as sent by manager Person."), "{html}");
    assert!(html.contains("Treated 2 unconfirmed customers of “Ring clean” as sent"));
});

both!(sending_again_reaches_exactly_those_without_an_answer_once, |app| {
    let (campaign, send) = partly_unconfirmed(&app, 2).await;
    let before = in_outbox(&app).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = format!("/marketing/campaigns/{campaign}");
    let id = send.to_string();
    let fields = [("send_id", id.as_str()), ("send_token", "again-1")];
    let (first, second) = tokio::join!(
        app.post_form("/api/sends/again", &page, &fields, &cookie),
        app.post_form("/api/sends/again", &page, &fields, &cookie),
    );
    let follows = sends::queries::following(app.db(), app.store.id, send).await.unwrap();
    assert_eq!(follows.len(), 1, "{} {}", first.text, second.text);
    let again = &follows[0];
    assert_eq!((again.kind, again.label.as_str()), (SendKind::Again, "Ring clean"));
    let done = deliver(&app.state, &app.store, again.id).await;
    assert_eq!(done.state, SendState::Done);
    assert_eq!(in_outbox(&app).await, before + 2);
    assert_eq!(tally(app.db(), &app.store, again.id).await.sent, 2);
    // The first copies stay what they are, and nobody can press again.
    assert_eq!(tally(app.db(), &app.store, send).await.unconfirmed, 2);
    assert!(unconfirmed_ids(&app, send).await.is_empty());
    let third = app
        .post_form(
            "/api/sends/again",
            &page,
            &[("send_id", &id), ("send_token", "again-2")],
            &cookie,
        )
        .await;
    assert_eq!(third.location(), page, "refused, and told there");
    assert_eq!(in_outbox(&app).await, before + 2);
    // Both pages lead to each other.
    let html = app.get(&page, &cookie).await.text;
    assert!(
        html.contains(&format!("/marketing/bulk-email/sent/{}", again.id)),
        "{html}"
    );
    let receipt = app.get(&again.page(), &cookie).await;
    assert_eq!(receipt.status, StatusCode::OK);
    assert!(receipt.text.contains(&page));
    assert_eq!(status(app.db(), campaign).await, "sent");
});

both!(who_opted_out_meanwhile_is_not_sent_to_again, |app| {
    let (campaign, send) = partly_unconfirmed(&app, 1).await;
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update customers set do_not_contact = true
          where id in (select customer_id from messages where send_id = $1 and state = 'unconfirmed')"
    )
    .bind(send)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = format!("/marketing/campaigns/{campaign}");
    let fields = [("send_id", &*send.to_string()), ("send_token", "again")];
    let answer = app.post_form("/api/sends/again", &page, &fields, &cookie).await;
    assert_eq!(answer.location(), page, "refused, and told there");
    assert!(
        sends::queries::following(app.db(), app.store.id, send)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(unconfirmed_ids(&app, send).await.len(), 1, "it can still be settled");
});

both!(after_three_days_it_counts_as_sent, |app| {
    let (campaign, send) = partly_unconfirmed(&app, 2).await;
    let almost = app.now() + unconfirmed::SETTLES_ITSELF_AFTER;
    assert_eq!(unconfirmed::settle_old(app.db(), almost).await.unwrap(), 0);
    let then = almost + chrono::Duration::seconds(1);
    assert_eq!(unconfirmed::settle_old(app.db(), then).await.unwrap(), 2);
    assert_eq!(tally(app.db(), &app.store, send).await.sent, 5);
    assert_eq!(sent_count(&app, campaign).await, 5);
    let cookie = app.sign_in_as(Role::Accountant).await;
    let html = app.get(&format!("/marketing/campaigns/{campaign}"), &cookie).await.text;
    assert!(html.contains("after 72 hours without an answer"), "{html}");
});

both!(only_those_who_may_send_can_settle_anything, |app| {
    let (campaign, send) = partly_unconfirmed(&app, 1).await;
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let html = app.get(&format!("/marketing/campaigns/{campaign}"), &cookie).await.text;
    assert!(
        html.contains("Unconfirmed") && !html.contains("Treat as sent"),
        "{html}"
    );
    let fields = [("send_id", &*send.to_string())];
    let answer = app.post_form("/api/sends/treat-as-sent", "/", &fields, &cookie).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(unconfirmed_ids(&app, send).await.len(), 1);
});

both!(everybody_of_a_send_is_in_its_file, |app| {
    people::one(
        app.db(),
        app.store.id,
        "=cmd()",
        Some("odd@example.com"),
        &["wedding"],
        app.now(),
    )
    .await;
    people::one(app.db(), app.store.id, "Dara Petrov", None, &["wedding"], app.now()).await;
    let (_, send) = partly_unconfirmed(&app, 1).await;
    let cookie = app.sign_in_as(Role::Accountant).await;
    let file = app.get(&format!("/sends/{send}/recipients.csv"), &cookie).await;
    assert_eq!(file.status, StatusCode::OK);
    let zone = app.store.zone();
    let mut lines = file.text.lines();
    assert_eq!(
        lines.next().unwrap(),
        format!("Customer,Email,Status,Why,Sent ({})", zone.name())
    );
    assert_eq!(lines.count(), 7, "{}", file.text);
    assert!(file.text.contains("\"'=cmd()\",odd@example.com,"), "{}", file.text);
    assert!(
        file.text.contains("Dara Petrov,,Skipped,No email address,"),
        "{}",
        file.text
    );
});

both!(stopping_asks_first_and_the_rest_can_go_later, |app| {
    people::crowd(app.db(), app.store.id, 8, &["wedding"], app.now()).await;
    let filter = RecipientFilter::Tags(vec!["wedding".to_owned()]);
    let campaign = draft(app.db(), &app.store, "Ring clean", &filter).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    // Three have it, and the dispatcher has got no further.
    midway(app.db(), send, 3).await;

    let page = format!("/marketing/campaigns/{campaign}");
    let sales = app.sign_in_as(Role::Salesperson).await;
    let html = app.get(&page, &sales).await.text;
    assert!(!html.contains("Stop sending") && !html.contains("/api/sends/pause"));
    let cookie = app.sign_in_as(Role::Owner).await;
    let html = app.get(&page, &cookie).await.text;
    for control in ["/api/sends/pause", "/api/sends/resume", "Stop sending"] {
        assert!(html.contains(control), "{control}");
    }
    let asked = app.get(&format!("/sends/{send}/stop"), &cookie).await;
    assert!(
        asked
            .text
            .contains("3 customers already have it. The other 5 won&#x27;t get it.")
            || asked
                .text
                .contains("3 customers already have it. The other 5 won't get it."),
        "{}",
        asked.text
    );
    let stopped = app
        .post_form(
            "/api/sends/stop",
            &format!("/sends/{send}/stop"),
            &[("send_id", &send.to_string())],
            &cookie,
        )
        .await;
    assert_eq!(stopped.location(), page);
    let html = app.get(&page, &cookie).await.text;
    assert!(html.contains("after 3 of 8 customers."), "{html}");
    assert!(html.contains("Skip the 3 who already got it"), "{html}");
    assert!(html.contains("Send to the remaining 5"), "{html}");
    let late = app.get(&format!("/sends/{send}/stop"), &cookie).await;
    assert_eq!(late.location(), page, "there is nothing to stop any more");
    let rest = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, rest).await;
    assert_eq!(in_outbox(&app).await, 5, "the first three were the provider's business");
    assert_eq!(tally(app.db(), &app.store, rest).await.sent, 5);
});

both!(a_bulk_email_that_was_stopped_goes_to_the_rest_only, |app| {
    people::crowd(app.db(), app.store.id, 6, &["wedding"], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let path = "/marketing/bulk-email";
    let fields = |token: &'static str, of_send: String, skip: &'static str| {
        vec![
            ("subject", "Trunk show".to_owned()),
            ("body", "Come and see.".to_owned()),
            ("recipient_type", "all".to_owned()),
            ("shown_count", "6".to_owned()),
            ("send_token", token.to_owned()),
            ("of_send", of_send),
            ("asks_skip_already", "true".to_owned()),
            ("skip_already", skip.to_owned()),
        ]
    };
    let press = async |token, of_send, skip| {
        let fields = fields(token, of_send, skip);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut answer = app.post_form("/api/bulk-email/send", path, &fields, &cookie).await;
        if answer.location().contains("/review") {
            answer = app.press(answer.location(), "/api/bulk-email/confirm", &cookie).await;
        }
        let receipt = answer.location().split('?').next().unwrap_or_default().to_owned();
        let id: i64 = receipt.rsplit('/').next().unwrap().parse().unwrap();
        (id, receipt)
    };
    let (first, receipt) = press("bulk-1", String::new(), "true").await;
    // Two have it when somebody stops it.
    midway(app.db(), first, 2).await;
    app.post_form("/api/sends/stop", &receipt, &[("send_id", &first.to_string())], &cookie)
        .await;
    let html = app.get(&receipt, &cookie).await.text;
    assert!(html.contains("Send to the rest"), "{html}");
    let form = app.get(path, &cookie).await.text;
    assert!(
        form.contains("Trunk show") && form.contains("Skip the 2 who already got it"),
        "{form}"
    );
    assert!(form.contains("This will go to 4 customers"), "{form}");

    let (second, _) = press("bulk-2", first.to_string(), "true").await;
    deliver(&app.state, &app.store, second).await;
    let after = tally(app.db(), &app.store, second).await;
    assert_eq!((after.sent, after.skipped, after.already), (4, 0, 2));

    // Unticking it is the person's own "send again".
    let (third, _) = press("bulk-3", first.to_string(), "").await;
    deliver(&app.state, &app.store, third).await;
    assert_eq!(tally(app.db(), &app.store, third).await.sent, 6);
});

both!(
    a_stopped_bulk_email_that_became_a_campaign_goes_to_the_rest_only,
    |app| {
        people::crowd(app.db(), app.store.id, 6, &["wedding"], app.now()).await;
        let cookie = app.sign_in_as(Role::Owner).await;
        let path = "/marketing/bulk-email";
        let save = async |token: &str, intent: &str, of_send: &str| {
            let (action, field) = pressed("bulk-email", intent);
            let fields = [
                ("subject", "Trunk show"),
                ("body", "Come and see."),
                ("recipient_type", "all"),
                field,
                ("shown_count", "6"),
                ("send_token", token),
                ("of_send", of_send),
                ("asks_skip_already", "true"),
                ("skip_already", "true"),
            ];
            app.post_form(&action, path, &fields, &cookie).await
        };
        save("bulk", "send_now", "").await;
        let fields = [("send_token", "bulk")];
        let sent = app.post_form("/api/bulk-email/confirm", path, &fields, &cookie).await;
        let receipt = sent.location().split('?').next().unwrap_or_default().to_owned();
        let first = receipt.rsplit('/').next().unwrap().to_owned();
        let first_id: i64 = first.parse().unwrap();
        let campaigns = async || -> i64 {
            on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from campaigns")
                .fetch_one(pool)
                .await)
            .unwrap()
        };
        midway(app.db(), first_id, 2).await;
        // A page from before: the email is on its way, and nobody knows yet whom it reaches.
        let early = save("early", "as_campaign", &first).await;
        let told = words(&app.follow(&early, &cookie).await.text);
        assert!(told.contains("It is being sent, or has become a campaign"), "{told}");
        assert_eq!(campaigns().await, 0);
        app.post_form("/api/sends/stop", &receipt, &[("send_id", &first)], &cookie)
            .await;

        let made = save("again", "as_campaign", &first).await;
        assert!(made.location().ends_with("/edit?ok=from-bulk"), "{}", made.location());
        let campaign = id_in(made.location());
        let form = words(&app.get(made.location(), &cookie).await.text);
        assert!(form.contains("Skip the 2 who already got it"), "{form}");
        assert!(form.contains("This will go to 4 customers"), "{form}");
        let page = format!("/marketing/campaigns/{campaign}");
        assert_eq!(
            app.get(&receipt, &cookie).await.location(),
            page,
            "the receipt is there"
        );
        // The other tab, with the same form.
        let twice = save("twice", "as_campaign", &first).await;
        assert_eq!(twice.location(), page);
        assert_eq!(campaigns().await, 1);

        let what = StartCampaign {
            campaign_id: campaign,
            version: None,
            token: "rest".to_owned(),
            skip_already: find(&app, campaign).await.skip_already,
            shown_count: None,
        };
        let initiator = initiator(&app.state, &app.store);
        let rest = begun(start_campaign_as(app.db(), &initiator, &what).await.unwrap());
        deliver(&app.state, &app.store, rest).await;
        let after = tally(app.db(), &app.store, rest).await;
        assert_eq!((after.sent, after.skipped, after.already), (4, 0, 2));
        let twice: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
            "select count(*) from (select customer_id from messages where state = 'accepted'
                                group by customer_id having count(*) > 1) twice"
        )
        .fetch_one(pool)
        .await)
        .unwrap();
        assert_eq!(twice, 0);
    }
);
