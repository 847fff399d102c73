//! Importing files: what maps itself, what is refused, and that nothing is lost or done twice.

use std::{io::Write, path::PathBuf};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use loupe::{
    auth::model::Role,
    consent::{
        self,
        model::{Channel, ConsentState, Wish},
    },
    customers::{
        details::Details,
        import::{Counts, Field, ImportProblem, Job, Kind, Mapping, Mode, Report, ToldKind, preview, run_file},
        store::{self, Customer},
    },
    db::Db,
    on_db,
    stores::model::Store,
};

use crate::{
    both,
    support::{
        app::{Answer, TestApp},
        files::{SHOPIFY, shopify_file},
    },
};

const SQUARE: &str = include_str!("fixtures/square_customers.csv");
const PLAIN: &str = include_str!("fixtures/plain_customers.csv");

fn file(app: &TestApp, name: &str, content: &[u8]) -> PathBuf {
    let path = app.folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn job(path: PathBuf, mode: Mode) -> Job {
    Job {
        file_name: path.file_name().unwrap().to_string_lossy().into_owned(),
        path,
        mapping: None,
        mode,
        actor: "Priya Nair".into(),
    }
}

async fn import(app: &TestApp, content: &str) -> Report {
    let job = job(file(app, "book.csv", content.as_bytes()), Mode::Apply);
    run_file(app.db(), &app.store, &job, &app.clock, None, |_| {})
        .await
        .unwrap()
}

async fn everyone(db: &Db, store: &Store) -> Vec<Customer> {
    let ids: Vec<i64> = on_db!(db, |pool| sqlx::query_scalar(
        "select id from customers where store_id = $1 order by id"
    )
    .bind(store.id)
    .fetch_all(pool)
    .await)
    .unwrap();
    let mut all = Vec::new();
    for id in ids {
        all.push(store::find(db, store.id, id).await.unwrap().unwrap());
    }
    all
}

/// Every row of every table an import could touch, but its own diary.
async fn digest(db: &Db) -> Vec<String> {
    let mut all = Vec::new();
    for table in [
        "customers",
        "customer_tags",
        "purchases",
        "repairs",
        "consent_events",
        "audit_events",
    ] {
        let columns: Vec<String> = match db {
            Db::Sqlite(pools) => sqlx::query_scalar("select name from pragma_table_info($1)")
                .bind(table)
                .fetch_all(&pools.read)
                .await
                .unwrap(),
            Db::Postgres(pool) => sqlx::query_scalar(
                "select cast(column_name as text) from information_schema.columns
                  where table_schema = current_schema() and table_name = $1",
            )
            .bind(table)
            .fetch_all(pool)
            .await
            .unwrap(),
        };
        let parts: Vec<String> = columns
            .iter()
            .map(|c| format!("coalesce(cast({c} as text), '')"))
            .collect();
        let sql = format!(
            "select {} as line from {table} order by line",
            parts.join(" || '|' || ")
        );
        let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_all(pool)
            .await)
        .unwrap();
        all.push(format!("{table}: {}", rows.len()));
        all.extend(rows);
    }
    all
}

/// What the book says, without ids, tokens and times.
async fn content(app: &TestApp) -> Vec<String> {
    let mut lines = Vec::new();
    for c in everyone(app.db(), &app.store).await {
        let tags = store::tags_of(app.db(), app.store.id, c.id).await.unwrap();
        let ledger = consent::store::ledger(app.db(), app.store.id, c.id).await.unwrap();
        let ledger: Vec<_> = ledger
            .iter()
            .map(|e| (e.channel, e.change, e.evidence.clone()))
            .collect();
        lines.push(format!(
            "{:?} {:?} {} {} {tags:?} {ledger:?}",
            c.external_id,
            c.details(),
            c.spent_cents,
            c.notes
        ));
    }
    lines.sort();
    lines
}

fn fields(mapping: &Mapping) -> Vec<(&str, Field)> {
    let columns = mapping.columns.iter().zip(&mapping.fields);
    columns.filter_map(|(c, f)| f.map(|f| (c.as_str(), f))).collect()
}

