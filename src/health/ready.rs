//! What `/readyz` looks at.

use std::time::Duration;

use serde::Serialize;

use super::queries;
use crate::{context::AppState, db, error::Outage, scheduler::heartbeat};

/// How long the database may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Bytes below which the database will soon fail to write.
const LEAST_SPACE: u64 = 50 * 1024 * 1024;

/// The answer, part by part: `ok`, or what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ready {
    ready: bool,
    stopping: bool,
    database: &'static str,
    migrations: &'static str,
    scheduler: &'static str,
    disk: &'static str,
}

const OK: &str = "ok";

impl Ready {
    /// Looks at everything. Never fails, and never takes long.
    pub async fn look(state: &AppState) -> Self {
        let stopping = state.leaving.is_cancelled();
        if state.send_gate.is_replaced() {
            return Self {
                ready: false,
                stopping,
                database: "its file was replaced: stop Loupe and use `loupe restore`",
                migrations: "unknown",
                scheduler: "unknown",
                disk: "unknown",
            };
        }
        let (database, migrations) = tables(state).await;
        let scheduler = if database == OK {
            scheduler(state).await
        } else {
            "unknown"
        };
        let disk = disk(state).await;
        let good =
            [database, migrations, disk].iter().all(|part| *part == OK) && matches!(scheduler, OK | "off" | "copy");
        Self {
            ready: good && !stopping,
            stopping,
            database,
            migrations,
            scheduler,
            disk,
        }
    }

    pub fn is_ready(&self) -> bool {
        self.ready
    }
}

async fn tables(state: &AppState) -> (&'static str, &'static str) {
    match tokio::time::timeout(ANSWER_TIMEOUT, state.db.look()).await {
        Ok(Ok(())) => {}
        Ok(Err(why)) => return (word(why), "unknown"),
        Err(_) => return ("doesn't answer", "unknown"),
    }
    let newest = db::newest_migration(state.db.backend());
    match tokio::time::timeout(ANSWER_TIMEOUT, queries::newest_applied(&state.db)).await {
        Ok(Ok(Some(applied))) if applied == newest => (OK, OK),
        Ok(Ok(_)) => (OK, "not up to date"),
        Ok(Err(_)) => ("can't be read", "unknown"),
        Err(_) => ("doesn't answer", "unknown"),
    }
}

fn word(why: Outage) -> &'static str {
    match why {
        Outage::Away => "can't be reached",
        Outage::Locked => "locked",
        Outage::ReadOnly => "read-only",
        Outage::Full => "full",
    }
}

/// Only where this process is to send: pages alone are ready without.
async fn scheduler(state: &AppState) -> &'static str {
    if !state.settings.dispatch {
        return "off";
    }
    if state.send_gate.is_passive() {
        // The page on which an owner confirms must be reached.
        return "copy";
    }
    let silence = tokio::time::timeout(ANSWER_TIMEOUT, heartbeat::silence(&state.db, state.clock.now())).await;
    match silence {
        Ok(Ok(Some(silence))) if !heartbeat::is_gone(silence) => OK,
        Ok(Ok(_)) => "silent",
        _ => "unknown",
    }
}

async fn disk(state: &AppState) -> &'static str {
    match queries::data_folder(&state.db).await {
        Ok(Some(folder)) => match fs4::available_space(&folder) {
            Ok(free) if free < LEAST_SPACE => "nearly full",
            _ => OK,
        },
        // The database has its own server, or has been reported already.
        _ => OK,
    }
}
