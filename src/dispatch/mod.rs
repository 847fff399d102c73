//! The dispatcher: turns queued messages into mail, at most once each.
//!
//! What it promises, through `kill -9`, a stopped process that wakes up again, a second instance
//! and a slow or lying mail server:
//!
//! * Nobody gets a copy twice. A message is marked `attempting`, durably, before the first byte
//!   of its content is written; whatever is found in that state later with nobody working on it
//!   becomes `unconfirmed` and is never sent again by itself; except where the mail provider takes a
//!   message with the same key only once ([`crate::messages::queries::idempotent_retry`]).
//! * Nobody is lost. Until that mark, a message is `queued` or `leased`, and a lease that expires
//!   goes back to the queue.
//! * At most two messages per open connection can become `unconfirmed` in a crash: one on the wire,
//!   and one marked behind it.
//!
//! It is not exactly-once: that does not exist over SMTP (RFC 1047). The remainder is visible.
//!
//! ```text
//! dispatcher ──lease──► status writer ◄──mark, outcome── workers (one per connection)
//!   │                     │ one transaction for whatever has gathered
//!   └── queue ────────────┴──────────────────────────► workers
//!
//! queued ──lease──► leased ──mark──► attempting ──answer──► accepted | rejected
//!   ▲  ▲              │                  │  ├─ temporary refusal ─► queued (next_at), in the end failed
//!   │  └── release, ──┘                  │  └─ no answer, or the lease ran out ─► unconfirmed
//!   │      expired lease                 └─ not sent after all ─► queued
//!   └── idempotent retry (the provider knows the key) ◄── unconfirmed ── person, provider event ─► resolved
//! ```
//!
//! The audience is written down as `queued` or `skipped`; stop and undo turn `queued` and `leased` into `cancelled`.
//!
//! | Word | What it is |
//! |---|---|
//! | dispatcher | the loop: one tick finds open sends, leases a batch, hands it to the queue |
//! | lease, lease token | a message is this process's until `lease_until`; token = id and epoch, the fence of every write |
//! | epoch | counts the leases of a message: a late owner's write finds another epoch and does nothing |
//! | reap, `ReapScope` | taking over expired leases: leased → queued, attempting → unconfirmed |
//! | worker, worker pool | one connection each; a worker that panics is replaced |
//! | in flight, `InFlightGuard` | what this process holds; renewed as long as the guard lives |
//! | status writer | group commit: marks and outcomes of all workers in one transaction |
//! | circuit breaker, trip, generation | opens after failures in a row; half open lets one message through; a generation dates a report |
//! | refusals | permanent answers: one person's, or everybody's, who then go back to the queue |
//! | connection limit | so many messages the server takes over one connection, learned as it is met |
//! | slot, slot pool | the moment a message may go under the account's rate |
//! | domain queue, admission | what waits for its recipient domain's rate; the tail is its last message |
//! | prepared send | a send's text, compiled once |
//! | outbox transport | without a mail server: the message lies in the built-in outbox |
//! | failpoint | where a test kills the process |
//! | reconcile | what a send owes that ended with messages on the wire |
//! | send gate | closed on a copy of a database: nothing goes out |

mod circuit_breaker;
mod connection_limit;
mod dispatcher;
pub mod late_outcomes;
mod outcome_rows;
pub mod rate_limit;
mod refusals;
mod status_writer;
pub mod workers;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::context::AppState;

/// How long a stop waits for what is on the wire.
pub const DRAIN: Duration = Duration::from_secs(30);

/// Sends what is due until `stop` is cancelled; on a copy of a database, only once an owner has
/// confirmed it, and no longer than it is known to be none. Then it finishes what is on the wire, gives
/// back what it has leased, and returns.
pub async fn run(state: AppState, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = state.send_gate.until_active() => {}
        }
        let halt = state.send_gate.halting(&stop);
        dispatcher::run(state.clone(), halt.clone()).await;
        if !halt.is_cancelled() {
            // It broke.
            return;
        }
    }
}
