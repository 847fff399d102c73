//! A bulk email that was given up may be tried again; never while another try goes out.

use futures::future::join_all;
use loupe::{
    context::actor::Role,
    error::AppError,
    on_db,
    recipients::model::RecipientFilter,
    sends::rules::{Fallbacks, StartBulk, Started, go_on_from, start_bulk_as},
};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        sending::{begun, deliver, draft, initiator, midway, press},
    },
};

/// Presses Send now on a form that goes on from `of_send`.
async fn try_it(app: &TestApp, token: &str, of_send: Option<i64>, skip_already: bool) -> Result<Started, AppError> {
    let what = StartBulk {
        subject: "Trunk show".to_owned(),
        body: "Come and see.".to_owned(),
        fallbacks: Fallbacks::new(),
        filter: RecipientFilter::All,
        token: token.to_owned(),
        shown_count: None,
        of_send,
        skip_already,
    };
    start_bulk_as(app.db(), &initiator(&app.state, &app.store), &what).await
}

/// A first try that reached two of six, and was stopped.
async fn stopped(app: &TestApp) -> i64 {
    people::crowd(app.db(), app.store.id, 6, &[], app.now()).await;
    let first = begun(try_it(app, "first", None, true).await.unwrap());
    midway(app.db(), first, 2).await;
    stop(app, first).await;
    first
}

async fn stop(app: &TestApp, send: i64) {
    let cookie = app.sign_in_as(Role::Owner).await;
    let (page, id) = (format!("/marketing/bulk-email/sent/{send}"), send.to_string());
    app.post_form("/api/sends/stop", &page, &[("send_id", &id)], &cookie)
        .await;
}

fn refused(started: Result<Started, AppError>) -> String {
    match started {
        Err(AppError::Refused { words, .. }) => words,
        other => panic!("{other:?}"),
    }
}

/// People with more than one copy.
async fn doubled(app: &TestApp) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from (select customer_id from messages where state in ('queued', 'accepted')
                                group by customer_id having count(*) > 1) twice"
    )
    .fetch_one(pool)
    .await)
    .unwrap()
}

both!(nobody_tries_again_while_a_try_goes_out, |app| {
    let first = stopped(&app).await;
    let second = begun(try_it(&app, "second", Some(first), true).await.unwrap());
    // A form from before, in another tab: in the time to undo, and after it; whichever send it knows.
    for (token, of_send, skip) in [("a", first, true), ("b", first, false), ("c", second, true)] {
        let words = refused(try_it(&app, token, Some(of_send), skip).await);
        assert_eq!(words, "Priya is already sending this — 0 of 4.", "{token}");
    }
    midway(app.db(), second, 1).await;
    let words = refused(try_it(&app, "d", Some(first), true).await);
    assert_eq!(words, "Priya is already sending this — 1 of 4.");
    assert_eq!(doubled(&app).await, 0);
    deliver(&app.state, &app.store, second).await;
    assert!(
        matches!(
            try_it(&app, "e", Some(first), true).await.unwrap(),
            Started::NoRecipients
        ),
        "they all have it"
    );
});

both!(nobody_tries_again_while_messages_are_on_the_wire, |app| {
    let first = stopped(&app).await;
    let second = begun(try_it(&app, "second", Some(first), true).await.unwrap());
    midway(app.db(), second, 1).await;
    people::change(
        app.db(),
        "update messages set state = 'attempting', next_at = null, lease_until = created_at
          where id = (select max(id) from messages where send_id = $1 and state = 'queued')",
        second,
    )
    .await;
    stop(&app, second).await;
    let words = refused(try_it(&app, "third", Some(first), true).await);
    assert!(words.contains("still on their way"), "{words}");
    assert_eq!(doubled(&app).await, 0);
});

both!(of_many_tabs_at_once_one_tries_again, |app| {
    let first = stopped(&app).await;
    let tokens: Vec<String> = (0..8).map(|n| format!("tab-{n}")).collect();
    let tries = join_all(tokens.iter().map(|token| try_it(&app, token, Some(first), true))).await;
    let (begun, late): (Vec<_>, Vec<_>) = tries
        .into_iter()
        .partition(|one| matches!(one, Ok(Started::Sending { .. })));
    assert_eq!(begun.len(), 1);
    for one in late {
        assert_eq!(refused(one), "Priya is already sending this — 0 of 4.");
    }
    assert_eq!(doubled(&app).await, 0);
});

both!(a_try_and_a_campaign_of_the_same_email_exclude_each_other, |app| {
    let first = stopped(&app).await;
    let send = loupe::sends::queries::find(app.db(), app.store.id, first)
        .await
        .unwrap()
        .unwrap();
    let campaign = draft(app.db(), &app.store, "Trunk show", &RecipientFilter::All).await;
    let take_over = async {
        let mut tx = app.db().begin().await.unwrap();
        go_on_from(&mut tx, &send, campaign).await?;
        tx.commit().await.unwrap();
        Ok::<_, AppError>(())
    };
    let (taken, tried) = tokio::join!(take_over, try_it(&app, "tab", Some(first), true));
    assert!(taken.is_ok() != tried.is_ok(), "{taken:?} {tried:?}");
    if taken.is_ok() {
        assert_eq!(refused(tried), "This email has become a campaign. Send it from there.");
    } else {
        assert!(refused(tried.and(Err(taken.unwrap_err()))).contains("It is being sent"));
    }
    assert_eq!(doubled(&app).await, 0);
});

both!(of_two_corrections_at_once_one_is_sent, |app| {
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Ring clean", &RecipientFilter::All).await;
    let first = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, first).await;
    let cookie = app.sign_in_as(Role::Manager).await;
    let path = format!("/sends/{first}/correction");
    let correct = async |token| {
        let fields = [
            ("subject", "Correction: at 6 pm"),
            ("body", "We open at 6."),
            ("send_token", token),
            ("shown_count", "3"),
        ];
        app.post_form(&path, &path, &fields, &cookie).await
    };
    let answers = join_all(["a", "b", "c", "d"].map(correct)).await;
    let sent = answers.iter().filter(|a| a.location().ends_with("?ok=sending"));
    assert_eq!(sent.count(), 1);
    let told = answers.iter().filter(|a| a.text.contains("is already sending this"));
    assert_eq!(told.count(), 3);
});
