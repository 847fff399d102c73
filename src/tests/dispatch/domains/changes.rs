//! Setting the limit, and that another one holds at once.

use std::time::{Duration, Instant};

use loupe::{context::actor::Role, recipients::model::RecipientFilter};

use super::{Program, assert_never_faster, come, crowd_at_slow_test, kept, number, set, start, times};
use crate::{
    both,
    support::{
        app::words,
        sending::{is_done, until},
    },
};

// What waits for a limit does not wait for it any longer than it holds.
both!(a_change_holds_at_once, "", |app, sink| {
    set(&app, "1").await;
    crowd_at_slow_test(&app, 300).await;
    let send = start(&app, "Autumn", &RecipientFilter::All).await;
    let program = Program::of(&app);
    come(&sink, "@slow.test", 2).await;
    set(&app, "20").await;
    let begin = Instant::now();
    come(&sink, "@slow.test", 60).await;
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "higher: {:?}",
        begin.elapsed()
    );
    set(&app, "2").await;
    // Within a second it is known, and what was leased by then is gone.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let before = times(&sink, "@slow.test").len();
    come(&sink, "@slow.test", before + 6).await;
    assert_never_faster(&times(&sink, "@slow.test")[before..], 2);
    set(&app, "").await;
    let begin = Instant::now();
    assert!(is_done(
        &until(&app.state, &app.store, send, |s| !s.state.is_open()).await
    ));
    program.stop().await;
    // At two a second the rest would take two minutes.
    assert!(begin.elapsed() < Duration::from_secs(40), "none: {:?}", begin.elapsed());
    assert!(sink.copies().values().all(|copies| *copies == 1));
    assert_eq!(kept(&app).await, None);
    let domains = number(&app, "select count(*) from domain_paces").await;
    assert_eq!(domains, 0, "nobody's domain is kept without need");
});

// Set where the account's rate is, by the same rules.
both!(it_is_set_where_the_rate_is, "?rate=80", |app, sink| {
    let cookie = app.sign_in_as(Role::Owner).await;
    set(&app, "5").await;
    assert_eq!(kept(&app).await, Some(5));
    let page = app.get("/settings", &cookie).await.text;
    assert!(
        page.contains("to one domain, at most") && page.contains("value=\"5\""),
        "{page}"
    );
    for wrong in ["0", "81", "many", "-1"] {
        let fields = [("domain_rate", wrong)];
        let answer = app
            .post_form("/api/settings/mail-server", "/settings", &fields, &cookie)
            .await;
        assert_eq!(answer.location(), "/settings", "{wrong}");
        let page = words(&app.follow(&answer, &cookie).await.text);
        assert!(
            page.contains("Enter a whole number of messages a second from 1 to 80"),
            "{page}"
        );
        assert_eq!(kept(&app).await, Some(5));
    }
    let logged = "select count(*) from audit_events
                   where action = 'store.mail_server_changed' and actor = 'owner Person'";
    assert_eq!(number(&app, logged).await, 1);
    let manager = app.sign_in_as(Role::Manager).await;
    let refused = app
        .post_form(
            "/api/settings/mail-server",
            "/settings",
            &[("domain_rate", "9")],
            &manager,
        )
        .await;
    assert_eq!((refused.status.as_u16(), kept(&app).await), (403, Some(5)));
    app.another_store().await;
    let page = words(&app.get("/settings", &cookie).await.text);
    assert!(page.contains("5 at most"), "{page}");
    let run = |rate: &'static str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_loupe"))
            .args(["mail-server", "--domain-rate", rate])
            .current_dir(app.folder.path())
            .env("LOUPE_DATABASE_URL", &app.url)
            .env("LOUPE_SMTP_URL", format!("{}?rate=80", sink.url()))
            .env("LOUPE_SECRET_KEY", "a secret key for tests, long enough")
            .output()
            .unwrap()
    };
    let said = String::from_utf8(run("7").stdout).unwrap();
    assert!(said.contains("Messages a second to one domain: 7"), "{said}");
    assert_eq!(kept(&app).await, Some(7));
    assert!(!run("81").status.success());
    let said = String::from_utf8(run("0").stdout).unwrap();
    assert!(said.contains("Messages a second to one domain: no limit"), "{said}");
    assert_eq!(kept(&app).await, None);
});
