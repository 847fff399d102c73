//! Consent: the ledger, and the link at the end of every message.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use loupe::{
    consent::{
        self,
        model::{Channel, ConsentState, Source, Wish},
        rules::Change,
    },
    customers::{details::Details, queries},
    ids::StoreId,
    on_db,
};

use crate::{
    both,
    support::app::{Answer, TestApp},
};

async fn person(app: &TestApp, store: StoreId, name: &str, email: &str) -> (i64, String) {
    let mut tx = app.db().begin().await.unwrap();
    let id = queries::insert(&mut tx, store, None, &Details::named(name).with_email(email), app.now())
        .await
        .unwrap();
    let said = Change {
        customer: id,
        channel: Channel::Email,
        wish: Wish::Grant,
        source: Source::Staff,
        evidence: "card",
        actor: "Priya Nair",
    };
    assert!(consent::rules::change(&mut tx, store, said, app.now()).await.unwrap());
    tx.commit().await.unwrap();
    let token = queries::find(app.db(), store, id)
        .await
        .unwrap()
        .unwrap()
        .unsubscribe_token;
    (id, token)
}

async fn email_state(app: &TestApp, store: StoreId, id: i64) -> ConsentState {
    queries::find(app.db(), store, id).await.unwrap().unwrap().email_consent
}

async fn events(app: &TestApp) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from consent_events"
    )
    .fetch_one(pool)
    .await)
    .unwrap()
}

async fn ask(app: &TestApp, method: Method, token: &str, body: &'static str) -> Answer {
    // As a mail provider does it: from elsewhere, without a cookie.
    app.send(
        Request::builder()
            .method(method)
            .uri(format!("/u/{token}"))
            .header("sec-fetch-site", "cross-site")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap(),
    )
    .await
}

both!(saying_the_same_again_adds_nothing_to_the_ledger, |app| {
    let (id, _) = person(&app, app.store.id, "Amara Okafor", "amara@example.com").await;
    let change = |wish, evidence| {
        consent::rules::change_by_staff(
            app.db(),
            app.store.id,
            "Ben Li",
            id,
            Channel::Email,
            wish,
            evidence,
            app.now(),
        )
    };
    change(Wish::Withdraw, "").await.unwrap();
    change(Wish::Withdraw, "").await.unwrap();
    change(Wish::Grant, " ")
        .await
        .expect_err("an agreement says how it is known");
    change(Wish::Grant, "by phone").await.unwrap();
    let ledger = consent::queries::ledger(app.db(), app.store.id, id).await.unwrap();
    let told: Vec<_> = ledger
        .iter()
        .map(|e| (e.change, e.evidence.as_str(), e.actor.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (ConsentState::Granted, "by phone", "Ben Li"),
            (ConsentState::Withdrawn, "Asked staff", "Ben Li"),
            (ConsentState::Granted, "card", "Priya Nair"),
        ]
    );
});

both!(looking_never_unsubscribes_and_posting_does, |app| {
    let (amara, token) = person(&app, app.store.id, "Amara Okafor", "amara@example.com").await;
    let (partner, _) = person(&app, app.store.id, "Chidi Okafor", "Amara@example.com").await;
    let (stranger, _) = person(&app, app.store.id, "Ben Li", "ben@example.com").await;
    let (other, _) = app.another_store().await;
    let (elsewhere, _) = person(&app, other.id, "Amara Okafor", "amara@example.com").await;
    let before = events(&app).await;

    let page = ask(&app, Method::GET, &token, "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text.contains("Aurelia") && page.text.contains("a•••@example.com"),
        "{}",
        page.text
    );
    assert!(
        !page.text.contains("amara@example.com") && !page.text.contains("Okafor"),
        "{}",
        page.text
    );
    assert_eq!(page.headers["x-robots-tag"], "noindex, nofollow");
    ask(&app, Method::HEAD, &token, "").await;
    assert_eq!(events(&app).await, before);

    for _ in 0..2 {
        let done = ask(&app, Method::POST, &token, "List-Unsubscribe=One-Click").await;
        assert_eq!(done.status, StatusCode::OK);
        assert!(done.text.contains("unsubscribed"), "{}", done.text);
        assert!(done.headers.get(header::SET_COOKIE).is_none());
    }
    // Everyone of this store with the address, nobody else, once each.
    assert_eq!(events(&app).await, before + 2);
    for id in [amara, partner] {
        assert_eq!(email_state(&app, app.store.id, id).await, ConsentState::Withdrawn);
    }
    assert_eq!(email_state(&app, app.store.id, stranger).await, ConsentState::Granted);
    assert_eq!(email_state(&app, other.id, elsewhere).await, ConsentState::Granted);
});

both!(a_person_can_take_it_back, |app| {
    let (amara, token) = person(&app, app.store.id, "Amara Okafor", "amara@example.com").await;
    let (partner, _) = person(&app, app.store.id, "Chidi Okafor", "amara@example.com").await;
    // Chidi told staff: Amara's link does not speak for that.
    consent::rules::change_by_staff(
        app.db(),
        app.store.id,
        "Ben",
        partner,
        Channel::Email,
        Wish::Withdraw,
        "",
        app.now(),
    )
    .await
    .unwrap();
    ask(&app, Method::POST, &token, "").await;
    assert_eq!(email_state(&app, app.store.id, amara).await, ConsentState::Withdrawn);
    let page = ask(&app, Method::GET, &token, "").await;
    assert!(page.text.contains("Subscribe again"), "{}", page.text);
    ask(&app, Method::POST, &token, "intent=subscribe").await;
    assert_eq!(email_state(&app, app.store.id, amara).await, ConsentState::Granted);
    assert_eq!(email_state(&app, app.store.id, partner).await, ConsentState::Withdrawn);
});

both!(a_link_of_nobody_is_not_found, |app| {
    for method in [Method::GET, Method::POST] {
        let answer = ask(&app, method, "0000000000000000000000", "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
});
