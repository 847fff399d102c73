//! An address that said no, given to somebody by a form or by a file.

use loupe::{
    consent::model::{ConsentState, Wish},
    context::actor::Role,
    customers::queries::note_complaint,
};

use super::*;
use crate::{
    both,
    support::{
        app::{borrowed, fields_of, words},
        people,
        sending::{begun, deliver, draft, press},
    },
};

const BOOK: &str = "name,email,email consent\nAmara Okafor,amara@example.com,yes\nBen Li,ben@example.com,yes\n";

/// Changes the address of a customer in the form of their page.
async fn edit_in_the_form(app: &TestApp, id: i64, email: &str, cookie: &str) -> Answer {
    let path = format!("/customers/{id}/edit");
    let mut fields = fields_of(&app.get(&path, cookie).await.text, "/api/customers/edit");
    // A box that is not ticked is not sent.
    fields.retain(|(name, value)| value != "true" && name != "form[email]");
    fields.push(("form[email]".to_owned(), email.to_owned()));
    let saved = app
        .post_form("/api/customers/edit", &path, &borrowed(&fields), cookie)
        .await;
    assert_eq!(saved.location(), format!("/customers/{id}?ok=saved"), "{}", saved.text);
    app.get(saved.location(), cookie).await
}

both!(
    nobody_is_mailed_at_an_address_that_unsubscribed,
    "?connections=2",
    |app, sink| {
        let cookie = app.sign_in_as(Role::Salesperson).await;
        for (round, asks) in [true, false].into_iter().enumerate() {
            ask_for_opt_in(&app, asks).await;
            let book = BOOK.replace("@example.com", &format!("{round}@example.com"));
            let book = book
                .replace("Okafor", &format!("Okafor {round}"))
                .replace("Li,", &format!("Li {round},"));
            import(&app, &book).await;
            let hers = format!("amara{round}@example.com");
            let amara = named(&app, &format!("Amara Okafor {round}")).await;
            let ben = named(&app, &format!("Ben Li {round}")).await;
            press_unsubscribe(&app, &token(&app, amara).await).await;
            let page = edit_in_the_form(&app, ben, &hers.to_uppercase(), &cookie).await;
            let text = words(&page.text);
            assert!(
                text.contains("unsubscribed on Fri 1 May 2026") && text.contains("No: unsubscribed"),
                "{text}"
            );
            assert!(
                text.contains("Record an agreement") && text.contains("How they agreed to email since"),
                "{text}"
            );

            let report = import(
                &app,
                &format!("name,email,email consent\nBenjamin Li {round},{hers},yes\n"),
            )
            .await;
            assert_eq!((report.counts.added, report.counts.kept_back), (1, 1), "{report:?}");
            let silent = import(&app, &format!("name,email\nBenny Li {round},{hers}\n")).await;
            assert_eq!(silent.counts.kept_back, 1, "{silent:?}");
            assert!(silent.told[0].record.contains("Benny Li"), "{silent:?}");
            for name in ["Amara Okafor", "Ben Li", "Benjamin Li", "Benny Li"] {
                let id = named(&app, &format!("{name} {round}")).await;
                assert_eq!(reason(&app, id).await, Some(SkipReason::Unsubscribed), "{name}");
            }
            let list = words(&app.get("/customers?q=benj", &cookie).await.text);
            assert!(list.contains("Unsubscribed"), "{list}");
            let found = app
                .call(
                    "/api/recipients/find",
                    "application/json",
                    r#"{"text":"benj"}"#,
                    &app.sign_in_as(Role::Owner).await,
                )
                .await;
            assert!(found.text.contains("unsubscribed"), "{}", found.text);
        }
        people::one(app.db(), app.store.id, "Cleo", Some("cleo@example.com"), &[], app.now()).await;
        let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
        let send = begun(press(&app.state, &app.store, campaign).await);
        deliver(&app.state, &app.store, send).await;
        let reached: Vec<String> = sink.received().iter().map(|one| one.recipient.clone()).collect();
        assert_eq!(reached, ["cleo@example.com"]);
    }
);

both!(an_agreement_lifts_the_no_of_the_address_and_nobody_elses, |app| {
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
    let mut tx = app.db().begin().await.unwrap();
    note_complaint(&mut tx, app.store.id, amara, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    told(&app, amara, Wish::Withdraw).await;
    move_to(&app, ben, "amara@example.com").await;
    assert_eq!(reason(&app, ben).await, Some(SkipReason::Complained));
    // The same file again says nothing new, and a yes in one is not believed.
    import(&app, "name,email,email consent\nBen,amara@example.com,yes\n").await;
    assert_eq!(reason(&app, ben).await, Some(SkipReason::Complained));

    let before = lines(&app).await;
    told(&app, ben, Wish::Grant).await;
    assert_eq!((reason(&app, ben).await, lines(&app).await), (None, before + 1));
    assert_eq!(
        reason(&app, amara).await,
        Some(SkipReason::Complained),
        "her own word stays hers"
    );
    let audit: Vec<String> = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select after from audit_events where action = 'consent.granted' and subject_id = $1"
    )
    .bind(ben)
    .fetch_all(pool)
    .await)
    .unwrap();
    assert!(
        audit[0].contains("amara@example.com") && audit[0].contains("by phone"),
        "{audit:?}"
    );
    told(&app, ben, Wish::Grant).await;
    assert_eq!(lines(&app).await, before + 1, "saying it again adds nothing");

    // An old "no" that is imported once more is no news; one for a new address is.
    import(&app, "name,email,email consent\nAmara,amara@example.com,no\n").await;
    assert_eq!(reason(&app, ben).await, None);
    import(&app, "name,email,email consent\nCleo,amara@example.com,no\n").await;
    assert_eq!(reason(&app, ben).await, Some(SkipReason::Unsubscribed));

    told(&app, amara, Wish::Grant).await;
    assert_eq!((reason(&app, amara).await, reason(&app, ben).await), (None, None));
});

