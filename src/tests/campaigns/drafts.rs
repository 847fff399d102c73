//! What is written stays: drafts, copies, and what two people write at once.

use axum::http::StatusCode;
use loupe::{campaigns::model::CampaignStatus, context::actor::Role, recipients::model::RecipientFilter};

use super::{count, find, id_in, submit};
use crate::both;

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
            ("body", "odd and \r\nbreak"),
            ("date", "+999999-01-01"),
            ("time", "99:99"),
            ("schedule_for_later", "true"),
            ("fold", "third"),
        ];
        let answer = submit(&app, &cookie, "schedule", &odd).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let campaign = find(&app, id_in(answer.location())).await;
        assert_eq!(campaign.body, "odd and \nbreak");
        assert_eq!(
            (campaign.filter, campaign.template_id, campaign.scheduled_at),
            (None, None, None)
        );
        let other = submit(&app, &cookie, "draft", &[("id", "99999")]).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);
    }
);

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
