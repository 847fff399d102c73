//! Changes in one trip: all or none, and the connection is fit for the next.

use std::future::ready;

use loupe::{
    db::{self, Backend, Bound, Db},
    on_db,
};

use crate::{both, support::app::TestApp};

const RENAME: &str = "update stores set name = $1 where $2 is not null";
const PEOPLE: &str = "update users set name = $3";
const BROKEN: &str = "update users set name = null where $3 <> ''";

async fn names(db: &Db) -> (String, String) {
    on_db!(db, |pool| sqlx::query_as(
        "select (select min(name) from stores), (select min(name) from users)"
    )
    .fetch_one(pool)
    .await)
    .unwrap()
}

fn both_of(one: &str, other: &str) -> [String; 2] {
    [one.to_owned(), other.to_owned()]
}

fn bound<'a>(app: &TestApp, one: &'a str, other: &'a str) -> Bound<'a> {
    let now = app.now();
    Bound { one, now, other }
}

both!(both_changes_are_made_and_counted, |app| {
    let changed = app
        .db()
        .execute_batch(&both_of(RENAME, PEOPLE), bound(&app, "Shop", "Priya"))
        .await;
    let [stores, people] = changed.unwrap()[..] else {
        panic!("two counts")
    };
    assert_eq!(stores, 1);
    assert!(people > 0);
    assert_eq!(names(app.db()).await, ("Shop".to_owned(), "Priya".to_owned()));
    let none = format!("{RENAME} and id < 0");
    let changed = app
        .db()
        .execute_batch(&both_of(&none, PEOPLE), bound(&app, "Other", "Tom"))
        .await;
    assert_eq!(changed.unwrap(), [0, people]);
});

both!(when_one_fails_neither_is_made, |app| {
    let before = names(app.db()).await;
    let failed = app
        .db()
        .execute_batch(&both_of(RENAME, BROKEN), bound(&app, "Shop", "Priya"))
        .await;
    assert!(failed.is_err());
    assert_eq!(names(app.db()).await, before);
    app.db().begin().await.unwrap().commit().await.unwrap();
    app.db()
        .execute_batch(&both_of(RENAME, PEOPLE), bound(&app, "Shop", "Priya"))
        .await
        .unwrap();
    assert_eq!(names(app.db()).await, ("Shop".to_owned(), "Priya".to_owned()));
});

both!(whoever_does_not_wait_for_the_end_blocks_nobody, |app| {
    for _ in 0..20 {
        let changes = both_of(RENAME, PEOPLE);
        let change = app.db().execute_batch(&changes, bound(&app, "Shop", "Priya"));
        // Begun, and dropped at its first wait.
        tokio::select! {
            biased;
            _ = change => {}
            () = ready(()) => {}
        }
        app.db().begin().await.unwrap().commit().await.unwrap();
    }
    // What was let go may still reach PostgreSQL, and be done, after a later change: once each.
    let last = ("Last".to_owned(), "Last".to_owned());
    let mut stands = false;
    for _ in 0..20 {
        let changes = both_of(RENAME, PEOPLE);
        let done = app.db().execute_batch(&changes, bound(&app, "Last", "Last")).await;
        done.unwrap();
        stands = names(app.db()).await == last;
        if stands {
            break;
        }
    }
    assert!(stands, "a change is done though others were let go");
});

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_on_the_disk_whatever_is_usual_there() {
    let app = TestApp::new(Backend::Postgres).await;
    let with = if app.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{with}options[synchronous_commit]=off", app.url);
    let Db::Postgres(pool) = db::connect(&url).await.unwrap() else {
        panic!("PostgreSQL")
    };
    let waits: String = sqlx::query_scalar("show synchronous_commit")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(waits, "on");
}
