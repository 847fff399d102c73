//! A link speaks for the address it was sent to.

use loupe::{
    consent::model::{ConsentState, Wish},
    context::actor::Role,
};

use super::*;
use crate::{both, support::people};

both!(an_old_link_speaks_for_the_old_address_alone, |app| {
    let amara = people::one(app.db(), app.store.id, "Amara", Some("old@example.com"), &[], app.now()).await;
    let old = token(&app, amara).await;
    move_to(&app, amara, "new@example.org").await;
    let new = token(&app, amara).await;
    assert!(new != old && new.len() >= 22, "{new}");
    // What is no other address is no other link.
    move_to(&app, amara, "New@example.org").await;
    assert_eq!(token(&app, amara).await, new);

    let before = lines(&app).await;
    for method in [Method::GET, Method::HEAD] {
        let page = ask(&app, method.clone(), &old, "").await;
        assert!(!page.text.contains("example.org"), "{}", page.text);
        assert!(
            method == Method::HEAD || page.text.contains("o•••@example.com"),
            "{}",
            page.text
        );
    }
    let options = Request::options(format!("/u/{old}")).body(Body::empty()).unwrap();
    app.send(options).await;
    assert_eq!((reason(&app, amara).await, lines(&app).await), (None, before));

    for _ in 0..2 {
        let done = press_unsubscribe(&app, &old).await;
        assert!(
            done.text.contains("unsubscribed") && !done.text.contains("example.org"),
            "{}",
            done.text
        );
    }
    assert_eq!(find(&app, amara).await.email_consent, ConsentState::Granted);
    assert_eq!(reason(&app, amara).await, None);
    assert_eq!(lines(&app).await, before + 1);
    let ledger = consent::queries::ledger(app.db(), app.store.id, amara).await.unwrap();
    assert_eq!(ledger[0].address.as_deref(), Some("old@example.com"));
    // The link of the new address knows nothing of it, and each can be used after the other.
    let page = ask(&app, Method::GET, &new, "").await;
    assert!(
        page.text.contains("n•••@example.org") && !page.text.contains("Subscribe again"),
        "{}",
        page.text
    );

    let ben = people::one(app.db(), app.store.id, "Ben", Some("old@example.com"), &[], app.now()).await;
    assert_eq!(reason(&app, ben).await, Some(SkipReason::Unsubscribed));
    let page = ask(&app, Method::POST, &old, "intent=subscribe").await;
    assert!(page.text.contains("You are subscribed again"), "{}", page.text);
    assert_eq!(reason(&app, ben).await, None);
    assert_eq!(lines(&app).await, before + 2);

    // Back at the old address, the old link is hers again.
    move_to(&app, amara, "old@example.com").await;
    press_unsubscribe(&app, &old).await;
    for id in [amara, ben] {
        assert_eq!(find(&app, id).await.email_consent, ConsentState::Withdrawn);
    }
    assert_eq!(
        ask(&app, Method::GET, &new, "")
            .await
            .text
            .matches("n•••@example.org")
            .count(),
        1
    );
});

both!(a_link_reaches_no_other_store, |app| {
    let amara = people::one(
        app.db(),
        app.store.id,
        "Amara",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    let old = token(&app, amara).await;
    move_to(&app, amara, "new@example.com").await;
    let (other, _) = app.another_store().await;
    let elsewhere = people::one(app.db(), other.id, "Amara", Some("amara@example.com"), &[], app.now()).await;
    let customer = || async { queries::find(app.db(), other.id, elsewhere).await.unwrap().unwrap() };
    press_unsubscribe(&app, &old).await;
    let there = customer().await;
    assert_eq!((there.email_standing, there.email_consent), (0, ConsentState::Granted));
    press_unsubscribe(&app, &there.unsubscribe_token).await;
    assert_eq!(customer().await.email_standing, 7);
    assert_eq!(reason(&app, amara).await, None);
});

both!(many_clicks_at_once_are_one_word, |app| {
    let amara = people::one(
        app.db(),
        app.store.id,
        "Amara",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    let ben = people::one(app.db(), app.store.id, "Ben", Some("ben@example.com"), &[], app.now()).await;
    let old = token(&app, ben).await;
    move_to(&app, ben, "ben@example.org").await;
    for token in [token(&app, amara).await, old] {
        let before = lines(&app).await;
        futures::future::join_all((0..30).map(|_| press_unsubscribe(&app, &token))).await;
        assert_eq!(lines(&app).await, before + 1);
        futures::future::join_all((0..30).map(|_| ask(&app, Method::POST, &token, "intent=subscribe"))).await;
        assert_eq!(lines(&app).await, before + 2);
    }
    let before = lines(&app).await;
    futures::future::join_all((0..10).map(|_| told(&app, ben, Wish::Withdraw))).await;
    assert_eq!(lines(&app).await, before + 1);
});

both!(who_moves_to_an_address_while_it_says_no_is_caught_either_way, |app| {
    for round in 0..12 {
        let address = format!("amara{round}@example.com");
        let amara = people::one(app.db(), app.store.id, "Amara", Some(&address), &[], app.now()).await;
        let ben = people::one(
            app.db(),
            app.store.id,
            "Ben",
            Some(&format!("ben{round}@example.com")),
            &[],
            app.now(),
        )
        .await;
        let link = token(&app, amara).await;
        let file = format!("name,email,email consent\nCleo {round},{address},yes\n");
        tokio::join!(
            press_unsubscribe(&app, &link),
            move_to(&app, ben, &address),
            import(&app, &file)
        );
        for id in [amara, ben, named(&app, &format!("Cleo {round}")).await] {
            assert_eq!(reason(&app, id).await, Some(SkipReason::Unsubscribed), "round {round}");
        }
    }
});

both!(a_complaint_is_taken_back_by_whoever_made_it, |app| {
    let amara = people::one(
        app.db(),
        app.store.id,
        "Amara",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    let ben = people::one(app.db(), app.store.id, "Ben", Some("amara@example.com"), &[], app.now()).await;
    let complain = async || {
        let mut tx = app.db().begin().await.unwrap();
        queries::note_complaint(&mut tx, app.store.id, amara, app.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        told(&app, ben, Wish::Grant).await;
        assert_eq!(reason(&app, amara).await, Some(SkipReason::Complained));
    };
    complain().await;
    let link = token(&app, amara).await;
    let page = ask(&app, Method::GET, &link, "").await;
    assert!(page.text.contains("Subscribe again"), "{}", page.text);
    let other = ask(&app, Method::GET, &token(&app, ben).await, "").await;
    assert!(!other.text.contains("Subscribe again"), "{}", other.text);
    ask(&app, Method::POST, &token(&app, ben).await, "intent=subscribe").await;
    assert_eq!(reason(&app, amara).await, Some(SkipReason::Complained));
    ask(&app, Method::POST, &link, "intent=subscribe").await;
    assert_eq!(reason(&app, amara).await, None);

    complain().await;
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let page = app.get(&format!("/customers/{amara}"), &cookie).await;
    assert!(page.text.contains("How they agreed to email since"), "{}", page.text);
    told(&app, amara, Wish::Grant).await;
    assert_eq!(reason(&app, amara).await, None);
});
