//! A broken row never loses the others, and is told of exactly.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex},
};

use loupe::customers::import::{Counts, ImportProblem, Mode, queries::told, run_file};

use super::{digest, everyone, file, import, job};
use crate::{both, support::files::shopify_file};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether the row of this broken line comes in, without the cell that can't be read.
fn costs_a_cell(line: i64) -> bool {
    matches!((line - 2) / 50 % 10, 0 | 2 | 4 | 5)
}

/// The cells of a line; one that can't be taken apart is kept as it is.
fn cells(line: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(line);
    if text.contains('\u{FFFD}') || text.matches('"').count() % 2 == 1 {
        return vec![text.into_owned()];
    }
    // No database keeps a NUL.
    let text = text.replace('\0', "\u{FFFD}");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let record = reader.records().next().unwrap().unwrap();
    record.iter().map(str::to_owned).collect()
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
            added: 9_880,
            refused: 120,
            noted: 80,
            ..Counts::default()
        };
        assert_eq!(report.counts, wanted);
        assert_eq!(dry.counts, wanted);

        // The error file names exactly those lines, with column and reason, and has the row.
        let written = errors.0.lock().unwrap().clone();
        let sources: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
        let mut lines = Vec::new();
        let mut reasons = BTreeMap::new();
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(written.as_slice());
        assert_eq!(reader.headers().unwrap().get(4), Some("Customer ID"));
        for record in reader.records() {
            let record = record.unwrap();
            let line: i64 = record[0].parse().unwrap();
            lines.push(line);
            let outcome = match costs_a_cell(line) {
                true => "Imported, with something to look at",
                false => "Not imported",
            };
            assert_eq!(&record[1], outcome);
            *reasons.entry(format!("{}: {}", &record[2], &record[3])).or_insert(0) += 1;
            let own: Vec<&str> = record.iter().skip(4).collect();
            let source = sources[usize::try_from(line).unwrap() - 1];
            assert_eq!(own, cells(source), "line {line}");
        }
        assert_eq!(lines, broken);
        assert_eq!(
            reasons.into_iter().collect::<Vec<_>>(),
            [
                ": A quotation mark is opened and not closed",
                ": The row has 22 cells, the header has 20",
                ": The row has 4 cells, the header has 20; the missing ones count as empty",
                ": The row has bytes that are not text in UTF-8",
                ": There is no name and no email address",
                "Accepts Email Marketing: We don't know this word; it counts as not agreed",
                "Email: An email address needs one @, like name@example.com; it is left out",
                "First Name: There are characters in it that are not text",
                "First Name: This is longer than 200 characters",
                "Total Spent: This can't be read as an amount; it is left out",
            ]
            .map(|reason| (reason.to_owned(), 20))
        );
        let kept = told(app.db(), app.store.id, report.import_id.unwrap(), false, 0, 500)
            .await
            .unwrap();
        assert_eq!(kept.iter().map(|(_, t)| t.line).collect::<Vec<_>>(), broken);

        let before = digest(app.db()).await;
        assert_eq!(before[0], "customers: 9880");
        app.clock.set(app.now() + chrono::Duration::days(1));
        let again = run_file(app.db(), &app.store, &job(path, Mode::Apply), &app.clock, None, |_| {})
            .await
            .unwrap();
        assert_eq!(
            (again.counts.unchanged, again.counts.refused),
            (9_880, 120),
            "{:?}",
            again.counts
        );
        assert!(digest(app.db()).await == before, "the second run changed something");
    }
);
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
    assert!(matches!(
        of("d.csv", b"\xFF\xFE\0\0n\0\0\0").await,
        ImportProblem::NotText
    ));
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
        (1, 3, 0),
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
            ("Chi".to_owned(), None),
            ("=Dora".to_owned(), Some("+61412345678".to_owned())),
            ("Amara".to_owned(), None),
        ]
    );
});
