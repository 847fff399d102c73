//! Two transactions that change the same rows in different orders can wait for each other; the
//! database then ends one of them, and it may well work when it is done again.

use super::{Db, Tx};

/// So often it is tried.
const TRIES: usize = 5;

/// Whether it was a deadlock or a serialisation failure.
pub fn is_serialization_failure(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|e| e.code())
        .is_some_and(|code| code == "40P01" || code == "40001")
}

/// Does the work in a transaction, and from the start in a new one if somebody got in its way.
/// Answers what the work does: the transaction, not yet committed, and what came of it.
///
/// # Errors
/// Those of the work, of the last try if it was in somebody's way each time.
pub async fn in_tx<T, F>(db: &Db, work: impl Fn(Tx) -> F) -> sqlx::Result<(Tx, T)>
where
    F: Future<Output = sqlx::Result<(Tx, T)>>,
{
    let mut tries = 1;
    loop {
        match work(db.begin().await?).await {
            Err(error) if tries < TRIES && is_serialization_failure(&error) => tries += 1,
            done => return done,
        }
    }
}
