//! A count is answered from indexes alone, by the one that has the fewest rows to read.

use loupe::{
    bound,
    db::Backend,
    on_db,
    recipients::{
        filter_queries::{AudienceSql, Picked},
        model::RecipientFilter,
    },
    segments,
};

use super::{scope, write};
use crate::support::{
    app::TestApp,
    books::{Dice, Roughness, somebody},
};

#[tokio::test]
async fn sqlite_counts_every_audience_without_reading_the_book() {
    let app = TestApp::new(Backend::Sqlite).await;
    let mut dice = Dice(5);
    let rough = Roughness {
        trouble: 8,
        shared: 4,
        tagged: 40,
    };
    let people: Vec<_> = (0..3000).map(|i| somebody(&mut dice, i, rough, app.now())).collect();
    write(&app, &people).await;
    app.db().refresh_statistics().await.unwrap();

    let segments = segments::queries::all(app.db(), app.store.id).await.unwrap();
    assert!(!segments.is_empty());
    let mut audiences = vec![
        Picked::new(&RecipientFilter::All, None),
        Picked::new(&RecipientFilter::Tags(vec!["VIP".to_owned()]), None),
    ];
    audiences.extend(segments.into_iter().filter_map(|s| s.system()).map(Picked::System));
    for picked in audiences {
        let plan = plan(&app, &picked).await;
        let reads = |alias: &str| -> Vec<String> {
            let [search, scan] = ["SEARCH", "SCAN"].map(|verb| format!("{verb} {alias} "));
            let is_read = |line: &&String| line.starts_with(&search) || line.starts_with(&scan);
            plan.iter().filter(is_read).cloned().collect()
        };
        assert!(!reads("c").is_empty() && !reads("o").is_empty(), "{picked:?}: {plan:?}");
        for line in ["c", "o", "top", "paid"].into_iter().flat_map(reads) {
            assert!(line.contains("COVERING INDEX"), "{picked:?}: {line}");
        }
        for line in reads("o") {
            assert!(line.contains("customers_shared"), "{picked:?}: {line}");
        }
    }
}

async fn plan(app: &TestApp, picked: &Picked) -> Vec<String> {
    let sql = AudienceSql::of(app.db().backend(), &scope(app), picked);
    let statement = format!("explain query plan {}", sql.parts());
    let lines: Vec<(i64, i64, i64, String)> = on_db!(app.db(), |pool| bound!(
        sqlx::query_as(sqlx::AssertSqlSafe(statement)),
        sql.binds
    )
    .fetch_all(pool)
    .await)
    .unwrap();
    lines.into_iter().map(|(.., line)| line).collect()
}
