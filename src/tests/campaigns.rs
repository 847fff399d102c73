//! Campaigns over HTTP, as a browser without JavaScript writes, sends, copies and deletes them.

use axum::http::StatusCode;
use loupe::{
    auth::model::Role,
    campaigns::{
        list::ListQuery,
        model::CampaignStatus,
        store::{self, Campaign},
    },
    on_db,
    recipients::model::RecipientFilter,
    sends::{self, model::SendState},
};

use crate::{
    both,
    support::{
        app::{Answer, TestApp},
        people,
        sending::{begun, press},
    },
};

/// A whole form, with the fields a browser sends.
pub fn form<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("name", "Mother's Day"),
        ("subject", "A quiet hour, {{first_name}}"),
        ("body", "Dear {{first_name}},\r\n\r\nCome and see.\r\n"),
        ("recipient_type", "tags"),
        ("tags[]", "wedding"),
        ("segment_id", ""),
        ("template_id", ""),
        ("fallback_first_name", "friend"),
        ("fallback_last_name", ""),
        ("fallback_next_anniversary", ""),
        ("date", ""),
        ("time", ""),
        ("shown_count", ""),
        ("send_token", "token-1"),
    ];
    for (name, value) in more {
        fields.retain(|(n, _)| n != name);
        fields.push((name, value));
    }
    fields
}

/// Presses a button of the builder.
pub async fn submit(app: &TestApp, cookie: &str, intent: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = form(more);
    fields.push(("intent", intent));
    app.post_form("/api/campaigns/save", "/marketing/campaigns/new", &fields, cookie)
        .await
}

/// The id in `/marketing/campaigns/7/…`.
pub fn id_in(path: &str) -> i64 {
    path.split(['/', '?'])
        .find_map(|part| part.parse().ok())
        .unwrap_or_else(|| panic!("no id in {path}"))
}

pub async fn find(app: &TestApp, id: i64) -> Campaign {
    store::find(app.db(), app.store.id, id).await.unwrap().unwrap()
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(sql).fetch_one(pool).await).unwrap()
}

async fn crowd(app: &TestApp, n: usize) {
    people::crowd(app.db(), app.store.id, n, &["wedding"], app.now()).await;
}

both!(a_draft_is_kept_whatever_is_missing_and_gets_a_name, |app| {
    let cookie = app.sign_in_as(Role::Manager).await;
    let blank = [
        ("name", " "),
        ("subject", ""),
        ("body", ""),
        ("recipient_type", ""),
        ("date", "2026-05-02"),
    ];
    let answer = submit(&app, &cookie, "draft", &blank).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let campaign = find(&app, id_in(answer.location())).await;
    assert_eq!(campaign.name, "Untitled campaign, 1 May 10:00 am");
    assert_eq!((campaign.status, campaign.scheduled_at), (CampaignStatus::Draft, None));
    let page = app.get(answer.location(), &cookie).await;
    assert!(page.text.contains("Saved as draft at 10:00 am."), "{}", page.text);
    assert!(page.text.contains("Choose who this is for"));
});

both!(a_refused_send_keeps_everything_typed_and_says_what_to_mend, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let typed = [
        ("name", ""),
        ("subject", " "),
        ("body", "Dear {{nick_name}}, see </textarea><script>alert(1)</script>"),
        ("recipient_type", "segment"),
        ("schedule_for_later", "true"),
        ("date", "2026-06-01"),
        ("time", "09:30"),
        ("fallback_last_name", "client"),
    ];
    let answer = submit(&app, &cookie, "send_now", &typed).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(
        answer.location().ends_with("/edit?check=send_now"),
        "{}",
        answer.location()
    );
    let page = app.get(answer.location(), &cookie).await;
    for words in [
        "There is a problem",
        "Enter a name",
        "Enter a subject",
        "Choose a segment",
        "nick_name",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    for kept in [
        "2026-06-01",
        "09:30",
        "value=\"client\"",
        "&lt;/textarea&gt;&lt;script&gt;",
    ] {
        assert!(page.text.contains(kept), "{kept}: {}", page.text);
    }
    assert!(!page.text.contains("<script>alert(1)"));
    assert!(page.text.contains("<title>Error: Untitled campaign"));
    for link in [
        "href=\"#name\"",
        "href=\"#subject\"",
        "href=\"#body\"",
        "href=\"#segment\"",
    ] {
        assert!(page.text.contains(link), "{link}");
    }
    assert_eq!(count(&app, "select count(*) from sends").await, 0);
});