both!(a_shopify_export_maps_itself, |app| {
    let path = file(&app, "shopify.csv", SHOPIFY.as_bytes());
    let look = preview(&path).await.unwrap();
    assert_eq!(look.mapping.kind, Kind::Shopify);
    assert_eq!(
        fields(&look.mapping),
        [
            ("Customer ID", Field::ExternalId),
            ("First Name", Field::FirstName),
            ("Last Name", Field::LastName),
            ("Email", Field::Email),
            ("Accepts Email Marketing", Field::EmailConsent),
            ("Default Address Phone", Field::OtherPhone),
            ("Phone", Field::Phone),
            ("Total Spent", Field::Spent),
            ("Note", Field::Notes),
            ("Tags", Field::Tags),
        ]
    );
    assert_eq!(look.rows.len(), 3);
    let report = import(&app, SHOPIFY).await;
    assert_eq!((report.counts.added, report.counts.refused), (3, 0), "{report:?}");
    let all = everyone(app.db(), &app.store).await;
    let amara = &all[0];
    assert_eq!(amara.external_id.as_deref(), Some("shopify:7001"));
    assert_eq!(
        (amara.name.as_str(), amara.phone.as_deref()),
        ("Amara Okafor", Some("+61412345678"))
    );
    assert_eq!(amara.notes, "Prefers platinum,\nsize 6");
    // Spent before is a sum: no purchase, no day, nothing for "high value".
    assert_eq!(
        (amara.spent_cents, amara.largest_purchase_cents, amara.last_purchase_at),
        (125_000, 0, None)
    );
    assert_eq!(amara.email_consent, ConsentState::Granted);
    let tags = store::tags_of(app.db(), app.store.id, amara.id).await.unwrap();
    assert_eq!(tags, ["vip", "wedding"]);
    let ledger = consent::store::ledger(app.db(), app.store.id, amara.id).await.unwrap();
    assert_eq!(
        ledger[0].evidence,
        "File book.csv, line 2, column \"Accepts Email Marketing\", value \"yes\""
    );
    assert_eq!(ledger[0].actor, "Priya Nair");
    let jose = &all[1];
    assert_eq!(
        (jose.name.as_str(), jose.phone.as_deref()),
        ("José Núñez", Some("+61298765432"))
    );
    assert_eq!(jose.email_consent, ConsentState::Withdrawn);
    // Known by an address alone: it stands in for the name, and nobody is greeted with it.
    assert_eq!(
        (all[2].name.as_str(), all[2].first_name.as_str()),
        ("newsletter@example.com", "")
    );
});

both!(a_square_export_maps_itself, |app| {
    let look = preview(&file(&app, "square.csv", SQUARE.as_bytes())).await.unwrap();
    assert_eq!(look.mapping.kind, Kind::Square);
    assert_eq!(
        fields(&look.mapping),
        [
            ("First Name", Field::FirstName),
            ("Last Name", Field::LastName),
            ("Email Address", Field::Email),
            ("Phone Number", Field::Phone),
            ("Birthday", Field::Birthday),
            ("Memo", Field::Notes),
            ("Square Customer ID", Field::ExternalId),
            ("First Visit", Field::Since),
            ("Last Visit", Field::LastVisit),
            ("Lifetime Spend", Field::Spent),
            ("Email Subscription Status", Field::EmailConsent),
        ]
    );
    let report = import(&app, SQUARE).await;
    assert_eq!((report.counts.added, report.counts.refused), (3, 0), "{report:?}");
    let all = everyone(app.db(), &app.store).await;
    assert_eq!(all[0].external_id.as_deref(), Some("square:SQ7F0001"));
    assert_eq!(all[0].birthday().unwrap().words(), "14 May 1980");
    assert_eq!(all[0].spent_cents, 125_000);
    assert_eq!(all[0].created_at.to_rfc3339(), "2024-02-10T01:00:00+00:00");
    assert_eq!(all[0].last_visit_at.unwrap().to_rfc3339(), "2026-04-02T01:00:00+00:00");
    assert_eq!(all[1].birthday().unwrap().words(), "21 September");
    let states: Vec<_> = all.iter().map(|c| c.email_consent).collect();
    assert_eq!(
        states,
        [ConsentState::Granted, ConsentState::Withdrawn, ConsentState::None]
    );
});

