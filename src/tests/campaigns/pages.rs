//! The list of campaigns, one campaign from plan to result, and what its customers see of it.

use axum::http::StatusCode;
use loupe::{
    context::{actor::Role, settings::Given},
    db::Backend,
    recipients::model::RecipientFilter,
};

use crate::{
    both,
    support::{
        app::{TestApp, words},
        people,
        sending::{begun, deliver, draft, press},
    },
};

fn wedding() -> RecipientFilter {
    RecipientFilter::Tags(vec!["wedding".to_owned()])
}

both!(the_list_says_who_it_is_for_and_what_came_of_it, |app| {
    people::crowd(app.db(), app.store.id, 3, &["wedding"], app.now()).await;
    let sent = draft(app.db(), &app.store, "Ring clean", &wedding()).await;
    deliver(&app.state, &app.store, begun(press(&app.state, &app.store, sent).await)).await;
    draft(app.db(), &app.store, "Still <unsaid>", &RecipientFilter::All).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = app.get("/marketing/campaigns", &cookie).await;
    assert_eq!(page.status, StatusCode::OK);
    let read = words(&page.text);
    assert!(read.contains("Customers 3 Sent 3 Failed 0"), "{read}");
    assert!(read.contains("Still &lt;unsaid&gt;"), "{read}");
    assert!(read.contains("2 campaigns"), "{read}");
    assert!(!page.text.contains("/pkg/"), "a list needs no code");
    let narrowed = app.get("/marketing/campaigns?status=sent", &cookie).await;
    let read = words(&narrowed.text);
    assert!(read.contains("Ring clean") && !read.contains("unsaid"), "{read}");
    let nothing = app.get("/marketing/campaigns?q=nowhere", &cookie).await;
    assert!(nothing.text.contains("No campaigns match."));
});

both!(somebody_who_may_not_send_sees_results_and_whom_to_ask, |app| {
    let id = draft(app.db(), &app.store, "Ring clean", &wedding()).await;
    for role in [Role::Salesperson, Role::Workshop, Role::Accountant] {
        let cookie = app.sign_in_as(role).await;
        for path in ["/marketing/campaigns".to_owned(), format!("/marketing/campaigns/{id}")] {
            let page = app.get(&path, &cookie).await;
            let read = words(&page.text);
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(
                read.contains("Only owners and managers can create or send campaigns. Ask owner Person (owner)."),
                "{read}"
            );
            for control in ["New Campaign", "Duplicate", "Delete", "Edit "] {
                assert!(!read.contains(control), "{control} for {role:?} on {path}");
            }
        }
        let refused = app.get(&format!("/marketing/campaigns/{id}/delete"), &cookie).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(words(&refused.text).contains("You can't send campaigns Only owners and managers"));
    }
});

both!(a_finished_send_shows_its_numbers_and_everyone_with_an_outcome, |app| {
    people::crowd(app.db(), app.store.id, 4, &["wedding"], app.now()).await;
    people::one(app.db(), app.store.id, "Dara Petrov", None, &["wedding"], app.now()).await;
    let id = draft(app.db(), &app.store, "Ring clean", &wedding()).await;
    let send = begun(press(&app.state, &app.store, id).await);
    deliver(&app.state, &app.store, send).await;
    let cookie = app.sign_in_as(Role::Accountant).await;
    let path = format!("/marketing/campaigns/{id}");
    let page = app.get(&path, &cookie).await;
    let read = words(&page.text);
    assert!(read.contains("Sent 4 The provider accepted it Failed 0"), "{read}");
    assert!(read.contains("Skipped 1"), "{read}");
    assert!(
        read.contains("Dara Petrov No email address Skipped No email address"),
        "{read}"
    );
    assert!(page.text.contains("src=\"/messages/"), "as somebody who got it");
    assert!(
        app.get(&format!("/sends/{send}/view"), &cookie)
            .await
            .status
            .is_success()
    );
    assert!(page.text.contains("sandbox=\"\""));
    assert!(!page.text.contains("/pkg/"), "results need no code");
    let skipped = words(&app.get(&format!("{path}?show=skipped"), &cookie).await.text);
    assert!(
        skipped.contains("Dara Petrov") && !skipped.contains("p000001@"),
        "{skipped}"
    );
});

