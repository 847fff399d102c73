//! What a file leaves open is asked before anything is imported.

use axum::http::StatusCode;
use loupe::{
    consent::{self, model::ConsentState},
    context::actor::Role,
    customers::{
        dates::DayOrder,
        import::{Choice, Field, ImportProblem, Job, Mapping, Mode, Report, RowIssueKind, preview, run_file},
    },
};

use super::{digest, everyone, file, import, job};
use crate::{both, support::app::TestApp};

const OPEN: &str = "name,email,GDPR\nAmara,amara@example.com,no\nBen,ben@example.com,yes\n";
const DAYS: &str = "name,email,birthday\nAmara,amara@example.com,3/4/1980\nBen,ben@example.com,5/5\n";

/// A run with the mapping of the headers as `change` makes it.
async fn run(
    app: &TestApp,
    text: &str,
    mode: Mode,
    change: impl FnOnce(&mut Mapping),
) -> Result<Report, ImportProblem> {
    let path = file(app, "open.csv", text.as_bytes());
    let mut mapping = preview(&path).await?.mapping;
    change(&mut mapping);
    let job = Job {
        mapping: Some(mapping),
        ..job(path, mode)
    };
    run_file(app.db(), &app.store, &job, &app.clock, None, |_| {}).await
}

both!(a_column_that_may_be_a_no_is_never_left_out_by_itself, |app| {
    let before = digest(app.db()).await;
    let refused = run(&app, OPEN, Mode::Apply, |_| {}).await;
    assert!(
        matches!(&refused, Err(ImportProblem::Undecided(columns)) if columns == "GDPR"),
        "{refused:?}"
    );
    assert!(digest(app.db()).await == before);
    // A dry run says all there is to say.
    assert_eq!(run(&app, OPEN, Mode::DryRun, |_| {}).await.unwrap().counts.added, 2);
    let report = run(&app, OPEN, Mode::Apply, |m| {
        m.choose(2, Choice::Field(Field::EmailConsent))
    })
    .await;
    assert_eq!(report.unwrap().counts.added, 2);
    let states: Vec<_> = everyone(app.db(), &app.store)
        .await
        .iter()
        .map(|c| c.email_consent)
        .collect();
    assert_eq!(states, [ConsentState::Withdrawn, ConsentState::Granted]);

    let app = TestApp::new(app.db().backend()).await;
    let left_out = run(&app, OPEN, Mode::Apply, |m| m.choose(2, Choice::LeftOut)).await;
    assert_eq!(left_out.unwrap().counts.added, 2);
});

both!(day_and_month_are_never_guessed, |app| {
    let refused = run(&app, DAYS, Mode::Apply, |_| {}).await;
    assert!(
        matches!(&refused, Err(ImportProblem::UnclearDays(columns)) if columns == "birthday"),
        "{refused:?}"
    );
    assert!(everyone(app.db(), &app.store).await.is_empty());
    let dry = run(&app, DAYS, Mode::DryRun, |_| {}).await.unwrap();
    assert_eq!(
        dry.told[0].reason,
        "Nothing says which is the day and which the month; it is left out"
    );
    for (order, day) in [
        (DayOrder::DayFirst, "3 April 1980"),
        (DayOrder::MonthFirst, "4 March 1980"),
    ] {
        let app = TestApp::new(app.db().backend()).await;
        run(&app, DAYS, Mode::Apply, |m| m.day_order = Some(order))
            .await
            .unwrap();
        let all = everyone(app.db(), &app.store).await;
        assert_eq!(all[0].birthday().unwrap().words(), day);
        assert_eq!(all[1].birthday().unwrap().words(), "5 May");
    }
    // One value that can be read one way only decides for its column, the last one too; each column
    // for itself.
    let app = TestApp::new(app.db().backend()).await;
    let text = format!(
        "name,email,birthday,anniversary\nAmara,amara@example.com,3/4/80,3/4/05\n{}Zed,zed@example.com,4/14,14.4.\n",
        "Ben,,,\n".repeat(700)
    );
    import(&app, &text).await;
    let all = everyone(app.db(), &app.store).await;
    assert_eq!(all[0].birthday().unwrap().words(), "4 March 1980");
    assert_eq!(all[0].anniversary().unwrap().words(), "3 April 2005");
});

