//! The log that tells of every change.

use super::*;

async fn write_lines(app: &TestApp) {
    let id = app.store.id.0;
    for (actor, action, summary, minutes) in [
        (
            "Priya Nair",
            "campaign.sent",
            "Sent Autumn trunk show to 1,171 customers",
            0,
        ),
        ("=cmd|calc", "customer.edited", "Edited <script>alert(1)</script>", 60),
        ("Priya Nair", "campaign.deleted", "Deleted a draft, \"Old\"", 60 * 24),
    ] {
        app.clock.set(app.now() + Duration::minutes(minutes));
        let summary = summary.replace('\'', "''");
        run(
            app,
            &format!(
                "insert into audit_events (store_id, actor, action, subject, summary, before, after, happened_at)
             values ({id}, '{actor}', '{action}', 'x', '{summary}', '{{\"name\":\"A\"}}', '{{\"name\":\"B\"}}', $1)"
            ),
        )
        .await
        .unwrap();
    }
}

both!(the_log_is_read_by_who_what_and_when, |app| {
    write_lines(&app).await;
    let cookie = app.sign_in_as(Role::Manager).await;
    let all = app.get("/audit-log", &cookie).await;
    for words in [
        "Audit log",
        "Sent Autumn trunk show to 1,171 customers",
        // 1 May 2026, 10:00 in Sydney, to the second and with its zone.
        "Fri 1 May 2026, 10:00:00 am AEST",
        "Before and after",
        "A → B",
        "3 entries",
    ] {
        assert!(all.text.contains(words), "{words}: {}", all.text);
    }
    assert!(!all.text.contains("<script>alert"));
    let (newest, oldest) = (
        all.text.find("Deleted a draft").unwrap(),
        all.text.find("Sent Autumn").unwrap(),
    );
    assert!(newest < oldest);
    for (query, shown, hidden) in [
        ("?who=Priya%20Nair", "Deleted a draft", "Edited"),
        ("?action=campaign.sent", "Sent Autumn", "Deleted a draft"),
        ("?from=2026-05-02", "Deleted a draft", "Sent Autumn"),
        ("?to=2026-05-01", "Sent Autumn", "Deleted a draft"),
        ("?from=2026-05-01&to=2026-05-01", "Edited", "Deleted a draft"),
    ] {
        let page = app.get(&format!("/audit-log{query}"), &cookie).await;
        assert!(
            page.text.contains(shown) && !page.text.contains(hidden),
            "{query}: {}",
            page.text
        );
    }
    let none = app.get("/audit-log?who=Nobody", &cookie).await;
    assert!(none.text.contains("Nothing yet for these filters."));
    let odd = app.get("/audit-log?from=yesterday&page=-1", &cookie).await;
    assert_eq!(odd.status, StatusCode::OK);
    assert!(odd.text.contains("3 entries"));
});

both!(the_log_as_a_file_holds_no_formula, |app| {
    write_lines(&app).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let file = app.get("/audit-log.csv", &cookie).await;
    let disposition = file.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(disposition, "attachment; filename=\"aurelia-audit-log-2026-05-02.csv\"");
    let lines: Vec<&str> = file.text.split("\r\n").collect();
    assert_eq!(lines[0], "When (Australia/Sydney),Who,Action,What,Before,After");
    assert!(
        lines[1].starts_with("2026-05-01 10:00:00 +1000,Priya Nair,Campaign sent,\"Sent"),
        "{}",
        lines[1]
    );
    assert!(lines[2].contains(",\"'=cmd|calc\","), "{}", lines[2]);
    assert!(lines[3].contains("\"Deleted a draft, \"\"Old\"\"\""), "{}", lines[3]);
    // As browsers ask for it: compressed on the way.
    let zipped = Request::get("/audit-log.csv")
        .header(header::COOKIE, &cookie)
        .header(header::ACCEPT_ENCODING, "gzip, br")
        .body(Body::empty())
        .unwrap();
    let zipped = app.send(zipped).await;
    assert_eq!(zipped.status, StatusCode::OK);
    assert!(zipped.headers.contains_key(header::CONTENT_ENCODING));
    let some = app.get("/audit-log.csv?action=campaign.sent", &cookie).await;
    assert_eq!(some.text.split("\r\n").count(), 3);
});

both!(a_long_log_is_paged_and_exported_whole, |app| {
    let id = app.store.id.0;
    for at in 0..26 {
        let rows: Vec<String> = (0..50)
            .map(|i| format!("({id}, 'Loupe', 'test.event', 'x', 'Event {}', $1)", at * 50 + i))
            .collect();
        run(
            &app,
            &format!(
                "insert into audit_events (store_id, actor, action, subject, summary, happened_at) values {}",
                rows.join(", ")
            ),
        )
        .await
        .unwrap();
    }
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = app.get("/audit-log?page=26", &cookie).await;
    assert!(
        page.text.contains("1,300 entries") && page.text.contains(">Event 0<"),
        "{}",
        page.text
    );
    let past = app.get("/audit-log?page=400", &cookie).await;
    assert!(past.text.contains(">Event 0<"));
    let file = app.get("/audit-log.csv", &cookie).await;
    for i in [0, 499, 500, 501, 999, 1000, 1299] {
        assert_eq!(file.text.matches(&format!(",Event {i},")).count(), 1, "{i}");
    }
    assert_eq!(file.text.split("\r\n").count(), 1302);
});

both!(the_database_itself_keeps_the_log_as_it_is, |app| {
    write_lines(&app).await;
    for sql in [
        "update audit_events set actor = 'Somebody else' where happened_at <= $1",
        "delete from audit_events where happened_at <= $1",
    ] {
        let refused = run(&app, sql).await.unwrap_err().to_string();
        assert!(refused.contains("audit events are never"), "{refused}");
    }
    assert_eq!(log::count(app.db(), app.store.id, &Wanted::default()).await.unwrap(), 3);
});