both!(what_a_customer_got_is_on_their_communications_tab, |app| {
    let reached = people::one(
        app.db(),
        app.store.id,
        "Amara Okafor",
        Some("amara@example.com"),
        &["wedding"],
        app.now(),
    )
    .await;
    let skipped = people::one(app.db(), app.store.id, "Dara Petrov", None, &["wedding"], app.now()).await;
    let id = draft(app.db(), &app.store, "Ring clean", &wedding()).await;
    deliver(&app.state, &app.store, begun(press(&app.state, &app.store, id).await)).await;
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let page = app.get(&format!("/customers/{reached}/communications"), &cookie).await;
    let read = words(&page.text);
    assert!(read.contains("Ring clean For you, Amara"), "{read}");
    assert!(read.contains("Sent"), "{read}");
    let frame = page
        .text
        .split("src=\"/messages/")
        .nth(1)
        .expect("the message in a frame");
    let message = frame.split('/').next().unwrap();
    let shown = app.get(&format!("/messages/{message}/view"), &cookie).await;
    assert!(shown.text.contains("Dear Amara"), "{}", shown.text);
    let other = app.get(&format!("/customers/{skipped}/communications"), &cookie).await;
    let read = words(&other.text);
    assert!(read.contains("Skipped No email address"), "{read}");
    assert!(
        !other.text.contains("/messages/"),
        "nobody sees a message that never was"
    );
});

both!(the_last_month_is_counted_whatever_page_is_shown, |app| {
    let reached = people::one(app.db(), app.store.id, "Amara", Some("a@example.com"), &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Ring clean", &RecipientFilter::All).await;
    let first = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, first).await;
    // Written down by hand: 240 sends, and every fourth of them longer ago.
    let (now, store) = (app.now(), app.store.id);
    let mut tx = app.db().begin().await.unwrap();
    for n in 1..=240_i64 {
        let at = now - chrono::Duration::days(if n % 4 == 0 { 31 } else { 29 });
        let send: i64 = loupe::on_tx!(&mut tx, |conn| sqlx::query_scalar(
            "insert into sends (store_id, kind, token, label, subject, body, fallbacks, filter, audience_words, from_name,
                                from_email, store_name, footer, signature, state, hold_until, started_by, started_at)
             select store_id, kind, token || $2, label, subject, body, fallbacks, filter, audience_words, from_name,
                    from_email, store_name, footer, signature, state, hold_until, started_by, started_at
               from sends where id = $1 returning id"
        )
        .bind(first)
        .bind(n.to_string())
        .fetch_one(&mut *conn)
        .await)
        .unwrap();
        loupe::on_tx!(&mut tx, |conn| sqlx::query(
            "insert into messages (store_id, send_id, customer_id, channel, state, name, first_name, last_name, address,
                                   addr_norm, unsubscribe_token, created_at, settled_at)
             values ($1, $2, $3, 'email', 'accepted', 'Amara', 'Amara', '', 'a@example.com', 'a@example.com', 'u', $4, $4)"
        )
        .bind(store)
        .bind(send)
        .bind(reached)
        .bind(at)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
        .unwrap();
    }
    tx.commit().await.unwrap();
    let cookie = app.sign_in_as(Role::Salesperson).await;
    for page in ["", "?page=2"] {
        let shown = app
            .get(&format!("/customers/{reached}/communications{page}"), &cookie)
            .await;
        assert!(shown.text.contains("181 messages"), "{}", words(&shown.text));
    }
});