both!(a_plain_file_maps_itself_and_says_nothing_about_consent, |app| {
    let report = import(&app, PLAIN).await;
    assert_eq!(
        (report.counts.added, report.counts.refused, report.counts.noted),
        (3, 0, 1),
        "{report:?}"
    );
    assert_eq!(report.told[0].kind, ToldKind::Noted);
    assert_eq!((report.told[0].line, report.told[0].column.as_str()), (3, "phone"));
    let all = everyone(app.db(), &app.store).await;
    assert!(all.iter().all(|c| c.email_consent == ConsentState::None));
    assert_eq!(
        (all[1].phone.as_deref(), all[1].phone_typed.as_deref()),
        (None, Some("ask Ben"))
    );
    assert_eq!(all[2].email, None);
    // The same again, in another order and written differently, is nobody new.
    let again = "phone;name;email\r\n+61 412 345 678; amara  OKAFOR;AMARA@example.com\r\n02 9876 5432;Dora Petrov;\r\n";
    let report = import(&app, again).await;
    assert_eq!((report.counts.unchanged, report.counts.rows_read), (2, 2), "{report:?}");
});

#[derive(Clone, Default)]
struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

both!(
    a_broken_row_never_loses_the_others_and_the_same_file_again_changes_nothing,
    |app| {
        let (bytes, broken) = shopify_file(10_000);
        assert_eq!(broken.len(), 200);
        let path = file(&app, "customers.csv", &bytes);

        let dry = run_file(
            app.db(),
            &app.store,
            &job(path.clone(), Mode::DryRun),
            &app.clock,
            None,
            |_| {},
        )
        .await
        .unwrap();
        assert_eq!(everyone(app.db(), &app.store).await.len(), 0);

        let errors = Shared::default();
        let report = run_file(
            app.db(),
            &app.store,
            &job(path.clone(), Mode::Apply),
            &app.clock,
            Some(Box::new(errors.clone())),
            |_| {},
        )
        .await
        .unwrap();
        let wanted = Counts {
            rows_read: 10_000,
            added: 9_800,
            refused: 200,
            ..Counts::default()
        };
        assert_eq!(report.counts, wanted);
        assert_eq!(dry.counts, wanted);

        // The error file names exactly those lines, with column and reason.
        let bytes = errors.0.lock().unwrap().clone();
        let mut lines = Vec::new();
        let mut reasons = std::collections::BTreeSet::new();
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes.as_slice());
        assert_eq!(reader.headers().unwrap().get(4), Some("Customer ID"));
        for record in reader.records() {
            let record = record.unwrap();
            lines.push(record[0].parse::<i64>().unwrap());
            assert_eq!(&record[1], "Not imported");
            assert!(record.len() > 4 && !record[4].is_empty());
            reasons.insert(format!("{}: {}", &record[2], &record[3]));
        }
        assert_eq!(lines, broken);
        let reasons: Vec<String> = reasons.into_iter().collect();
        assert_eq!(
            reasons,
            [
                ": A quotation mark is opened and not closed",
                ": The row has 22 cells, the header has 20",
                ": The row has 4 cells, the header has 20",
                ": The row has bytes that are not text in UTF-8",
                ": There is no name and no email address",
                "Accepts Email Marketing: This is neither yes nor no",
                "Email: An email address needs one @, like name@example.com",
                "First Name: There are characters in it that are not text",
                "First Name: This is longer than 200 characters",
                "Total Spent: This can't be read as an amount",
            ]
        );
        let kept =
            loupe::customers::import::store::told(app.db(), app.store.id, report.import_id.unwrap(), false, 0, 500)
                .await
                .unwrap();
        assert_eq!(kept.iter().map(|(_, t)| t.line).collect::<Vec<_>>(), broken);

        let before = digest(app.db()).await;
        assert_eq!(before[0], "customers: 9800");
        app.clock.set(app.now() + chrono::Duration::days(1));
        let again = run_file(app.db(), &app.store, &job(path, Mode::Apply), &app.clock, None, |_| {})
            .await
            .unwrap();
        assert_eq!(
            (again.counts.unchanged, again.counts.refused),
            (9_800, 200),
            "{:?}",
            again.counts
        );
        assert!(digest(app.db()).await == before, "the second run changed something");
    }
);

