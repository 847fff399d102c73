//! Whatever ends a run early, nothing reported as done is lost, and running the file again does
//! the rest.

use std::{
    collections::HashSet,
    os::unix::process::ExitStatusExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use loupe::{
    customers::import::{Counts, Mode, queries::latest, run_file},
    on_db,
};

use super::{content, digest, everyone, file, job};
use crate::{
    both,
    support::{app::TestApp, files::shopify_file},
};

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
        there >= reported && reported > 500 && there < 2_964,
        "{there} of {reported}"
    );
    let row = latest(app.db(), app.store.id).await.unwrap();
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

both!(two_imports_at_once_add_everyone_once, |app| {
    let (bytes, _) = shopify_file(3_000);
    let job = job(file(&app, "customers.csv", &bytes), Mode::Apply);
    let run = || run_file(app.db(), &app.store, &job, &app.clock, None, |_| {});
    let (a, b) = tokio::join!(run(), run());
    assert_eq!(a.unwrap().counts.added + b.unwrap().counts.added, 2_964);
    assert_eq!(everyone(app.db(), &app.store).await.len(), 2_964);
});

/// `loupe import`, in a process of its own.
fn importing(app: &TestApp) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loupe"));
    command
        .args(["import", "customers.csv", "--store", "aurelia"])
        .current_dir(app.folder.path())
        .env("LOUPE_DATABASE_URL", &app.url)
        .env("LOUPE_SECRET_KEY", "a secret key for tests, long enough")
        .stdout(Stdio::null());
    command
}

/// What a run has done as everybody sees it, once it has read `rows` rows.
async fn past(app: &TestApp, child: &mut Child, run: i64, rows: i64) -> Counts {
    let begun = Instant::now();
    loop {
        let newest = latest(app.db(), app.store.id).await.unwrap().into_iter().next();
        if let Some(row) = newest.filter(|row| row.id == run && row.counts.rows_read >= rows) {
            return row.counts;
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "run {run} ended before it could be killed"
        );
        assert!(begun.elapsed() < Duration::from_secs(60), "run {run} does not get on");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What the newest run says it did, and what is there, as of one moment: the server may still be
/// at the last commit of the killed program.
async fn said_and_there(app: &TestApp) -> (Counts, i64, i64) {
    #[derive(sqlx::FromRow)]
    struct Both {
        #[sqlx(flatten)]
        said: Counts,
        people: i64,
        told: i64,
    }
    let row: Both = on_db!(app.db(), |pool| sqlx::query_as(
        "select i.rows_read, i.added, i.updated, i.unchanged, i.refused, i.kept_back, i.noted,
                (select count(*) from customers where store_id = $1) as people,
                (select count(*) from import_errors where import_id = i.id) as told
           from imports i
          where i.store_id = $1
          order by i.id desc
          limit 1"
    )
    .bind(app.store.id)
    .fetch_one(pool)
    .await)
    .unwrap();
    (row.said, row.people, row.told)
}

both!(
    a_killed_import_keeps_what_it_reported_and_is_finished_by_another,
    |app| {
        let (bytes, broken) = shopify_file(8_000);
        let job = job(file(&app, "customers.csv", &bytes), Mode::Apply);
        let whole = TestApp::new(app.db().backend()).await;
        run_file(whole.db(), &whole.store, &job, &whole.clock, None, |_| {})
            .await
            .unwrap();
        let whole = content(&whole).await;
        let known: HashSet<&String> = whole.iter().collect();

        // Before its first batch is in, and then each time further than the run before.
        for (run, rows) in [(1, 0), (2, 500), (3, 2_000), (4, 4_000)] {
            let mut child = importing(&app).spawn().unwrap();
            let reported = past(&app, &mut child, run, rows).await;
            child.kill().unwrap();
            assert_eq!(child.wait().unwrap().signal(), Some(9), "it was too quick to be killed");
            let (said, people, told) = said_and_there(&app).await;
            assert!(said.rows_read >= reported.rows_read && said.added >= reported.added);
            // Whole batches, those exactly, and the numbers with them.
            let done = said.added + said.updated + said.unchanged;
            let to_look_at = said.refused + said.noted;
            assert_eq!((done + said.refused, told), (said.rows_read, to_look_at), "{said:?}");
            assert!(people >= done, "{said:?}, and {people} there");
            if rows > 0 {
                assert_eq!(people, done, "{said:?}");
            }
            // Nobody is there without their tags, or without the consent the file gave.
            let half: Vec<_> = content(&app).await;
            let half: Vec<_> = half.iter().filter(|person| !known.contains(person)).collect();
            assert!(half.is_empty(), "{half:?}");
            assert!(latest(app.db(), app.store.id).await.unwrap()[0].finished_at.is_none());
        }

        assert!(importing(&app).status().unwrap().success());
        assert!(content(&app).await == whole, "not what one run would have made");
        let (said, people, told) = said_and_there(&app).await;
        assert_eq!(
            (said.rows_read, people, told),
            (8_000, 7_904, i64::try_from(broken.len()).unwrap())
        );
        let before = digest(app.db()).await;
        assert!(importing(&app).status().unwrap().success());
        assert!(digest(app.db()).await == before, "once more changed something");
    }
);