both!(what_belongs_to_another_store_is_not_there, |app| {
    let customer = people::one(
        app.db(),
        app.store.id,
        "Amara Okafor",
        Some("a@example.com"),
        &["wedding"],
        app.now(),
    )
    .await;
    let id = draft(app.db(), &app.store, "Ring clean", &wedding()).await;
    let send = begun(press(&app.state, &app.store, id).await);
    let (_, staff) = app.another_store().await;
    let cookie = app.session_of(staff[&Role::Owner]).await;
    for path in [
        format!("/marketing/campaigns/{id}"),
        format!("/marketing/campaigns/{id}/delete"),
        format!("/marketing/bulk-email/sent/{send}"),
        format!("/customers/{customer}/communications"),
    ] {
        assert_eq!(app.get(&path, &cookie).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let list = app.get("/marketing/campaigns", &cookie).await;
    assert!(!list.text.contains("Ring clean"));
});

both!(deleting_asks_first_and_not_while_it_is_sent, |app| {
    people::crowd(app.db(), app.store.id, 2, &["wedding"], app.now()).await;
    let id = draft(app.db(), &app.store, "Ring clean", &wedding()).await;
    let cookie = app.sign_in_as(Role::Manager).await;
    let path = format!("/marketing/campaigns/{id}/delete");
    let asked = words(&app.get(&path, &cookie).await.text);
    assert!(asked.contains("Delete “Ring clean”? This can't be undone."), "{asked}");
    let send = begun(press(&app.state, &app.store, id).await);
    let refused = app.get(&path, &cookie).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    deliver(&app.state, &app.store, send).await;
    let asked = words(&app.get(&path, &cookie).await.text);
    assert!(asked.contains("stays in their Communications tab"), "{asked}");
});

async fn a_held_send_is_taken_back(backend: Backend) {
    let given = Given {
        undo_seconds: Some("60".to_owned()),
        ..Given::default()
    };
    let app = TestApp::with(backend, given).await;
    people::crowd(app.db(), app.store.id, 3, &["wedding"], app.now()).await;
    let id = draft(app.db(), &app.store, "Ring clean", &wedding()).await;
    let send = begun(press(&app.state, &app.store, id).await).to_string();
    let cookie = app.sign_in_as(Role::Owner).await;
    let path = format!("/marketing/campaigns/{id}");
    let held = app.get(&path, &cookie).await;
    assert!(held.text.contains("aria-label=\"Sending soon\""), "{}", held.text);
    assert!(
        words(&held.text).contains("Sending to 3 customers at 10:01:00 am."),
        "{}",
        words(&held.text)
    );
    let looker = app.sign_in_as(Role::Workshop).await;
    assert!(!app.get(&path, &looker).await.text.contains("Sending soon"));
    let answer = app
        .post_form("/api/sends/undo", &path, &[("send_id", &send)], &cookie)
        .await;
    assert_eq!(answer.location(), format!("{path}?ok=undone"));
    let read = words(&app.get(answer.location(), &cookie).await.text);
    assert!(read.contains("Sending cancelled. Nothing was sent."), "{read}");
    assert!(read.contains("Draft Ring clean"), "{read}");
}

#[tokio::test]
async fn a_held_send_is_taken_back_by_a_form_on_sqlite() {
    a_held_send_is_taken_back(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_held_send_is_taken_back_by_a_form_on_postgres() {
    a_held_send_is_taken_back(Backend::Postgres).await;
}

both!(the_chosen_theme_is_on_the_next_page_and_goes_again, |app| {
    let cookie = app.sign_in_as(Role::Workshop).await;
    let from = "/marketing/campaigns";
    let (app, signed_in) = (&app, cookie.as_str());
    let set = |theme: &'static str| async move {
        let fields = [("theme", theme)];
        let answer = app.post_form("/api/appearance/theme", from, &fields, signed_in).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, from));
        answer.headers["set-cookie"].to_str().unwrap().to_owned()
    };
    let kept = set("dark").await;
    let jar = format!("{cookie}; {}", kept.split(';').next().unwrap());
    assert!(app.get(from, &jar).await.text.contains("data-theme=\"dark\""));
    assert!(set("").await.contains("Max-Age=0"));
    assert!(
        set("\"><script>").await.contains("Max-Age=0"),
        "only known themes are kept"
    );
});
