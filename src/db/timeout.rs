//! A database on another machine can vanish without a word: the connection then says nothing for
//! ever. Whoever must not stand still gives its work an end.

use std::{future::Future, io, time::Duration};

/// Gives up waiting after `limit`. What was asked for may have been done all the same.
///
/// # Errors
/// Those of the work, and [`sqlx::Error::Io`] when the time is over.
pub async fn with_timeout<T, E: From<sqlx::Error>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let words = format!("the database did not answer within {} seconds", limit.as_secs());
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, words)).into())
    })
}
