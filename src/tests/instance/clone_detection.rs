//! What tells a database from its copies, wherever they are and whatever they are called.

use loupe::{
    db::{self, Backend},
    instance,
};

use crate::{both, instance::backup::on_file, support::app::TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_everything_under_the_same_name_is_noticed() {
    let app = TestApp::new(Backend::Sqlite).await;
    assert_eq!(instance::settle(&app.state).await.unwrap(), None);
    app.db().close().await;
    // As a machine of the same name has it, which was given the whole folder.
    for name in ["loupe.db", "loupe.db.alive"] {
        let file = app.folder.path().join(name);
        std::fs::rename(&file, file.with_extension("former")).unwrap();
        std::fs::copy(file.with_extension("former"), &file).unwrap();
    }
    let file = app.folder.path().join("loupe.db");
    let app = on_file(app, &file).await;
    assert_eq!(
        instance::settle(&app.state).await.unwrap(),
        Some(loupe::context::send_gate::Why::Elsewhere)
    );
}

#[tokio::test]
async fn a_dump_that_is_read_into_the_same_database_is_noticed() {
    let app = TestApp::new(Backend::Postgres).await;
    assert_eq!(instance::settle(&app.state).await.unwrap(), None);
    let db::Db::Postgres(pool) = app.db() else {
        unreachable!("it was asked for");
    };
    // What `pg_restore --clean` does to each table.
    sqlx::raw_sql(
        "alter table instance rename to former;
         create table instance (like former including all);
         insert into instance select * from former;
         drop table former",
    )
    .execute(pool)
    .await
    .unwrap();
    assert_eq!(
        instance::settle(&app.state).await.unwrap(),
        Some(loupe::context::send_gate::Why::Elsewhere)
    );
}

/// What is written down of the place.
pub async fn home(app: &TestApp) -> serde_json::Map<String, serde_json::Value> {
    let text: String = loupe::on_db!(app.db(), |pool| sqlx::query_scalar(
        "select value from instance where key = 'home'"
    )
    .fetch_one(pool)
    .await)
    .unwrap();
    serde_json::from_str(&text).unwrap()
}

pub async fn write_home(app: &TestApp, home: &serde_json::Map<String, serde_json::Value>) {
    let text = serde_json::to_string(home).unwrap();
    let mut tx = app.db().begin().await.unwrap();
    loupe::on_tx!(&mut tx, |conn| sqlx::query(
        "update instance set value = $1 where key = 'home'"
    )
    .bind(text)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}

both!(what_a_former_version_did_not_write_down_is_no_difference, |app| {
    assert_eq!(instance::settle(&app.state).await.unwrap(), None);
    let known = home(&app).await;
    let newer = ["born", "table", "port", "folder", "timeline"];
    let mut former = known.clone();
    former.retain(|key, _| !newer.contains(&key.as_str()));
    assert!(former.len() < known.len());
    write_home(&app, &former).await;
    assert_eq!(instance::settle(&app.state).await.unwrap(), None);
    assert_eq!(home(&app).await, known, "and from now on it is");

    for key in newer.iter().filter(|key| known.contains_key(**key)) {
        let mut other = known.clone();
        let earlier = "2026-01-01T00:00:00Z";
        assert_ne!(
            other.insert((*key).to_owned(), earlier.into()),
            Some(serde_json::Value::Null),
            "{key} is told"
        );
        write_home(&app, &other).await;
        assert_eq!(
            instance::settle(&app.state).await.unwrap(),
            Some(loupe::context::send_gate::Why::Elsewhere),
            "{key}"
        );
    }
});
