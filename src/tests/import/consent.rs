//! What a file may say about consent.

use loupe::{
    consent::{
        self,
        model::{Channel, ConsentState, Wish},
    },
    customers::{import::RowIssueKind, queries},
};

use super::{digest, everyone, import};
use crate::both;

both!(no_import_turns_a_no_back_into_a_yes, |app| {
    import(
        &app,
        "name,email\nUna,una@example.com\nCal,cal@example.com\nBo,bo@example.com\nNew,new@example.com\n",
    )
    .await;
    let all = everyone(app.db(), &app.store).await;
    let id = |n: usize| all[n].id;
    consent::rules::change_by_staff(
        app.db(),
        app.store.id,
        "P",
        id(0),
        Channel::Email,
        Wish::Withdraw,
        "",
        app.now(),
    )
    .await
    .unwrap();
    let mut tx = app.db().begin().await.unwrap();
    queries::note_complaint(&mut tx, app.store.id, id(1), app.now())
        .await
        .unwrap();
    queries::note_bounce(&mut tx, app.store.id, id(2), "no mailbox", app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let yes = "name,email,accepts email marketing\n\
               Una,una@example.com,yes\nCal,cal@example.com,yes\nBo,bo@example.com,yes\nNew,new@example.com,yes\n\
               Una's Partner,una@example.com,yes\nSilent,silent@example.com,\n";
    let report = import(&app, yes).await;
    let told: Vec<_> = report
        .told
        .iter()
        .map(|t| (t.line, t.kind, t.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (2, RowIssueKind::ConsentRejected, "Unsubscribed before"),
            (3, RowIssueKind::ConsentRejected, "Marked a message as spam before"),
            (4, RowIssueKind::ConsentRejected, "The address bounced before"),
            (
                6,
                RowIssueKind::ConsentRejected,
                "Somebody with this address unsubscribed before"
            ),
        ]
    );
    assert_eq!(report.counts.kept_back, 4);
    let states: Vec<_> = everyone(app.db(), &app.store)
        .await
        .iter()
        .map(|c| c.email_consent)
        .collect();
    use ConsentState::{Granted, None as Unsaid, Withdrawn};
    assert_eq!(states, [Withdrawn, Unsaid, Unsaid, Granted, Unsaid, Unsaid]);

    let no = "name,email,accepts email marketing\nNew,new@example.com,no\nSilent,silent@example.com,unsubscribed\n";
    assert_eq!(import(&app, no).await.counts.updated, 2);
    let before = digest(app.db()).await;
    // A withdrawal stays, whatever the next file claims.
    assert_eq!(import(&app, yes).await.counts.kept_back, 5);
    assert_eq!(import(&app, no).await.counts.unchanged, 2);
    assert_eq!(digest(app.db()).await, before);
});

both!(an_address_moved_to_one_that_said_no_is_not_written_to, |app| {
    import(
        &app,
        "id,name,email,email consent\n1,Una,una@example.com,no\n2,Max,max@example.com,yes\n",
    )
    .await;
    let report = import(&app, "id,name,email\n2,Max,una@example.com\n").await;
    assert_eq!(report.counts.kept_back, 1, "{report:?}");
    assert_eq!(report.told[0].reason, "Somebody with this address unsubscribed before");
    let states: Vec<_> = everyone(app.db(), &app.store)
        .await
        .iter()
        .map(|c| (c.email_consent, c.email_standing))
        .collect();
    // Max agreed for himself: back at an address of his own he may be written to.
    assert_eq!(states, [(ConsentState::Withdrawn, 7), (ConsentState::Granted, 7)]);
    import(&app, "id,name,email\n2,Max,max@example.com\n").await;
    assert_eq!(everyone(app.db(), &app.store).await[1].email_standing, 0);
});
