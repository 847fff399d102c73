//! What the tests share.
#![allow(dead_code, reason = "each program that includes this uses a part of it")]

pub mod app;
pub mod books;
pub mod db;
pub mod files;
pub mod people;
pub mod planning;
pub mod providers;
pub mod sending;
pub mod sink;
pub mod things;

/// Runs a test on SQLite and on PostgreSQL: `both!(a_sentence, |app| { … });`, or with a mail server
/// that is used with these options of its URL: `both!(a_sentence, "?rate=80", |app, sink| { … });`
#[macro_export]
macro_rules! both {
    ($name:ident, |$app:ident| $body:block) => {
        mod $name {
            use super::*;
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                let $app = $crate::support::app::TestApp::new(loupe::db::Backend::Sqlite).await;
                $body
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                let $app = $crate::support::app::TestApp::new(loupe::db::Backend::Postgres).await;
                $body
            }
        }
    };
    ($name:ident, $options:expr, |$app:ident, $sink:ident| $body:block) => {
        mod $name {
            use super::*;
            async fn on(backend: loupe::db::Backend) {
                let given = loupe::context::settings::Given::default();
                let ($app, $sink) = $crate::support::app::TestApp::mailing(backend, Vec::new(), $options, given).await;
                $body
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                on(loupe::db::Backend::Sqlite).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                on(loupe::db::Backend::Postgres).await;
            }
        }
    };
}
