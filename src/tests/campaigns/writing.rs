//! Transactions that somebody does not end: nothing of them stays, and whoever writes next need not
//! know. On SQLite they all go over one connection.

use std::{future::ready, time::Duration};

use tokio::time::timeout;

use loupe::{
    db::{Backend, Db, Tx},
    on_db, on_tx,
};

use crate::{both, support::app::TestApp};

async fn name(db: &Db) -> String {
    on_db!(db, |pool| sqlx::query_scalar("select min(name) from stores")
        .fetch_one(pool)
        .await)
    .unwrap()
}

async fn rename(tx: &mut Tx, name: &str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("update stores set name = $1")
        .bind(name)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

async fn renamed(db: &Db, name: &str) {
    let mut tx = timeout(Duration::from_secs(5), db.begin()).await.unwrap().unwrap();
    rename(&mut tx, name).await.unwrap();
    tx.commit().await.unwrap();
}

both!(nothing_stays_of_what_was_not_ended, |app| {
    let before = name(app.db()).await;
    let mut tx = app.db().begin().await.unwrap();
    rename(&mut tx, "Unfinished").await.unwrap();
    drop(tx);
    // The lock is free at once, for somebody else's writer too.
    renamed(&loupe::db::connect(&app.url).await.unwrap(), "Theirs").await;
    assert_ne!(before, "Theirs");
    assert_eq!(name(app.db()).await, "Theirs");
    renamed(app.db(), "Ours").await;
    assert_eq!(name(app.db()).await, "Ours");
});

both!(whoever_gives_up_while_it_begins_blocks_nobody, |app| {
    for _ in 0..20 {
        tokio::select! {
            biased;
            _ = app.db().begin() => {}
            () = ready(()) => {}
        }
        renamed(app.db(), "Next").await;
    }
});

both!(a_statement_that_fails_leaves_the_next_transaction_sound, |app| {
    let mut tx = app.db().begin().await.unwrap();
    rename(&mut tx, "Half").await.unwrap();
    let broken = on_tx!(&mut tx, |conn| sqlx::query("update stores set name = null")
        .execute(&mut *conn)
        .await
        .map(|_| ()));
    assert!(broken.is_err());
    drop(tx);
    renamed(app.db(), "Whole").await;
    assert_eq!(name(app.db()).await, "Whole");
});

both!(a_closed_database_says_so, |app| {
    let tx = app.db().begin().await.unwrap();
    let db = app.db().clone();
    let closing = tokio::spawn(async move { db.close().await });
    // What is running has its end first.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!closing.is_finished());
    tx.commit().await.unwrap();
    closing.await.unwrap();
    assert!(matches!(app.db().begin().await, Err(sqlx::Error::PoolClosed)));
});

/// A full disk does this: SQLite ends the transaction by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_sqlite_has_ended_is_followed_by_a_sound_one() {
    let app = TestApp::new(Backend::Sqlite).await;
    let mut tx = app.db().begin().await.unwrap();
    let Tx::Sqlite(turn) = &mut tx else { panic!("SQLite") };
    sqlx::query("rollback").execute(&mut **turn).await.unwrap();
    assert!(tx.commit().await.is_err());
    renamed(app.db(), "Sound").await;
    assert_eq!(name(app.db()).await, "Sound");
}

#[test]
fn a_transaction_may_outlive_its_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (app, tx) = runtime.block_on(async {
        let app = TestApp::new(Backend::Sqlite).await;
        let mut tx = app.db().begin().await.unwrap();
        rename(&mut tx, "Unfinished").await.unwrap();
        (app, tx)
    });
    drop(tx);
    runtime.block_on(async {
        renamed(app.db(), "Next").await;
        assert_eq!(name(app.db()).await, "Next");
    });
}
