//! What this process has in hand: the leases it keeps alive. A message that is dropped on the
//! way, for whatever reason, leaves the hand by itself; its lease runs out and the message is
//! taken up again, by us or by another instance.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::messages::queries::leases::LeaseToken;

/// See the module. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight {
    held: Arc<Mutex<HashMap<LeaseToken, InFlightEntry>>>,
}

#[derive(Debug)]
struct InFlightEntry {
    send: i64,
    times: usize,
}

/// A message in hand, for as long as this lives.
#[derive(Debug)]
pub(crate) struct InFlightGuard {
    in_flight: InFlight,
    token: LeaseToken,
}

impl InFlight {
    /// Takes a message of a send in hand.
    pub(crate) fn take(&self, token: LeaseToken, send: i64) -> Arc<InFlightGuard> {
        self.lock()
            .entry(token)
            .or_insert(InFlightEntry { send, times: 0 })
            .times += 1;
        Arc::new(InFlightGuard {
            in_flight: self.clone(),
            token,
        })
    }

    /// Everything in hand now.
    pub(crate) fn tokens(&self) -> Vec<LeaseToken> {
        self.lock().keys().copied().collect()
    }

    /// Whether nothing is in hand.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether this lease of a message is in hand.
    pub(crate) fn has(&self, token: LeaseToken) -> bool {
        self.lock().contains_key(&token)
    }

    /// Whether something of this send is in hand.
    pub(crate) fn has_any_of(&self, send: i64) -> bool {
        self.lock().values().any(|held| held.send == send)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LeaseToken, InFlightEntry>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let mut held = self.in_flight.lock();
        if let Some(one) = held.get_mut(&self.token) {
            one.times -= 1;
            if one.times == 0 {
                held.remove(&self.token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_not_in_hand_any_more() {
        let in_flight = InFlight::default();
        let [one, other] = [1, 2].map(|id| in_flight.take(LeaseToken { id, epoch: 1 }, 7));
        assert!(in_flight.has_any_of(7) && !in_flight.has_any_of(8));
        let again = Arc::clone(&one);
        drop((one, other));
        assert_eq!(in_flight.tokens(), [LeaseToken { id: 1, epoch: 1 }]);
        drop(again);
        assert!(in_flight.tokens().is_empty() && in_flight.is_empty());
    }
}
