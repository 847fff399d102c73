//! Planned campaigns, in the store's time.

use axum::http::StatusCode;
use loupe::{campaigns::model::CampaignStatus, context::actor::Role};

use super::{find, id_in, submit, unschedule};
use crate::{both, support::people};

both!(a_schedule_is_kept_in_the_stores_time_and_comes_off_again, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let later = [
        ("schedule_for_later", "true"),
        ("date", "2026-05-02"),
        ("time", "09:00"),
    ];
    let answer = submit(&app, &cookie, "schedule", &later).await;
    let id = id_in(answer.location());
    assert_eq!(answer.location(), format!("/marketing/campaigns/{id}?ok=scheduled"));
    let campaign = find(&app, id).await;
    assert_eq!(campaign.status, CampaignStatus::Scheduled);
    assert_eq!(campaign.scheduled_at, "2026-05-01T23:00:00Z".parse().ok());
    assert_eq!(campaign.scheduled_local.as_deref(), Some("2026-05-02T09:00"));
    assert_eq!(campaign.scheduled_zone.as_deref(), Some("Australia/Sydney"));
    let off = unschedule(&app, &cookie, id).await;
    assert_eq!(off.status, StatusCode::SEE_OTHER, "{}", off.text);
    let campaign = find(&app, id).await;
    assert_eq!((campaign.status, campaign.scheduled_at), (CampaignStatus::Draft, None));
    let page = app.get(&format!("/marketing/campaigns/{id}/edit"), &cookie).await;
    assert!(page.text.contains("2026-05-02"), "the planned time stays in the form");
    assert!(
        page.text
            .contains("Saturday 2 May 2026, 9:00 am in Sydney (AEST, UTC+10)"),
        "{}",
        page.text
    );
});

both!(a_scheduled_campaign_stays_so_only_while_the_same_would_go_out, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let later = [
        ("schedule_for_later", "true"),
        ("date", "2026-05-02"),
        ("time", "09:00"),
    ];
    let id = id_in(submit(&app, &cookie, "schedule", &later).await.location());
    let text = id.to_string();
    let same = [later.as_slice(), &[("id", &text), ("version", "1")]].concat();
    submit(&app, &cookie, "refresh_count", &same).await;
    let campaign = find(&app, id).await;
    assert_eq!((campaign.status, campaign.version), (CampaignStatus::Scheduled, 2));
    assert!(campaign.scheduled_at.is_some());
    let changed = [
        later.as_slice(),
        &[("id", &text), ("version", "2"), ("subject", "Other")],
    ]
    .concat();
    let answer = submit(&app, &cookie, "refresh_count", &changed).await;
    assert_eq!(find(&app, id).await.status, CampaignStatus::Draft);
    let page = app.get(answer.location().split('#').next().unwrap(), &cookie).await;
    assert!(
        page.text.contains("It is not scheduled any more while you change it."),
        "{}",
        page.text
    );
    // Save as draft takes it off, as the words say.
    let later = [later.as_slice(), &[("id", &text), ("version", "3")]].concat();
    submit(&app, &cookie, "schedule", &later).await;
    assert_eq!(find(&app, id).await.status, CampaignStatus::Scheduled);
    let later = [later.as_slice(), &[("version", "4")]].concat();
    submit(&app, &cookie, "draft", &later).await;
    assert_eq!(find(&app, id).await.status, CampaignStatus::Draft);
});

both!(clock_changes_are_told_and_chosen_in_three_cities, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = app.store.id.0;
    let cases = [
        (
            "update stores set time_zone = 'Australia/Sydney' where id = $1",
            ("2026-10-04", "02:30", "2:30 am on Sunday 4 October doesn"),
            ("2027-04-04", "02:30", "Second (AEST, UTC+10)", "2027-04-03T16:30:00Z"),
        ),
        (
            "update stores set time_zone = 'Europe/London' where id = $1",
            ("2027-03-28", "01:30", "1:30 am on Sunday 28 March doesn"),
            ("2026-10-25", "01:30", "Second (GMT, UTC+0)", "2026-10-25T01:30:00Z"),
        ),
        (
            "update stores set time_zone = 'America/New_York' where id = $1",
            ("2027-03-14", "02:30", "2:30 am on Sunday 14 March doesn"),
            ("2026-11-01", "01:30", "Second (EST, UTC−5)", "2026-11-01T06:30:00Z"),
        ),
    ];
    for (n, (zone, gap, fold)) in cases.into_iter().enumerate() {
        people::change(app.db(), zone, id).await;
        let token = |k: &str| format!("token-{n}-{k}");
        let later = |date, time| [("schedule_for_later", "true"), ("date", date), ("time", time)];
        let t = token("gap");
        let more = [later(gap.0, gap.1).as_slice(), &[("send_token", &t)]].concat();
        let answer = submit(&app, &cookie, "schedule", &more).await;
        assert!(answer.location().ends_with("?check=schedule"), "{}", answer.location());
        let page = app.get(answer.location(), &cookie).await;
        assert!(page.text.contains(gap.2), "{}: {}", gap.2, page.text);
        assert!(page.text.contains(gap.0), "the typed day stays");
        let t = token("fold");
        let more = [later(fold.0, fold.1).as_slice(), &[("send_token", &t)]].concat();
        let answer = submit(&app, &cookie, "schedule", &more).await;
        let page = app.get(answer.location(), &cookie).await;
        assert!(
            page.text.contains("Which ") && page.text.contains(fold.2),
            "{}",
            page.text
        );
        let campaign = id_in(answer.location()).to_string();
        let more = [
            more.as_slice(),
            &[("id", &campaign), ("version", "1"), ("fold", "second")],
        ]
        .concat();
        let answer = submit(&app, &cookie, "schedule", &more).await;
        assert!(answer.location().ends_with("?ok=scheduled"), "{}", answer.location());
        assert_eq!(
            find(&app, id_in(answer.location())).await.scheduled_at,
            fold.3.parse().ok()
        );
        let t = token("past");
        let more = [later("2026-04-30", "09:00").as_slice(), &[("send_token", &t)]].concat();
        let answer = submit(&app, &cookie, "schedule", &more).await;
        let page = app.get(answer.location(), &cookie).await;
        assert!(page.text.contains("Choose a time in the future"), "{}", page.text);
        assert_eq!(find(&app, id_in(answer.location())).await.status, CampaignStatus::Draft);
    }
});