both!(a_crash_in_the_middle_loses_nothing_that_was_reported, |app| {
    let (bytes, _) = shopify_file(3_000);
    let path = file(&app, "customers.csv", &bytes);
    let job = job(path, Mode::Apply);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let mut stop = Some(stop);
    let mut reported = 0;
    {
        let run = run_file(app.db(), &app.store, &job, &app.clock, None, |p| {
            reported = p.counts.added;
            if p.counts.rows_read >= 1_000
                && let Some(stop) = stop.take()
            {
                let _ = stop.send(());
            }
        });
        tokio::select! {
            biased;
            _ = stopped => {}
            _ = run => panic!("the run should have been dropped in the middle"),
        }
    }
    let there = i64::try_from(everyone(app.db(), &app.store).await.len()).unwrap();
    assert!(
        there >= reported && reported > 500 && there < 2_940,
        "{there} of {reported}"
    );
    let row = loupe::customers::import::store::latest(app.db(), app.store.id)
        .await
        .unwrap();
    assert_eq!((row[0].counts.added, row[0].finished_at), (there, None));

    run_file(app.db(), &app.store, &job, &app.clock, None, |_| {})
        .await
        .unwrap();
    let after = content(&app).await;
    let whole = TestApp::new(app.db().backend()).await;
    run_file(whole.db(), &whole.store, &job, &whole.clock, None, |_| {})
        .await
        .unwrap();
    assert!(after == content(&whole).await, "not what one run would have made");
});

both!(the_same_address_with_another_name_is_a_second_customer, |app| {
    let text = "id,name,email,phone,tags\n\
                1,Amara Okafor,both@example.com,,a\n\
                2,Chidi Okafor,both@example.com,,b\n\
                1,Amara Okafor-Li,both@example.com,,c\n\
                ,chidi okafor,BOTH@example.com,0412 345 678,\n\
                ,Dora Petrov,,0298765432,\n\
                ,Dora Petrov,,(02) 9876 5432,d\n\
                ,Dora Petrov,,,\n";
    let report = import(&app, text).await;
    assert_eq!(
        (report.counts.added, report.counts.updated, report.counts.unchanged),
        (4, 3, 0),
        "{report:?}"
    );
    let all = everyone(app.db(), &app.store).await;
    let names: Vec<_> = all
        .iter()
        .map(|c| (c.name.as_str(), c.external_id.as_deref(), c.email_shared))
        .collect();
    assert_eq!(
        names,
        [
            // The first row of a file about somebody wins; the next file may say otherwise.
            ("Amara Okafor", Some("1"), true),
            ("Chidi Okafor", Some("2"), true),
            ("Dora Petrov", None, false),
            ("Dora Petrov", None, false),
        ]
    );
    assert_eq!(
        store::tags_of(app.db(), app.store.id, all[0].id).await.unwrap(),
        ["a", "c"]
    );
    assert_eq!(all[1].phone.as_deref(), Some("+61412345678"));
    let before = digest(app.db()).await;
    assert_eq!(import(&app, text).await.counts.unchanged, 7);
    assert_eq!(digest(app.db()).await, before);
    import(&app, "id,name,email\n1,Amara Okafor-Li,amara@example.com\n").await;
    let amara = &everyone(app.db(), &app.store).await[0];
    assert_eq!(
        (amara.name.as_str(), amara.email.as_deref()),
        ("Amara Okafor-Li", Some("amara@example.com"))
    );
    assert!(!everyone(app.db(), &app.store).await[1].email_shared);
});

