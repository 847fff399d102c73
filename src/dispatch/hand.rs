//! What this process has in hand: the leases it keeps alive. A message that is dropped on the
//! way, for whatever reason, leaves the hand by itself; its lease runs out and the message is
//! taken up again, by us or by another instance.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::store::Ticket;

/// See the module. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hand {
    held: Arc<Mutex<HashMap<Ticket, Held>>>,
}

#[derive(Debug)]
struct Held {
    send: i64,
    times: usize,
}

/// A message in hand, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Hold {
    hand: Hand,
    ticket: Ticket,
}

impl Hand {
    /// Takes a message of a send in hand.
    pub(crate) fn take(&self, ticket: Ticket, send: i64) -> Arc<Hold> {
        self.lock().entry(ticket).or_insert(Held { send, times: 0 }).times += 1;
        Arc::new(Hold {
            hand: self.clone(),
            ticket,
        })
    }

    /// Everything in hand now.
    pub(crate) fn tickets(&self) -> Vec<Ticket> {
        self.lock().keys().copied().collect()
    }

    /// Whether nothing is in hand.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether this lease of a message is in hand.
    pub(crate) fn has(&self, ticket: Ticket) -> bool {
        self.lock().contains_key(&ticket)
    }

    /// Whether something of this send is in hand.
    pub(crate) fn has_any_of(&self, send: i64) -> bool {
        self.lock().values().any(|held| held.send == send)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ticket, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.hand.lock();
        if let Some(one) = held.get_mut(&self.ticket) {
            one.times -= 1;
            if one.times == 0 {
                held.remove(&self.ticket);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_not_in_hand_any_more() {
        let hand = Hand::default();
        let [one, other] = [1, 2].map(|id| hand.take(Ticket { id, epoch: 1 }, 7));
        assert!(hand.has_any_of(7) && !hand.has_any_of(8));
        let again = Arc::clone(&one);
        drop((one, other));
        assert_eq!(hand.tickets(), [Ticket { id: 1, epoch: 1 }]);
        drop(again);
        assert!(hand.tickets().is_empty() && hand.is_empty());
    }
}