both!(markup_in_any_field_stays_text, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let evil = "</textarea></title></option><script>alert(1)</script>\"><img src=x onerror=alert(1)>";
    let typed = [
        ("name", evil),
        ("subject", evil),
        ("body", evil),
        ("fallback_first_name", evil),
        ("date", evil),
    ];
    let more = [typed.as_slice(), &[("schedule_for_later", "true"), ("tags[]", evil)]].concat();
    let answer = submit(&app, &cookie, "draft", &more).await;
    let page = app.get(answer.location(), &cookie).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    assert!(!page.text.contains("<img src=x"), "{}", page.text);
    assert!(page.text.contains("&lt;/textarea&gt;"));
});

both!(
    what_no_browser_sends_is_kept_or_refused_but_never_breaks_anything,
    |app| {
        let cookie = app.sign_in_as(Role::Owner).await;
        let odd = [
            ("segment_id", "seven"),
            ("template_id", "-1"),
            ("recipient_type", "everyone"),
            ("shown_count", "many"),
            ("body", "nul\0 and \r\nbreak"),
            ("date", "+999999-01-01"),
            ("time", "99:99"),
            ("schedule_for_later", "true"),
            ("fold", "third"),
        ];
        let answer = submit(&app, &cookie, "schedule", &odd).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let campaign = find(&app, id_in(answer.location())).await;
        assert_eq!(campaign.body, "nul and \nbreak");
        assert_eq!(
            (campaign.filter, campaign.template_id, campaign.scheduled_at),
            (None, None, None)
        );
        let other = submit(&app, &cookie, "draft", &[("id", "99999")]).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);
    }
);

both!(a_small_send_goes_at_one_press_and_a_second_press_sends_nothing, |app| {
    crowd(&app, 3).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let first = submit(&app, &cookie, "send_now", &[]).await;
    let id = id_in(first.location());
    assert_eq!(first.location(), format!("/marketing/campaigns/{id}?ok=sending"));
    assert_eq!(find(&app, id).await.status, CampaignStatus::Sending);
    // The same form again: as a new campaign, and as the kept one.
    let again = submit(&app, &cookie, "send_now", &[]).await;
    assert_eq!(again.location(), format!("/marketing/campaigns/{id}?ok=already"));
    let text = id.to_string();
    let again = submit(&app, &cookie, "send_now", &[("id", &text), ("version", "1")]).await;
    assert_eq!(again.location(), format!("/marketing/campaigns/{id}?ok=already"));
    assert_eq!(count(&app, "select count(*) from sends").await, 1);
    assert_eq!(count(&app, "select count(*) from campaigns").await, 1);
    assert_eq!(count(&app, "select count(*) from messages").await, 3);
    // Another window presses with a form of its own.
    let other = submit(
        &app,
        &cookie,
        "send_now",
        &[("id", &text), ("version", "1"), ("send_token", "token-2")],
    )
    .await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text);
    assert_eq!(count(&app, "select count(*) from sends").await, 1);
});

both!(
    two_presses_at_once_of_a_new_form_make_one_campaign_and_one_send,
    |app| {
        crowd(&app, 2).await;
        let cookie = app.sign_in_as(Role::Owner).await;
        let (a, b) = tokio::join!(
            submit(&app, &cookie, "send_now", &[]),
            submit(&app, &cookie, "send_now", &[])
        );
        for answer in [&a, &b] {
            assert!(
                answer.status == StatusCode::SEE_OTHER || answer.status == StatusCode::CONFLICT,
                "{} {}",
                answer.status,
                answer.text
            );
        }
        assert_eq!(count(&app, "select count(*) from sends").await, 1);
        assert_eq!(count(&app, "select count(*) from campaigns").await, 1);
        assert_eq!(count(&app, "select count(*) from messages").await, 2);
    }
);

