//! A correction goes to exactly those who got the message.

use axum::http::StatusCode;
use loupe::{
    context::actor::Role,
    recipients::model::RecipientFilter,
    sends::{model::SendKind, queries},
};

use crate::{
    both,
    support::{
        app::words,
        people,
        sending::{begun, deliver, draft, midway, press, tally},
    },
};

both!(a_correction_goes_to_exactly_those_who_got_it, |app| {
    let ids = people::crowd(app.db(), app.store.id, 4, &["wedding"], app.now()).await;
    people::one(app.db(), app.store.id, "No Mail", None, &["wedding"], app.now()).await;
    let filter = RecipientFilter::Tags(vec!["wedding".to_owned()]);
    let campaign = draft(app.db(), &app.store, "Ring clean", &filter).await;
    let first = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, first).await;
    // Who comes later was never told anything wrong; who opted out meanwhile hears no more.
    let newcomer = people::one(
        app.db(),
        app.store.id,
        "Late Comer",
        Some("late@example.com"),
        &["wedding"],
        app.now(),
    )
    .await;
    people::change(
        app.db(),
        "update customers set email_consent = 'withdrawn' where id = $1",
        ids[1],
    )
    .await;

    let cookie = app.sign_in_as(Role::Manager).await;
    let page = format!("/marketing/campaigns/{campaign}");
    let path = format!("/sends/{first}/correction");
    assert!(app.get(&page, &cookie).await.text.contains(&format!("href=\"{path}\"")));
    let form = app.get(&path, &cookie).await;
    let read = words(&form.text);
    assert!(
        form.text.contains("value=\"Correction: For you, {{first_name}}\""),
        "{}",
        form.text
    );
    assert!(read.contains("This will go to 3 customers."), "{read}");
    assert!(
        read.contains("1 customer who got it can't be written to now: 1 Unsubscribed"),
        "{read}"
    );

    // What was typed comes back whole with what is to be mended.
    let long = "Dear {{first_name}},\r\n\r\n".to_owned() + &"a very long text ".repeat(400);
    let fields = [
        ("subject", ""),
        ("body", &*long),
        ("send_token", "one"),
        ("shown_count", "3"),
    ];
    let refused = app.post_form(&path, &path, &fields, &cookie).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("Enter a subject") && refused.text.contains(&"a very long text ".repeat(400)));

    let fields = [
        ("subject", "Correction: at 6 pm"),
        ("body", "We open at 6."),
        ("send_token", "two"),
        ("shown_count", "3"),
    ];
    let sent = app.post_form(&path, &path, &fields, &cookie).await;
    let at = sent.location().to_owned();
    let id: i64 = at
        .strip_prefix("/marketing/bulk-email/sent/")
        .and_then(|rest| rest.strip_suffix("?ok=sending"))
        .and_then(|id| id.parse().ok())
        .unwrap_or_else(|| panic!("{} {at} {}", sent.status, sent.text));
    let again = app.post_form(&path, &path, &fields, &cookie).await;
    assert_eq!(
        again.location(),
        at.replace("=sending", "=already"),
        "one form, one send"
    );
    let correction = queries::find(app.db(), app.store.id, id).await.unwrap().unwrap();
    assert_eq!(
        (correction.kind, correction.label.as_str()),
        (SendKind::Correction, "Correction: Ring clean")
    );
    deliver(&app.state, &app.store, id).await;
    let after = tally(app.db(), &app.store, id).await;
    assert_eq!((after.sent, after.skipped), (3, 1), "and nobody else");
    assert!(words(&app.get(&at, &cookie).await.text).contains("Correction: at 6 pm"));
    // The campaign's page is still that of the campaign's own send, and its history knows.
    let read = words(&app.get(&page, &cookie).await.text);
    assert!(read.contains("Sent 4 "), "{read}");
    assert!(read.contains("What followed Corrected by manager Person"), "{read}");
    assert!(
        read.contains("Sent a correction of “Ring clean” to 3 customers"),
        "{read}"
    );
    let told = app.get(&format!("/customers/{}/communications", ids[0]), &cookie).await;
    let read = words(&told.text);
    assert!(read.contains("Correction: Ring clean Correction: at 6 pm"), "{read}");
    let never = app.get(&format!("/customers/{newcomer}/communications"), &cookie).await;
    assert!(!never.text.contains("Correction"));
});

both!(what_went_out_in_two_parts_is_corrected_as_one, |app| {
    people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Ring clean", &RecipientFilter::All).await;
    let first = begun(press(&app.state, &app.store, campaign).await);
    midway(app.db(), first, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let (page, id) = (format!("/marketing/campaigns/{campaign}"), first.to_string());
    app.post_form("/api/sends/stop", &page, &[("send_id", &id)], &cookie)
        .await;
    let rest = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, rest).await;
    assert_eq!(tally(app.db(), &app.store, rest).await.sent, 3);
    for part in [first, rest] {
        let form = app.get(&format!("/sends/{part}/correction"), &cookie).await;
        assert!(
            words(&form.text).contains("This will go to 5 customers."),
            "{}",
            form.text
        );
    }
    // Another message, even of the same campaign, is another matter.
    people::change(
        app.db(),
        "update sends set body = 'Something else' where id = $1",
        first,
    )
    .await;
    let form = app.get(&format!("/sends/{rest}/correction"), &cookie).await;
    assert!(
        words(&form.text).contains("This will go to 3 customers."),
        "{}",
        form.text
    );
});

both!(what_is_still_sent_or_reached_nobody_is_not_corrected, |app| {
    people::crowd(app.db(), app.store.id, 2, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Ring clean", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let cookie = app.sign_in_as(Role::Owner).await;
    let (page, path) = (
        format!("/marketing/campaigns/{campaign}"),
        format!("/sends/{send}/correction"),
    );
    assert!(!app.get(&page, &cookie).await.text.contains("Send a correction"));
    assert_eq!(app.get(&path, &cookie).await.location(), page);
    let fields = [("subject", "S"), ("body", "B"), ("send_token", "one")];
    let refused = app.post_form(&path, &path, &fields, &cookie).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("It can be corrected when it has ended."),
        "{}",
        refused.text
    );
    let id = send.to_string();
    app.post_form("/api/sends/undo", &page, &[("send_id", &id)], &cookie)
        .await;
    let refused = app.post_form(&path, &path, &fields, &cookie).await;
    assert!(
        refused.text.contains("No recipients found for this campaign"),
        "{}",
        refused.text
    );
});