both!(what_staff_wrote_is_completed_and_never_emptied, |app| {
    let mut tx = app.db().begin().await.unwrap();
    let details = Details::named("Amara Okafor")
        .with_email("amara@example.com")
        .with_phone("0412 345 678", "AU");
    let id = store::insert(&mut tx, app.store.id, None, &details, app.now())
        .await
        .unwrap();
    store::set_notes(&mut tx, app.store.id, id, "Allergic to nickel", app.now())
        .await
        .unwrap();
    store::add_tags(&mut tx, app.store.id, id, &["vip".to_owned()])
        .await
        .unwrap();
    store::note_bounce(&mut tx, app.store.id, id, "no mailbox", app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let report = import(
        &app,
        "name,email,phone,notes,tags,birthday\nAmara Okafor,amara@example.com,,Size 6,,14/5/1980\n",
    )
    .await;
    assert_eq!(report.counts.updated, 1);
    let c = store::find(app.db(), app.store.id, id).await.unwrap().unwrap();
    assert_eq!(
        (c.phone.as_deref(), c.notes.as_str()),
        (Some("+61412345678"), "Allergic to nickel\n\nSize 6")
    );
    assert_eq!(c.birthday().unwrap().words(), "14 May 1980");
    assert!(c.email_bounced_at.is_some(), "the same address still has bounced");
    assert_eq!(store::tags_of(app.db(), app.store.id, id).await.unwrap(), ["vip"]);
});

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
    store::note_complaint(&mut tx, app.store.id, id(1), app.now())
        .await
        .unwrap();
    store::note_bounce(&mut tx, app.store.id, id(2), "no mailbox", app.now())
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
            (2, ToldKind::KeptBack, "Unsubscribed before"),
            (3, ToldKind::KeptBack, "Marked a message as spam before"),
            (4, ToldKind::KeptBack, "The address bounced before"),
            (6, ToldKind::KeptBack, "Somebody with this address unsubscribed before"),
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
    let states: Vec<_> = everyone(app.db(), &app.store)
        .await
        .iter()
        .map(|c| c.email_consent)
        .collect();
    assert_eq!(states, [ConsentState::Withdrawn, ConsentState::Withdrawn]);
});

both!(two_stores_import_the_same_file_apart, |app| {
    let (other, _) = app.another_store().await;
    let job = job(file(&app, "book.csv", SHOPIFY.as_bytes()), Mode::Apply);
    for store in [&app.store, &other] {
        let report = run_file(app.db(), store, &job, &app.clock, None, |_| {}).await.unwrap();
        assert_eq!(report.counts.added, 3);
    }
    assert_eq!(everyone(app.db(), &app.store).await.len(), 3);
    assert_eq!(everyone(app.db(), &other).await.len(), 3);
    let of_the_other = loupe::customers::import::store::latest(app.db(), other.id)
        .await
        .unwrap();
    assert_eq!(of_the_other.len(), 1);
    assert!(
        loupe::customers::import::store::find(app.db(), app.store.id, of_the_other[0].id)
            .await
            .unwrap()
            .is_none()
    );
});

both!(two_imports_at_once_add_everyone_once, |app| {
    let (bytes, _) = shopify_file(3_000);
    let job = job(file(&app, "customers.csv", &bytes), Mode::Apply);
    let run = || run_file(app.db(), &app.store, &job, &app.clock, None, |_| {});
    let (a, b) = tokio::join!(run(), run());
    assert_eq!(a.unwrap().counts.added + b.unwrap().counts.added, 2_940);
    assert_eq!(everyone(app.db(), &app.store).await.len(), 2_940);
});

