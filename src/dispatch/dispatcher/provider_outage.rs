//! What the dispatcher does about a provider in trouble: sends wait, are tried again, and are given back
//! in the end.

use std::time::Duration;

use super::Dispatcher;
use crate::{
    dispatch::{circuit_breaker::Trip, workers::retry},
    error::AppError,
    failpoints::{Point, hit},
    messages::queries::{leases, put_back, settle},
    sends::{self, ending, queries::SendRecord},
};

/// How long a send waits after trouble, the first time; it doubles up to the longest.
const FIRST_PAUSE: chrono::Duration = chrono::Duration::seconds(15);
const LONGEST_PAUSE: chrono::Duration = chrono::Duration::minutes(5);
/// A mail server that takes messages has taken one since.
const JUST_NOW: chrono::Duration = chrono::Duration::minutes(1);
/// Trouble that lasts longer gives the campaign back.
const OUTAGE_TIMEOUT: chrono::Duration = chrono::Duration::minutes(60);

impl Dispatcher {
    /// The provider does not work: what nobody has begun goes back to the queue, and every send is
    /// paused or, when only a person can mend it, given back.
    pub(crate) async fn handle_trip(&self, trip: &Trip) -> Result<Duration, AppError> {
        if let Some(pool) = &self.pool {
            pool.queue().clear();
        }
        hit(Point::BeforeOutage);
        let mut tx = self.state.db.begin().await?;
        leases::release(&mut tx, &self.owner).await?;
        hit(Point::OutageReleased);
        tx.commit().await?;
        hit(Point::AfterOutageReleased);
        for send in sends::queries::sending(&self.state.db).await? {
            match trip {
                Trip::Pause(words) => self.pause(&send, words).await?,
                Trip::PauseSend { send: id, words } if send.id == *id => self.pause(&send, words).await?,
                // Then it is this instance alone that has no login.
                Trip::GiveUp(words) if self.still_goes_out(&send).await? => self.pause(&send, words).await?,
                Trip::GiveUp(words) => self.end(&send, Some(words)).await?,
                Trip::GiveUpSender { from, words } if send.from_email == *from => {
                    self.end(&send, Some(words)).await?;
                }
                Trip::PauseSend { .. } | Trip::GiveUpSender { .. } => {}
            }
        }
        self.breaker.reset();
        Ok(Duration::ZERO)
    }

    /// Puts back those who were refused before it was known that everybody is. Whose refusal is still
    /// being written down comes next time.
    pub(crate) async fn put_back_refused(&self) -> sqlx::Result<()> {
        let owed = self.breaker.owed();
        let written: Vec<_> = owed.into_iter().filter(|token| !self.in_flight.has(*token)).collect();
        if written.is_empty() {
            return Ok(());
        }
        let mut tx = self.state.db.begin().await?;
        let back = put_back::put_back(&mut tx, &written, self.state.clock.now()).await?;
        tx.commit().await?;
        self.breaker.put_back(&written);
        tracing::info!(messages = back, "refusals that were everybody's are taken back");
        Ok(())
    }

    /// Whether messages of a send were taken just now.
    async fn still_goes_out(&self, send: &SendRecord) -> sqlx::Result<bool> {
        settle::accepted_since(&self.state.db, send.id, self.state.clock.now() - JUST_NOW).await
    }

    /// Everything stays queued and is tried again later. An hour of trouble is enough: the campaign
    /// goes back, with what went out recorded. Only after another try: trouble is not when nobody
    /// was there.
    async fn pause(&self, send: &SendRecord, words: &str) -> sqlx::Result<()> {
        let now = self.state.clock.now();
        if send.resume_at.is_some_and(|at| at > now) {
            return Ok(());
        }
        let since = send.paused_at.map_or(chrono::Duration::zero(), |at| now - at);
        if since >= OUTAGE_TIMEOUT {
            let words = format!("{words} It stayed so for 60 minutes.");
            return self.end(send, Some(&words)).await;
        }
        // The last try is made when the hour is over.
        let left = (OUTAGE_TIMEOUT - since).max(FIRST_PAUSE);
        let wait = since.clamp(FIRST_PAUSE, LONGEST_PAUSE).min(left);
        let wait = wait.to_std().unwrap_or_default();
        let wait = retry::jittered(wait).mul_f64(self.state.settings.retry_scale);
        hit(Point::BeforeOutagePause);
        let mut tx = self.state.db.begin().await?;
        if sends::queries::pause(&mut tx, send.id, None, words, Some(now + wait), now).await?
            && send.paused_at.is_none()
        {
            ending::log_pause(&mut tx, send, words, now).await?;
        }
        hit(Point::OutagePauseWritten);
        tx.commit().await?;
        hit(Point::AfterOutagePause);
        tracing::warn!(send.id = send.id, wait = wait.as_secs(), "paused: {words}");
        Ok(())
    }

    pub(crate) async fn resume_after_outage(&self, send: &SendRecord) -> sqlx::Result<()> {
        hit(Point::BeforeOutageEnds);
        let mut tx = self.state.db.begin().await?;
        sends::queries::resume_from_trouble(&mut tx, send.id).await?;
        hit(Point::OutageEndWritten);
        tx.commit().await?;
        hit(Point::AfterOutageEnds);
        Ok(())
    }
}