both!(the_form_asks_how_they_agreed_since, |app| {
    let amara = people::one(
        app.db(),
        app.store.id,
        "Amara",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    press_unsubscribe(&app, &token(&app, amara).await).await;
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let add = async |fields: &[(&str, &str)]| {
        app.post_form("/api/customers/add", "/customers/new", fields, &cookie)
            .await
    };
    let name = ("form[name]", "Ben Li");
    let email = ("form[email]", "Amara@example.com");
    let (agreed, how) = (("agreed", "true"), ("agreed_how", "in store"));

    let refused = add(&[name, email, agreed, how]).await;
    assert_eq!(refused.location(), "/customers/new", "{}", refused.text);
    let page = app.follow(&refused, &cookie).await;
    let text = words(&page.text);
    assert!(
        text.contains("Amara@example.com unsubscribed on Fri 1 May 2026. Say how they agreed since then"),
        "{text}"
    );
    assert!(
        text.contains("How they agreed since then") && page.text.contains("value=\"in store\""),
        "{}",
        page.text
    );
    let asked = fields_of(&page.text, "/api/customers/add");
    let since = asked.iter().find(|(name, _)| name == "agreed_since").unwrap();
    assert_eq!(since.1, "amara@example.com");
    // What was asked of one address is no answer for another, and nothing is no evidence.
    let other = ("agreed_since", "other@example.com");
    assert_eq!(
        add(&[name, email, agreed, how, other]).await.location(),
        "/customers/new"
    );
    let since = ("agreed_since", since.1.as_str());
    assert_eq!(
        add(&[name, email, agreed, ("agreed_how", " "), since]).await.location(),
        "/customers/new"
    );
    assert_eq!(reason(&app, amara).await, Some(SkipReason::Unsubscribed));

    // Without an agreement they are added, and the page says what that means.
    let quiet = add(&[("form[name]", "Cleo Li"), email]).await;
    let page = words(&app.get(quiet.location(), &cookie).await.text);
    assert!(
        page.contains("Customer added.") && page.contains("unsubscribed on Fri 1 May 2026"),
        "{page}"
    );
    let edit = words(
        &app.get(&format!("/customers/{}/edit", named(&app, "Cleo Li").await), &cookie)
            .await
            .text,
    );
    assert!(
        edit.contains("Nobody with this address is emailed until it agrees again"),
        "{edit}"
    );

    let added = add(&[name, email, agreed, ("agreed_how", "in store on Friday"), since]).await;
    assert!(added.location().ends_with("?ok=added"), "{}", added.text);
    assert_eq!(reason(&app, named(&app, "Ben Li").await).await, None);
    assert_eq!(find(&app, amara).await.email_consent, ConsentState::Withdrawn);
    assert_eq!(reason(&app, amara).await, Some(SkipReason::Unsubscribed));
});

both!(a_bounce_is_of_the_address_until_it_is_allowed_again, |app| {
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
    let mut tx = app.db().begin().await.unwrap();
    queries::note_bounce(&mut tx, app.store.id, amara, "mailbox does not exist", app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    move_to(&app, ben, "amara@example.com").await;
    assert_eq!(reason(&app, ben).await, Some(SkipReason::Bounced));
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let page = format!("/customers/{ben}");
    let text = words(&app.get(&page, &cookie).await.text);
    assert!(
        text.contains("This address bounced on Fri 1 May 2026: mailbox does not exist"),
        "{text}"
    );
    // Another address has not bounced; back at this one it has.
    move_to(&app, ben, "ben@example.com").await;
    assert_eq!(reason(&app, ben).await, None);
    move_to(&app, ben, "amara@example.com").await;
    told(&app, ben, Wish::Grant).await;
    assert_eq!(
        reason(&app, ben).await,
        Some(SkipReason::Bounced),
        "an agreement mends no mailbox"
    );

    app.press(&page, "/api/customers/allow-again", &cookie).await;
    assert_eq!((reason(&app, amara).await, reason(&app, ben).await), (None, None));
    let cleared: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from audit_events where action = 'customer.bounce_cleared' and subject_id = $1"
    )
    .bind(ben)
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(cleared, 1);
});