both!(a_file_that_is_none_says_so, |app| {
    let of = |name: &'static str, content: &'static [u8]| {
        let job = job(file(&app, name, content), Mode::Apply);
        let app = &app;
        async move {
            run_file(app.db(), &app.store, &job, &app.clock, None, |_| {})
                .await
                .unwrap_err()
        }
    };
    assert!(matches!(of("a.csv", b"").await, ImportProblem::Empty));
    assert!(matches!(of("b.csv", b"\n\n \n").await, ImportProblem::Empty));
    assert!(matches!(of("c.csv", b"PK\x03\x04xx").await, ImportProblem::Spreadsheet));
    assert!(matches!(of("d.csv", b"\xFF\xFEn\0").await, ImportProblem::NotText));
    assert!(matches!(
        of("e.csv", b"phone,tags\n1,2\n").await,
        ImportProblem::NobodyNamed
    ));
    // In the alphabet of old spreadsheets.
    let old = job(
        file(&app, "old.csv", b"name;email\nJos\xE9 N\xFA\xF1ez;jose@example.com\n"),
        Mode::Apply,
    );
    run_file(app.db(), &app.store, &old, &app.clock, None, |_| {})
        .await
        .unwrap();
    assert_eq!(everyone(app.db(), &app.store).await[0].name, "José Núñez");
});

both!(a_mended_error_file_is_imported_again_without_doubling, |app| {
    let text = "name,email,phone,total spent\nAmara,amara@,,1\nBen,ben@example.com,call Ben,2\nChi,chi@example.com,,x\n=Dora,dora@example.com,+61412345678,oops\n";
    let errors = Shared::default();
    let job_of = |text: &str| job(file(&app, "book.csv", text.as_bytes()), Mode::Apply);
    let first = job_of(text);
    run_file(
        app.db(),
        &app.store,
        &first,
        &app.clock,
        Some(Box::new(errors.clone())),
        |_| {},
    )
    .await
    .unwrap();
    let mended = String::from_utf8(errors.0.lock().unwrap().clone()).unwrap();
    assert!(mended.contains("'=Dora,dora@example.com,'+61412345678"), "{mended}");
    let mended = mended
        .replace("amara@,", "amara@example.com,")
        .replace("call Ben", "0298765432")
        .replace(",x", ",3")
        .replace(",oops", ",4");
    let report = import(&app, &mended).await;
    assert_eq!(
        (report.counts.added, report.counts.updated, report.counts.refused),
        (3, 1, 0),
        "{report:?}"
    );
    let all: Vec<_> = everyone(app.db(), &app.store)
        .await
        .into_iter()
        .map(|c| (c.name, c.phone))
        .collect();
    assert_eq!(
        all,
        [
            ("Ben".to_owned(), Some("+61298765432".to_owned())),
            ("Amara".to_owned(), None),
            ("Chi".to_owned(), None),
            ("=Dora".to_owned(), Some("+61412345678".to_owned())),
        ]
    );
});

async fn upload(app: &TestApp, name: &str, content: &[u8], cookie: &str) -> Answer {
    let mut body = format!(
        "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n"
    )
    .into_bytes();
    body.extend(content);
    body.extend(b"\r\n--cut--\r\n");
    app.send(
        Request::post("/customers/import")
            .header(header::COOKIE, cookie)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
            .body(Body::from(body))
            .unwrap(),
    )
    .await
}

