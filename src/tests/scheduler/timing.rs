//! The store's own rules about time: how late a planned send may go, and its quiet hours.

use chrono::Duration;
use loupe::{context::actor::Role, recipients::model::RecipientFilter, stores};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        planning::{planned, run_until},
        sending::draft,
    },
};

const TIMING: [&str; 3] = ["late_grace_minutes", "quiet_from", "quiet_to"];

async fn save(app: &TestApp, values: [&str; 3], cookie: &str) -> String {
    let fields: Vec<_> = TIMING.into_iter().zip(values).collect();
    app.post_form("/api/settings/timing", "/settings", &fields, cookie)
        .await
        .location()
        .to_owned()
}

async fn kept(app: &TestApp) -> (i64, i64, i64) {
    let store = stores::queries::find(app.db(), app.store.id).await.unwrap().unwrap();
    (store.late_grace_minutes, store.quiet_from, store.quiet_to)
}

both!(the_grace_and_the_quiet_hours_are_set_on_the_page, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    assert_eq!(kept(&app).await, (60, 20 * 60, 8 * 60), "60 minutes, 8 pm to 8 am");
    let page = app.get("/settings", &cookie).await.text;
    for field in ["value=\"60\"", "value=\"20:00\"", "value=\"08:00\""] {
        assert!(page.contains(field), "{field}: {page}");
    }
    assert_eq!(
        save(&app, ["15", "21:30", "07:15"], &cookie).await,
        "/settings?ok=timing"
    );
    assert_eq!(kept(&app).await, (15, 21 * 60 + 30, 7 * 60 + 15));
    for wrong in [
        ["", "21:30", "07:15"],
        ["-1", "21:30", "07:15"],
        ["10081", "21:30", "07:15"],
        ["soon", "21:30", "07:15"],
        ["15", "25:00", "07:15"],
        ["15", "21:30", ""],
        ["15", "", "07:15"],
        ["15", "evening", "morning"],
    ] {
        assert_eq!(save(&app, wrong, &cookie).await, "/settings", "{wrong:?}");
        assert_eq!(kept(&app).await, (15, 21 * 60 + 30, 7 * 60 + 15), "{wrong:?}");
    }
    assert_eq!(save(&app, ["0", "", ""], &cookie).await, "/settings?ok=timing");
    assert_eq!(kept(&app).await, (0, 0, 0));
    let manager = app.sign_in_as(Role::Manager).await;
    let refused = app
        .post_form(
            "/api/settings/timing",
            "/settings",
            &[("late_grace_minutes", "5")],
            &manager,
        )
        .await;
    assert_eq!(refused.status, 403);
});

both!(the_runner_goes_by_the_grace_of_the_store, |app| {
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let late = app.now() - Duration::minutes(20);
    save(&app, ["15", "20:00", "08:00"], &cookie).await;
    let held = planned(app.db(), &app.store, "Autumn", &RecipientFilter::All, late).await;
    let row = run_until(&app.state, held, |row| row.hold.is_some()).await;
    assert_eq!(
        (row.status.as_str(), row.hold.as_deref()),
        ("scheduled", Some("missed"))
    );
    save(&app, ["30", "20:00", "08:00"], &cookie).await;
    let goes = planned(app.db(), &app.store, "Winter", &RecipientFilter::All, late).await;
    run_until(&app.state, goes, |row| row.status == "sending").await;
});

both!(send_now_warns_in_the_quiet_hours_and_moves_nothing, |app| {
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let review = format!("/marketing/campaigns/{campaign}/review");
    // Ten in the morning in Sydney.
    assert!(!app.get(&review, &cookie).await.text.contains("customers may be asleep"));
    save(&app, ["60", "09:00", "11:00"], &cookie).await;
    assert!(app.get(&review, &cookie).await.text.contains("customers may be asleep"));
    let row = crate::support::planning::row(app.db(), campaign).await;
    assert_eq!((row.status.as_str(), row.scheduled_at), ("draft", None));
    save(&app, ["60", "", ""], &cookie).await;
    assert!(!app.get(&review, &cookie).await.text.contains("customers may be asleep"));
});
