//! What a leased message needs to become mail: the send's message, compiled once for everybody.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::time::Instant;

use super::in_flight::InFlightGuard;
use crate::{
    channels::email::{Addressee, EmailAddress, Prepared, Sender, events::Provider, write_id},
    dispatch::{rate_limit::account::SendSlot, refusals::Tried},
    error::AppError,
    failpoints::{Point, hit},
    messages::queries::leases::{LeaseToken, Leased},
    rendering::Person,
    sends::{
        message_view::{anniversary_words, compiled, unsubscribe_url},
        queries::SendRecord,
    },
    stores::model::Store,
};

/// Compiled sends kept for the next time they get a turn.
const MOST_LOADED: usize = 256;

/// A send that is being worked on.
#[derive(Debug)]
pub(crate) struct PreparedSend {
    pub(crate) send: SendRecord,
    pub(crate) prepared: Prepared,
    pub(crate) from: EmailAddress,
    zone: Tz,
}

impl PreparedSend {
    fn of(send: &SendRecord, store: &Store) -> Result<Self, AppError> {
        hit(Point::Preparing);
        let address = |text: &str| {
            EmailAddress::parse(text).map_err(|problem| AppError::internal(&format!("send {}: {problem}", send.id)))
        };
        let from = address(&send.from_email)?;
        let reply_to = send
            .reply_to
            .as_deref()
            .filter(|r| !r.is_empty())
            .map(address)
            .transpose()?;
        let sender = Sender {
            name: &send.from_name,
            address: &from,
            reply_to: reply_to.as_ref(),
        };
        Ok(Self {
            send: send.clone(),
            prepared: Prepared::new(compiled(send)?, sender),
            from,
            zone: store.zone(),
        })
    }
}

/// One message on its way to a worker.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) row: Leased,
    pub(crate) prepared: Arc<PreparedSend>,
    /// Whose mail server takes it, where that is known: as its lease says.
    pub(crate) provider: Option<Provider>,
    /// Keeps the lease alive.
    pub(crate) in_flight: Arc<InFlightGuard>,
    /// The slot that was taken for it, where the account has a rate.
    pub(crate) slot: Option<SendSlot>,
    /// And where each domain has one: its own domain's.
    pub(crate) domain: Option<(String, SendSlot)>,
}

/// A message ready for the wire.
#[derive(Debug)]
pub(crate) struct BuiltMessage {
    pub(crate) to: EmailAddress,
    pub(crate) bytes: Vec<u8>,
}

impl Job {
    /// When it may go, where its domain has a rate.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (_, of_domain) = self.domain.as_ref()?;
        Some(self.slot.map_or(of_domain.at(), |slot| slot.at().max(of_domain.at())))
    }

    pub(crate) fn token(&self) -> LeaseToken {
        LeaseToken {
            id: self.row.id,
            epoch: self.row.epoch,
        }
    }

    pub(crate) fn tried(&self) -> Tried {
        Tried {
            send: self.row.send_id,
            token: self.token(),
        }
    }

    /// The exact bytes of this person's message, or why there are none. A poisoned row fails
    /// alone, even if it breaks what builds it: tried again, it would break that again, for ever.
    pub(crate) fn build(&self, base_url: &str, now: DateTime<Utc>) -> Result<BuiltMessage, String> {
        catch_unwind(AssertUnwindSafe(|| self.build_or_break(base_url, now))).unwrap_or_else(|_| {
            tracing::error!(message.id = self.row.id, "building a message broke");
            Err("The message could not be built.".to_owned())
        })
    }

    fn build_or_break(&self, base_url: &str, now: DateTime<Utc>) -> Result<BuiltMessage, String> {
        hit(Point::Building);
        let row = &self.row;
        let address = row.address.as_deref().unwrap_or_default();
        let to = EmailAddress::parse(address).map_err(|problem| problem.to_string())?;
        let url = unsubscribe_url(base_url, &row.unsubscribe_token);
        let anniversary = anniversary_words(
            &self.prepared.send,
            self.prepared.zone,
            row.anniversary_month,
            row.anniversary_day,
        );
        let addressee = Addressee {
            message_id: row.id,
            installation: &row.installation,
            name: &row.name,
            address: &to,
            // What is taken only once must be the same on every attempt.
            date: match self.provider {
                Some(provider) if provider.is_idempotent() => self.prepared.send.started_at,
                _ => now,
            },
            person: Person {
                first_name: &row.first_name,
                last_name: &row.last_name,
                next_anniversary: &anniversary,
                unsubscribe_url: &url,
            },
        };
        let mut bytes = Vec::new();
        if let Some(field) = self.provider.and_then(Provider::id_field) {
            write_id(field, row.id, &row.installation, &mut bytes);
        }
        self.prepared
            .prepared
            .write(&addressee, &mut bytes)
            .map_err(|problem| problem.to_string())?;
        Ok(BuiltMessage { to, bytes })
    }

    /// The subject as this person sees it.
    pub(crate) fn subject(&self) -> String {
        let anniversary = anniversary_words(
            &self.prepared.send,
            self.prepared.zone,
            self.row.anniversary_month,
            self.row.anniversary_day,
        );
        self.prepared.prepared.compiled().subject_for(&Person {
            first_name: &self.row.first_name,
            last_name: &self.row.last_name,
            next_anniversary: &anniversary,
            unsubscribe_url: "",
        })
    }
}

/// The sends in work, compiled.
#[derive(Debug, Default)]
pub(crate) struct PreparedCache {
    sends: HashMap<i64, Arc<PreparedSend>>,
}

impl PreparedCache {
    /// The compiled send, if it is here.
    pub(crate) fn get(&self, send: i64) -> Option<Arc<PreparedSend>> {
        self.sends.get(&send).map(Arc::clone)
    }

    /// Compiles a send. A failure is the message's own: no database is asked, and what breaks
    /// would break again.
    pub(crate) fn add(&mut self, send: &SendRecord, store: &Store) -> Result<Arc<PreparedSend>, AppError> {
        let loaded = catch_unwind(AssertUnwindSafe(|| PreparedSend::of(send, store)))
            .unwrap_or_else(|_| Err(AppError::internal(&format!("preparing send {} broke", send.id))))?;
        let prepared = Arc::new(loaded);
        self.sends.insert(send.id, Arc::clone(&prepared));
        Ok(prepared)
    }

    /// Makes room: forgets whatever is not worked on now.
    pub(crate) fn retain(&mut self, open: &[SendRecord]) {
        if self.sends.len() > MOST_LOADED {
            self.sends.retain(|id, _| open.iter().any(|send| send.id == *id));
        }
    }
}