both!(a_file_is_brought_checked_and_imported_through_the_page, |app| {
    let cookie = app.sign_in_as(Role::Manager).await;
    let text = "Kunde,email,phone,tags,agreed\n\
                Amara <b>Okafor</b>,amara@example.com,ask Ben,vip,yes\n\
                Ben,ben@,,,no\n";
    let answer = upload(&app, "my \u{202E}book.csv", text.as_bytes(), &cookie).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let path = answer.location().to_owned();
    let page = app.get(&path, &cookie).await;
    for words in [
        "my book.csv",
        "Kunde",
        "amara@example.com",
        "&lt;b&gt;Okafor",
        "Check the file",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let post = |fields: [&'static str; 5], intent: &'static str| {
        let (app, path, cookie) = (&app, path.clone(), cookie.clone());
        async move {
            let mut pairs: Vec<(&str, &str)> = fields.iter().map(|f| ("field", *f)).collect();
            pairs.push(("intent", intent));
            app.post_form(&path, &path, &pairs, &cookie).await
        }
    };
    let twice = post(["name", "email", "email", "tags", ""], "check").await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(twice.text.contains("Two columns are both chosen"), "{}", twice.text);

    let chosen = ["name", "email", "phone", "tags", "email_consent"];
    let checked = post(chosen, "check").await;
    assert_eq!(checked.status, StatusCode::OK);
    for words in [
        "1 customer would be added",
        "Nothing has been changed yet.",
        "The part after the @ is not right",
        "kept as typed",
    ] {
        assert!(checked.text.contains(words), "{words}: {}", checked.text);
    }
    assert!(everyone(app.db(), &app.store).await.is_empty());
    let errors = app.get(&format!("{path}/errors.csv"), &cookie).await;
    assert!(
        errors.text.starts_with("Line,Outcome,Column,Reason,Kunde,email"),
        "{}",
        errors.text
    );
    assert_eq!(errors.text.lines().count(), 3);

    let begun = post(chosen, "import").await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    let result = begun.location().to_owned();
    let mut page = app.get(&result, &cookie).await;
    for _ in 0..100 {
        if page.text.contains("Import finished.") {
            break;
        }
        assert_eq!(page.headers["refresh"], "2");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        page = app.get(&result, &cookie).await;
    }
    assert!(
        page.text.contains("Import finished.") && page.headers.get("refresh").is_none(),
        "{}",
        page.text
    );
    let errors = app.get(&format!("{result}/errors.csv"), &cookie).await;
    assert_eq!(errors.text.lines().count(), 3, "{}", errors.text);
    assert!(
        errors.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    let all = everyone(app.db(), &app.store).await;
    assert_eq!(
        (all.len(), all[0].name.as_str(), all[0].email_consent),
        (1, "Amara <b>Okafor</b>", ConsentState::Granted)
    );
    // A second press finds the file taken, and nobody is doubled.
    assert_eq!(post(chosen, "import").await.location(), "/customers/import");
    assert!(app.get("/customers/import", &cookie).await.text.contains("my book.csv"));
});

both!(only_owners_and_managers_import_and_only_into_their_store, |app| {
    for role in [Role::Salesperson, Role::Workshop, Role::Accountant] {
        let cookie = app.sign_in_as(role).await;
        assert_eq!(
            app.get("/customers/import", &cookie).await.status,
            StatusCode::FORBIDDEN
        );
        let answer = upload(&app, "a.csv", PLAIN.as_bytes(), &cookie).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let owner = app.sign_in_as(Role::Owner).await;
    let path = upload(&app, "a.csv", PLAIN.as_bytes(), &owner)
        .await
        .location()
        .to_owned();
    let report = import(&app, PLAIN).await;
    let (_, staff) = app.another_store().await;
    let stranger = app.session_of(staff[&Role::Owner]).await;
    let of_import = format!("/customers/imports/{}", report.import_id.unwrap());
    for path in [
        path.clone(),
        of_import.clone(),
        format!("{of_import}/errors.csv"),
        format!("{path}/errors.csv"),
    ] {
        assert_eq!(app.get(&path, &stranger).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let answer = app.send(
        Request::post(&path)
            .header(header::COOKIE, &owner)
            .header("sec-fetch-site", "cross-site")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("intent=import"))
            .unwrap(),
    );
    assert_eq!(answer.await.status, StatusCode::FORBIDDEN);
    for wrong in [&b""[..], b"PK\x03\x04zip", b"phone\n1\n"] {
        let answer = upload(&app, "x.csv", wrong, &owner).await;
        let ok = wrong.starts_with(b"phone");
        assert_eq!(answer.status == StatusCode::SEE_OTHER, ok, "{}", answer.text);
        assert!(ok || answer.text.contains("There is a problem"));
    }
    assert_eq!(
        app.get("/customers/import/..%2F..%2Fetc", &owner).await.status,
        StatusCode::NOT_FOUND
    );
});
