//! A customer's Communications tab: what reached them, exactly as it was, and nothing else.

use axum::http::StatusCode;
use loupe::{context::actor::Role, messages::timeline::timeline, recipients::model::RecipientFilter};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        sending::{begun, deliver, draft, press},
    },
};

async fn amara(app: &TestApp) -> i64 {
    let email = Some("amara@example.com");
    people::one(app.db(), app.store.id, "Amara Okafor", email, &[], app.now()).await
}

both!(what_was_never_sent_is_not_in_the_history, |app| {
    let id = amara(&app).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let tab = format!("/customers/{id}/communications");
    assert!(app.get(&tab, &cookie).await.text.contains("Autumn"), "it is on its way");
    people::change(
        app.db(),
        "update messages set state = 'cancelled', next_at = null, settled_at = created_at where send_id = $1",
        send,
    )
    .await;
    let page = app.get(&tab, &cookie).await.text;
    assert!(page.contains("No messages yet") && !page.contains("Autumn"), "{page}");
});

both!(a_deleted_campaign_stays_in_the_history_with_its_message, |app| {
    let id = amara(&app).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, send).await;
    let owner = app.sign_in_as(Role::Owner).await;
    let text = campaign.to_string();
    let gone = app
        .post_form(
            "/api/campaigns/delete",
            "/marketing/campaigns",
            &[("id", &text)],
            &owner,
        )
        .await;
    assert_eq!(gone.location(), "/marketing/campaigns?ok=deleted", "{}", gone.text);
    let tab = app.get(&format!("/customers/{id}/communications"), &owner).await.text;
    for words in ["Autumn", "For you, Amara", "Sent", "2026-05-01"] {
        assert!(tab.contains(words), "{words}: {tab}");
    }
    let message = timeline(app.db(), app.store.id, id, 1).await.unwrap()[0].message_id;
    let view = app.get(&format!("/messages/{message}/view"), &owner).await;
    assert_eq!(view.status, StatusCode::OK);
    assert!(view.text.contains("Dear Amara,"), "{}", view.text);
});
