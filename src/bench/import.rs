//! How long a file of customers takes to import, and how much memory.

use loupe::{
    customers::import::{Job, Mode, run_file},
    db::{self, Db},
    stores::model::Store,
    time::Clock,
};

use crate::{
    Error,
    databases::{self, Folder},
    files, measure,
};

/// Imports files of a tenth of the rows and of all, each twice, into empty databases. One row in
/// fifty is broken.
pub async fn run(rows: u32, postgres: Option<&str>) -> Result<(), Error> {
    let folder = Folder::new()?;
    println!(
        "{:<11} {:>9} {:<6} {:>8} {:>9} {:>8} {:>9} {:>9} {:>8}",
        "database", "rows", "time", "seconds", "rows/s", "peak MB", "added", "unchanged", "refused"
    );
    for url in databases::empty(&folder, postgres).await? {
        let db = db::connect(&url).await?;
        db::migrate(&db).await?;
        for rows in [rows / 10, rows] {
            let path = folder.path().join("customers.csv");
            std::fs::write(&path, files::shopify_file(rows).0)?;
            let store = databases::open_store(&db, &format!("rows-{rows}"), Clock::System.now()).await?;
            let job = Job {
                path,
                file_name: "customers.csv".to_owned(),
                mapping: None,
                mode: Mode::Apply,
                actor: "Bench".to_owned(),
            };
            for time in ["first", "again"] {
                import(&db, &store, &job, rows, time).await?;
            }
        }
        db.close().await;
    }
    Ok(())
}

async fn import(db: &Db, store: &Store, job: &Job, rows: u32, time: &str) -> Result<(), Error> {
    let end = measure::begin();
    let counts = run_file(db, store, job, &Clock::System, None, |_| {}).await?.counts;
    let cost = end();
    let seconds = cost.wall;
    println!(
        "{:<11} {rows:>9} {time:<6} {seconds:>8.1} {:>9.0} {:>8.0} {:>9} {:>9} {:>8}",
        format!("{:?}", db.backend()),
        f64::from(rows) / seconds,
        cost.peak_mb,
        counts.added,
        counts.unchanged,
        counts.refused
    );
    Ok(())
}
