//! The numbers, in the text format of Prometheus.

use std::{
    fmt::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::queries::{self, Counts};
use crate::{
    context::AppState,
    scheduler::heartbeat::{self, SchedulerStatus},
};

pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The rows are counted at most this often, however often somebody asks.
const KEPT: Duration = Duration::from_secs(5);

/// Reads the numbers and remembers the last ones, for the rate.
#[derive(Debug, Default)]
pub struct Meter {
    last: Mutex<Option<Last>>,
}

#[derive(Clone, Debug)]
struct Last {
    at: Instant,
    accepted: i64,
    text: String,
}

impl Meter {
    /// The numbers now, or those of a moment ago.
    pub async fn read(&self, state: &AppState) -> sqlx::Result<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(last) = last.as_ref().filter(|l| l.at.elapsed() < KEPT) {
            return Ok(last.text.clone());
        }
        let now = state.clock.now();
        let counts = queries::counts(&state.db, now).await?;
        let (due, due_since) = heartbeat::waiting(&state.db, now).await?;
        let rest = Rest {
            rate: last.map_or(0.0, |l| rate(counts.accepted() - l.accepted, l.at.elapsed())),
            due,
            due_seconds: due_since.map_or(0.0, |at| seconds(now - at)),
            silence: heartbeat::silence(&state.db, now).await?.map(seconds),
            running: SchedulerStatus::load(state, now).await?.is_running(),
            passive: state.send_gate.is_passive(),
            oldest_seconds: counts.oldest_due.map_or(0.0, |at| seconds(now - at)),
        };
        let text = text(&counts, &rest);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Last {
            at: Instant::now(),
            accepted: counts.accepted(),
            text: text.clone(),
        });
        Ok(text)
    }
}

fn seconds(span: chrono::Duration) -> f64 {
    span.as_seconds_f64().max(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
fn rate(accepted: i64, over: Duration) -> f64 {
    let over = over.as_secs_f64();
    if over > 0.0 { accepted.max(0) as f64 / over } else { 0.0 }
}

/// What is not counted from messages.
struct Rest {
    rate: f64,
    due: i64,
    due_seconds: f64,
    silence: Option<f64>,
    running: bool,
    passive: bool,
    oldest_seconds: f64,
}

fn text(counts: &Counts, rest: &Rest) -> String {
    let mut out = String::with_capacity(2048);
    let mut family = |name: &str, kind: &str, help: &str, rows: &[(String, f64)]| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(out, "{name}{labels} {value}");
        }
    };
    let one = |value: f64| vec![(String::new(), value)];
    let yes = |is: bool| one(f64::from(u8::from(is)));
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    family("loupe_build_info", "gauge", "The running version.", &[(version, 1.0)]);
    family(
        "loupe_queue_messages",
        "gauge",
        "Messages without an outcome, by state.",
        &by_state(counts, &["queued", "leased", "attempting"]),
    );
    family(
        "loupe_settled_messages",
        "gauge",
        "Messages with an outcome, by state; what was unknown may be told later.",
        &by_state(
            counts,
            &["accepted", "rejected", "failed", "unconfirmed", "skipped", "cancelled"],
        ),
    );
    family(
        "loupe_oldest_due_message_seconds",
        "gauge",
        "How long the oldest message that may go out has been waiting.",
        &one(rest.oldest_seconds),
    );
    family(
        "loupe_accepted_per_second",
        "gauge",
        "Messages accepted per second since the last reading.",
        &one(rest.rate),
    );
    family(
        "loupe_open_sends",
        "gauge",
        "Sends that are not over.",
        &one(as_number(counts.open_sends)),
    );
    family(
        "loupe_due_campaigns",
        "gauge",
        "Planned campaigns that are due and not started.",
        &one(as_number(rest.due)),
    );
    family(
        "loupe_runner_lag_seconds",
        "gauge",
        "How long the longest due campaign has been waiting for the scheduler.",
        &one(rest.due_seconds),
    );
    if let Some(silence) = rest.silence {
        family(
            "loupe_runner_silence_seconds",
            "gauge",
            "Time since the last sign of life of any scheduler.",
            &one(silence),
        );
    }
    family(
        "loupe_runner_running",
        "gauge",
        "1 while planned sends go out by themselves.",
        &yes(rest.running),
    );
    family(
        "loupe_passive",
        "gauge",
        "1 while an owner has to confirm this copy.",
        &yes(rest.passive),
    );
    out
}

fn by_state(counts: &Counts, states: &[&str]) -> Vec<(String, f64)> {
    states
        .iter()
        .map(|state| (format!("{{state=\"{state}\"}}"), as_number(counts.of(state))))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn as_number(n: i64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_what_was_accepted_between_two_readings() {
        assert!((rate(500, Duration::from_secs(10)) - 50.0).abs() < f64::EPSILON);
        assert!(
            rate(-3, Duration::from_secs(10)).abs() < f64::EPSILON,
            "rows were removed"
        );
    }
}