both!(a_large_send_asks_first, |app| {
    crowd(&app, 120).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = submit(&app, &cookie, "send_now", &[("shown_count", "120")]).await;
    let id = id_in(answer.location());
    assert_eq!(
        answer.location(),
        format!("/marketing/campaigns/{id}/review?token=token-1")
    );
    assert_eq!(find(&app, id).await.status, CampaignStatus::Draft);
    let page = app.get(answer.location(), &cookie).await;
    for words in [
        "Send to 120 customers now?",
        "role=\"dialog\"",
        "Tags: wedding: 120 of 120",
        "stay in the outbox",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let text = id.to_string();
    let fields = [
        ("id", text.as_str()),
        ("version", "1"),
        ("send_token", "token-1"),
        ("shown_count", "120"),
    ];
    let sent = app
        .post_form("/api/campaigns/confirm", answer.location(), &fields, &cookie)
        .await;
    assert_eq!(
        sent.location(),
        format!("/marketing/campaigns/{id}?ok=sending"),
        "{}",
        sent.text
    );
    let again = app
        .post_form("/api/campaigns/confirm", answer.location(), &fields, &cookie)
        .await;
    assert_eq!(again.location(), format!("/marketing/campaigns/{id}?ok=already"));
    assert_eq!(count(&app, "select count(*) from sends").await, 1);
});

both!(another_number_than_was_shown_asks_first, |app| {
    crowd(&app, 9).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = submit(&app, &cookie, "send_now", &[("shown_count", "12")]).await;
    assert!(answer.location().contains("/review"), "{}", answer.location());
    let page = app.get(answer.location(), &cookie).await;
    assert!(page.text.contains("You saw 12. It goes to 9 now."), "{}", page.text);
    let near = submit(
        &app,
        &cookie,
        "send_now",
        &[("shown_count", "8"), ("send_token", "token-2")],
    )
    .await;
    assert!(near.location().ends_with("?ok=sending"), "{}", near.location());
});

both!(a_field_that_many_lack_and_nothing_stands_in_for_asks_first, |app| {
    crowd(&app, 3).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let more = [("body", "Your day is {{next_anniversary}}.")];
    let answer = submit(&app, &cookie, "send_now", &more).await;
    let page = app.get(answer.location(), &cookie).await;
    assert!(page.text.contains("3 customers have no anniversary"), "{}", page.text);
    let more = [
        ("body", "Your day is {{next_anniversary}}."),
        ("fallback_next_anniversary", "soon"),
        ("send_token", "t2"),
    ];
    let answer = submit(&app, &cookie, "send_now", &more).await;
    assert!(answer.location().ends_with("?ok=sending"), "{}", answer.location());
});

both!(nobody_to_send_to_is_a_draft_again_with_the_cause, |app| {
    people::one(app.db(), app.store.id, "No Mail", None, &["pearls"], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = submit(&app, &cookie, "send_now", &[("tags[]", "pearls")]).await;
    let id = id_in(answer.location());
    assert_eq!(answer.location(), format!("/marketing/campaigns/{id}/edit"));
    let campaign = find(&app, id).await;
    assert_eq!(
        (campaign.status, campaign.problem.as_deref()),
        (CampaignStatus::Draft, Some("no_recipients"))
    );
    let page = app.get(answer.location(), &cookie).await;
    for words in [
        "No recipients found for this campaign",
        "1 customer with the tag pearls.",
        "None of the 1 customer can be emailed: 1 No email address.",
        "No Mail",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert_eq!(count(&app, "select count(*) from sends").await, 0);
    assert_eq!(count(&app, "select count(*) from messages").await, 0);
});

both!(the_page_shows_the_exact_parts_and_three_people, |app| {
    crowd(&app, 4).await;
    people::one(app.db(), app.store.id, "Nora Nomail", None, &["wedding"], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = submit(&app, &cookie, "refresh_count", &[]).await;
    assert!(
        answer.location().ends_with("/edit?ok=counted#who"),
        "{}",
        answer.location()
    );
    let id = id_in(answer.location());
    let page = app.get(&format!("/marketing/campaigns/{id}/edit"), &cookie).await;
    for words in [
        "This will go to 4 customers",
        "1 will be skipped",
        "No email address",
        "Nora Nomail",
        "Typical: ",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(page.text.contains("name=\"shown_count\" value=\"4\""), "{}", page.text);
});

both!(the_preview_has_a_policy_of_its_own_and_shows_one_persons_words, |app| {
    let amara = people::one(
        app.db(),
        app.store.id,
        "Amara Okafor",
        Some("amara@example.com"),
        &["wedding"],
        app.now(),
    )
    .await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = submit(&app, &cookie, "draft", &[("body", "Dear {{first_name}}, <b>x</b>")]).await;
    let id = id_in(answer.location());
    let page = app
        .get(&format!("/marketing/campaigns/{id}/preview?as={amara}"), &cookie)
        .await;
    assert!(
        page.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .starts_with("sandbox;")
    );
    assert!(page.text.contains("Dear Amara, &lt;b&gt;x&lt;/b&gt;"), "{}", page.text);
    let (other, staff) = app.another_store().await;
    let stranger = people::one(
        app.db(),
        other.id,
        "Zoe Zenith",
        Some("zoe@example.com"),
        &[],
        app.now(),
    )
    .await;
    let page = app
        .get(&format!("/marketing/campaigns/{id}/preview?as={stranger}"), &cookie)
        .await;
    assert!(
        page.text.contains("Dear friend,") && !page.text.contains("Zoe"),
        "{}",
        page.text
    );
    let theirs = app.session_of(staff[&Role::Owner]).await;
    let page = app
        .get(&format!("/marketing/campaigns/{id}/preview?as={amara}"), &theirs)
        .await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
});

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
    let text = id.to_string();
    let off = app
        .post_form(
            "/api/campaigns/unschedule",
            "/marketing/campaigns",
            &[("id", &text)],
            &cookie,
        )
        .await;
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

both!(a_copy_has_the_words_and_the_people_and_no_schedule, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let template = count(&app, "select min(id) from templates").await.to_string();
    let more = [
        ("schedule_for_later", "true"),
        ("date", "2026-05-02"),
        ("time", "09:00"),
        ("template_id", template.as_str()),
        ("fallback_last_name", "client"),
    ];
    let id = id_in(submit(&app, &cookie, "schedule", &more).await.location());
    let text = id.to_string();
    let answer = app
        .post_form(
            "/api/campaigns/duplicate",
            "/marketing/campaigns",
            &[("id", &text)],
            &cookie,
        )
        .await;
    let copy = id_in(answer.location());
    assert_ne!(copy, id);
    let (was, is) = (find(&app, id).await, find(&app, copy).await);
    assert_eq!(is.name, "Copy of Mother's Day");
    assert_eq!(
        (&is.subject, &is.body, &is.filter),
        (&was.subject, &was.body, &was.filter)
    );
    assert_eq!((&is.fallbacks, is.template_id), (&was.fallbacks, was.template_id));
    assert!(is.template_id.is_some());
    assert_eq!(
        (is.status, is.version, is.scheduled_at),
        (CampaignStatus::Draft, 1, None)
    );
    assert_eq!((is.scheduled_local, is.sent_at, is.sent_count), (None, None, None));
    let page = app.get(answer.location(), &cookie).await;
    assert!(
        page.text.contains("Copied from &#x27;Mother") || page.text.contains("Copied from 'Mother"),
        "{}",
        page.text
    );
    assert!(page.text.contains("Nothing is scheduled."));
});

both!(a_campaign_that_went_out_is_a_record, |app| {
    crowd(&app, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = id_in(submit(&app, &cookie, "draft", &[]).await.location());
    begun(press(&app.state, &app.store, id).await);
    let guard = app.get(&format!("/marketing/campaigns/{id}/edit"), &cookie).await;
    assert_eq!(guard.status, StatusCode::OK);
    for words in ["Cannot edit a sent or sending campaign", "Duplicate", "View results"] {
        assert!(guard.text.contains(words), "{words}");
    }
    let text = id.to_string();
    for intent in ["draft", "schedule", "use_template", "refresh_count", "find_customer"] {
        let more = [("id", text.as_str()), ("version", "1"), ("send_token", "another")];
        let answer = submit(&app, &cookie, intent, &more).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{intent}");
        assert!(
            answer.text.contains("Cannot edit a sent or sending campaign"),
            "{intent}"
        );
    }
    let answer = app
        .post_form(
            "/api/campaigns/unschedule",
            "/marketing/campaigns",
            &[("id", &text)],
            &cookie,
        )
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(count(&app, "select count(*) from campaigns").await, 1);
    // Words that could not go into the record are not lost.
    let more = [
        ("id", text.as_str()),
        ("version", "1"),
        ("subject", "Rewritten"),
        ("send_token", "another"),
    ];
    let answer = submit(&app, &cookie, "draft", &more).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let (cards, _) = store::list(app.db(), app.store.id, &ListQuery::default())
        .await
        .unwrap();
    assert!(
        cards
            .iter()
            .any(|c| c.name == "Mother's Day (your changes)" && c.subject == "Rewritten"),
        "{cards:?}"
    );
    assert_eq!(find(&app, id).await.subject, "A quiet hour, {{first_name}}");
});

both!(of_two_who_write_at_once_neither_loses_a_word, |app| {
    let (owner, manager) = (app.sign_in_as(Role::Owner).await, app.sign_in_as(Role::Manager).await);
    let id = id_in(submit(&app, &owner, "draft", &[]).await.location());
    let text = id.to_string();
    let hers = [("id", text.as_str()), ("version", "1"), ("subject", "Hers")];
    submit(&app, &owner, "draft", &hers).await;
    let his = [
        ("id", text.as_str()),
        ("version", "1"),
        ("subject", "His"),
        ("send_token", "his"),
    ];
    let answer = submit(&app, &manager, "send_now", &his).await;
    let copy = id_in(answer.location());
    assert_ne!(copy, id);
    assert_eq!(find(&app, id).await.subject, "Hers");
    assert_eq!(find(&app, copy).await.subject, "His");
    assert_eq!(
        find(&app, copy).await.status,
        CampaignStatus::Draft,
        "nothing is sent by surprise"
    );
    let page = app.get(answer.location(), &manager).await;
    assert!(page.text.contains("while you were writing"), "{}", page.text);
});

both!(deleting_keeps_what_customers_received, |app| {
    crowd(&app, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = id_in(submit(&app, &cookie, "draft", &[]).await.location());
    let send = begun(press(&app.state, &app.store, id).await);
    let text = id.to_string();
    let fields = [("id", text.as_str())];
    let delete = || app.post_form("/api/campaigns/delete", "/marketing/campaigns", &fields, &cookie);
    let refused = delete().await;
    assert_eq!(refused.location(), format!("/marketing/campaigns/{id}"));
    assert_eq!(find(&app, id).await.status, CampaignStatus::Sending);
    people::change(app.db(), "update campaigns set status = 'sent' where id = $1", id).await;
    let gone = delete().await;
    assert_eq!(gone.location(), "/marketing/campaigns?ok=deleted", "{}", gone.text);
    assert!(store::find(app.db(), app.store.id, id).await.unwrap().is_none());
    let send = sends::store::find(app.db(), app.store.id, send).await.unwrap().unwrap();
    assert_eq!((send.campaign_id, send.label.as_str()), (None, "Mother's Day"));
    assert_eq!(count(&app, "select count(*) from messages").await, 2);
    assert_eq!(delete().await.status, StatusCode::NOT_FOUND);
});

both!(after_a_send_that_stopped_the_rest_is_offered, |app| {
    crowd(&app, 5).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = id_in(submit(&app, &cookie, "draft", &[]).await.location());
    let send = begun(press(&app.state, &app.store, id).await);
    people::change(
        app.db(),
        "update messages set state = 'accepted', next_at = null, settled_at = created_at
          where send_id = $1 and id in (select id from messages order by id limit 2)",
        send,
    )
    .await;
    people::change(
        app.db(),
        "update messages set state = 'cancelled', next_at = null, settled_at = created_at where send_id = $1 and state = 'queued'",
        send,
    )
    .await;
    people::change(app.db(), "update sends set state = 'reverted' where id = $1", send).await;
    people::change(
        app.db(),
        "update campaigns set status = 'draft', problem = 'The email provider refused our connection.' where id = $1",
        id,
    )
    .await;
    let page = app.get(&format!("/marketing/campaigns/{id}/edit"), &cookie).await;
    for words in [
        "Sending stopped after 2 customers.",
        "The email provider refused our connection.",
        "Skip the 2 who already got it",
        "Send to the remaining 3",
        "Already got this campaign",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let version = find(&app, id).await.version.to_string();
    let text = id.to_string();
    // Unticked on purpose: everybody again.
    let more = [
        ("id", text.as_str()),
        ("version", &version),
        ("asks_skip_already", "true"),
        ("send_token", "again"),
    ];
    submit(&app, &cookie, "refresh_count", &more).await;
    assert!(!find(&app, id).await.skip_already);
    let page = app.get(&format!("/marketing/campaigns/{id}/edit"), &cookie).await;
    assert!(page.text.contains("This will go to 5 customers"), "{}", page.text);
    let version = find(&app, id).await.version.to_string();
    let more = [
        ("id", text.as_str()),
        ("version", &version),
        ("asks_skip_already", "true"),
        ("skip_already", "true"),
        ("send_token", "again"),
    ];
    let answer = submit(&app, &cookie, "send_now", &more).await;
    assert!(answer.location().ends_with("?ok=sending"), "{}", answer.location());
    let second = sends::store::latest_of_campaign(app.db(), app.store.id, id)
        .await
        .unwrap()
        .unwrap();
    assert_ne!((second.id, second.state), (send, SendState::Cancelled));
    let queued = on_db!(app.db(), |pool| sqlx::query_scalar::<_, i64>(
        "select count(*) from messages where send_id = $1 and state = 'queued'"
    )
    .bind(second.id)
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(queued, 3);
});

both!(the_list_finds_filters_and_puts_the_newest_first, |app| {
    crowd(&app, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let first = id_in(
        submit(
            &app,
            &cookie,
            "draft",
            &[("name", "Été à 100% Sydney"), ("send_token", "a")],
        )
        .await
        .location(),
    );
    app.clock.set(app.now() + chrono::Duration::minutes(5));
    let second = id_in(
        submit(&app, &cookie, "draft", &[("name", "Autumn"), ("send_token", "b")])
            .await
            .location(),
    );
    let list = async |query: ListQuery| store::list(app.db(), app.store.id, &query).await.unwrap();
    let read = |q: &str, status: &str, from: &str| ListQuery::read(q, status, from, "", "1", app.store.zone());
    let (cards, total) = list(ListQuery::default()).await;
    assert_eq!(
        (cards.iter().map(|c| c.id).collect::<Vec<_>>(), total),
        (vec![second, first], 2)
    );
    assert_eq!(cards[0].audience, "Tags: wedding");
    begun(press(&app.state, &app.store, first).await);
    app.clock.set(app.now() + chrono::Duration::minutes(5));
    let (cards, _) = list(ListQuery::default()).await;
    assert_eq!(
        (cards[0].id, cards[0].status),
        (first, CampaignStatus::Sending),
        "what is being sent stands on top"
    );
    assert_eq!(cards[0].customers, Some(2));
    for (query, expected) in [
        (read("ÉTÉ", "", ""), vec![first]),
        (read("100%", "", ""), vec![first]),
        (read("0_", "", ""), vec![]),
        (read("quiet hour", "draft", ""), vec![second]),
        (read("", "sending", ""), vec![first]),
        (read("", "", "2026-05-01"), vec![]),
    ] {
        let (cards, total) = list(query.clone()).await;
        assert_eq!(cards.iter().map(|c| c.id).collect::<Vec<_>>(), expected, "{query:?}");
        assert_eq!(total, i64::try_from(expected.len()).unwrap());
    }
    let (other, _) = app.another_store().await;
    assert_eq!(
        store::list(app.db(), other.id, &ListQuery::default()).await.unwrap().1,
        0
    );
});

both!(every_change_leaves_a_line_without_the_words_of_the_message, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = id_in(
        submit(&app, &cookie, "draft", &[("body", "a secret surprise")])
            .await
            .location(),
    );
    let text = id.to_string();
    let kept = [("id", text.as_str()), ("version", "1"), ("body", "another secret")];
    submit(&app, &cookie, "draft", &kept).await;
    let later = [
        ("id", text.as_str()),
        ("version", "2"),
        ("schedule_for_later", "true"),
        ("date", "2026-05-02"),
        ("time", "09:00"),
    ];
    submit(&app, &cookie, "schedule", &later).await;
    for path in ["unschedule", "duplicate", "delete"] {
        app.post_form(
            &format!("/api/campaigns/{path}"),
            "/marketing/campaigns",
            &[("id", &text)],
            &cookie,
        )
        .await;
    }
    let lines: Vec<(String, String)> = on_db!(app.db(), |pool| sqlx::query_as(
        "select action, summary || coalesce(before, '') || coalesce(after, '') from audit_events
          where subject = 'campaign' order by id"
    )
    .fetch_all(pool)
    .await)
    .unwrap();
    let actions: Vec<&str> = lines.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "campaign.created",
            "campaign.edited",
            "campaign.scheduled",
            "campaign.unscheduled",
            "campaign.duplicated",
            "campaign.deleted"
        ]
    );
    assert!(lines.iter().all(|(_, text)| !text.contains("secret")), "{lines:?}");
});

both!(a_filter_is_kept_as_the_chosen_type_only, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let more = [
        ("recipient_type", "manual"),
        ("customer_ids[]", "7"),
        ("segment_id", "1"),
    ];
    let id = id_in(submit(&app, &cookie, "draft", &more).await.location());
    assert_eq!(
        find(&app, id).await.recipients(),
        Some(RecipientFilter::Manual(vec![7]))
    );
});