both!(everybody_in_a_file_can_have_unsubscribed, |app| {
    import(
        &app,
        "name,email,email consent\nAmara,amara@example.com,yes\nBen,ben@example.com,yes\n",
    )
    .await;
    let left = "email,email consent\namara@example.com,yes\nnew@example.com,\n";
    let report = run(&app, left, Mode::Apply, |m| m.unsubscribed = true).await.unwrap();
    assert_eq!((report.counts.added, report.counts.updated), (1, 1));
    let all = everyone(app.db(), &app.store).await;
    let states: Vec<_> = all.iter().map(|c| c.email_consent).collect();
    assert_eq!(
        states,
        [ConsentState::Withdrawn, ConsentState::Granted, ConsentState::Withdrawn]
    );
    let ledger = consent::queries::ledger(app.db(), app.store.id, all[0].id)
        .await
        .unwrap();
    let words = "File open.csv, line 2: everybody in the file has unsubscribed";
    assert!(ledger.iter().any(|line| line.evidence == words), "{ledger:?}");
    let before = digest(app.db()).await;
    let again = run(&app, left, Mode::Apply, |m| m.unsubscribed = true).await.unwrap();
    assert_eq!(again.counts.unchanged, 2);
    assert!(digest(app.db()).await == before);
    // A later yes of a file does not undo it.
    let report = import(&app, "name,email,email consent\n,new@example.com,yes\n").await;
    assert_eq!(report.told[0].kind, RowIssueKind::ConsentRejected);
});

both!(a_yes_and_a_no_in_two_columns_are_a_no_even_for_whoever_agreed, |app| {
    import(&app, "name,email,email consent\nAmara,amara@example.com,yes\n").await;
    let both = "name,email,accepts marketing,Unsubscribed from all email\nAmara,amara@example.com,yes,TRUE\n";
    import(&app, both).await;
    let amara = &everyone(app.db(), &app.store).await[0];
    assert_eq!(amara.email_consent, ConsentState::Withdrawn);
});

both!(the_page_asks_what_a_file_leaves_open, |app| {
    let cookie = app.sign_in_as(Role::Manager).await;
    let text = "Kunde,GDPR,birthday\nAmara,no,3/4/1980\n";
    let path = app
        .upload("open.csv", text.as_bytes(), &cookie)
        .await
        .location()
        .to_owned();
    let page = app.get(&path, &cookie).await;
    for words in [
        "This column may say who wants no email",
        "No column is an email address or a phone number",
        "In birthday nothing shows which comes first.",
        "Everybody in this file has unsubscribed",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let post = |pairs: Vec<(&'static str, &'static str)>| {
        let (app, path, cookie) = (&app, path.clone(), cookie.clone());
        async move { app.post_form(&path, &path, &pairs, &cookie).await }
    };
    let fields = |consent: &'static str| vec![("field", "name"), ("field", consent), ("field", "birthday")];
    for (consent, words) in [
        ("undecided", "Say what the column GDPR is"),
        ("", "Say whether the day or the month comes first"),
    ] {
        let asked = post([fields(consent), vec![("intent", "import")]].concat()).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(asked.text.contains(words), "{words}: {}", asked.text);
    }
    let said = vec![("days", "month_first"), ("unsubscribed", "yes")];
    let checked = post([fields("email_consent"), said.clone(), vec![("intent", "check")]].concat()).await;
    assert_eq!(checked.status, StatusCode::OK, "{}", checked.text);
    assert!(checked.text.contains("1 customer would be added"), "{}", checked.text);
    let begun = post([fields("email_consent"), said, vec![("intent", "import")]].concat()).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    let mut all = everyone(app.db(), &app.store).await;
    for _ in 0..100 {
        if !all.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        all = everyone(app.db(), &app.store).await;
    }
    assert_eq!(all[0].birthday().unwrap().words(), "4 March 1980");
});
