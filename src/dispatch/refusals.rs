//! Permanent refusals: one person's, or everybody's. What the mail server says of our account or our
//! address is nobody's own. What is unclear is one person's, until several people running hear the
//! same: then it was everybody's from the first of them, and they go back to the queue. That is
//! safe: a message that was refused was not taken.
//!
//! A message is spared so only until somebody else has got through: refused again after that, it is
//! its own fault. Where the words are about the account it has to be the only one, and several times:
//! a quota of so many an hour lets somebody through now and then. So no single message stops an
//! account for ever.

use std::collections::{HashMap, HashSet, VecDeque};

use super::circuit_breaker::{Trip, sentence, without_addresses};
use crate::{channels::email::smtp::Scope, messages::queries::leases::LeaseToken};

/// So many people of a send in a row, of whom some have been reached before, do not hear the same by
/// chance, though a fifth of the addresses be dead.
pub(crate) const MOST_REFUSED: u32 = 10;
/// The same for a send of which nobody has been reached.
pub(crate) const MOST_REFUSED_AT_FIRST: u32 = 3;

/// So many of those who have heard the same before are put back with the others.
const MOST_OWED: usize = 20;

/// So often a message is believed that it is the account, while it is the only one. The pauses in
/// between grow: it takes some minutes.
const MOST_SPARED: u32 = 6;

/// Which message of which send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) send: i64,
    pub(crate) token: LeaseToken,
}

/// What a refusal means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is this person's: the provider works.
    Own,
    /// It is nobody's own.
    Everybodys(Trip),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// By send: who heard the same, one after the other.
    streaks: HashMap<i64, Streak>,
    /// Sends of which somebody was reached.
    reached: HashSet<i64>,
    /// By message: those that were not blamed for a refusal.
    spared: HashMap<i64, Spared>,
    /// Written down as refused, and to be put back.
    owed: Vec<Tried>,
}

#[derive(Debug, Default)]
struct Streak {
    said: String,
    /// In a row.
    times: u32,
    /// The last who heard it, those before the row too: of what is under way at the same time, one
    /// answer overtakes another.
    people: VecDeque<LeaseToken>,
}

#[derive(Clone, Copy, Debug)]
struct Spared {
    send: i64,
    /// Since another one was.
    times: u32,
    /// The whole account was blamed, not this send.
    of_account: bool,
    /// The trouble it was part of has been dealt with: who gets through now was begun after it.
    is_past: bool,
    /// Somebody else has got through since.
    is_proven: bool,
}

impl Spared {
    fn has_had_its_chance(&self) -> bool {
        self.is_proven && (!self.of_account || self.times >= MOST_SPARED)
    }
}

impl Refusals {
    /// A message was taken.
    pub(crate) fn accepted(&mut self, tried: Tried) {
        if let Some(streak) = self.streaks.get_mut(&tried.send) {
            streak.times = 0;
        }
        self.reached.insert(tried.send);
        if self.spared.is_empty() {
            return;
        }
        self.spared.remove(&tried.token.id);
        for spared in self.spared.values_mut() {
            spared.is_proven |= spared.is_past && (spared.of_account || spared.send == tried.send);
        }
    }

    /// A message was refused for good. After trouble, an answer about one recipient ends a streak:
    /// it shows that the server looks at recipients again.
    pub(crate) fn refused(&mut self, tried: Tried, reply: &str, after_trouble: bool) -> Meaning {
        if self.spared.get(&tried.token.id).is_some_and(Spared::has_had_its_chance) {
            self.spared.remove(&tried.token.id);
            return Meaning::Own;
        }
        match Scope::of(reply) {
            Scope::Account | Scope::Connection => {
                self.is_not_the_only_one(tried);
                self.spare(tried, true);
                Meaning::Everybodys(Trip::Pause(words("the mail server stops our account", reply)))
            }
            Scope::Sender => {
                self.spare(tried, false);
                let words = words("the mail server does not take our sender address", reply);
                Meaning::Everybodys(Trip::PauseSend {
                    send: tried.send,
                    words,
                })
            }
            Scope::Recipient => {
                if after_trouble {
                    self.streaks.remove(&tried.send);
                }
                Meaning::Own
            }
            Scope::Unclear => self.one_more(tried, reply),
        }
    }

    fn one_more(&mut self, tried: Tried, reply: &str) -> Meaning {
        let most = self.most(tried.send);
        let streak = self.streaks.entry(tried.send).or_default();
        let said = said_to_anybody(reply);
        if streak.said != said {
            *streak = Streak {
                said,
                ..Streak::default()
            };
        }
        streak.times += 1;
        if streak.times < most {
            streak.people.push_back(tried.token);
            if streak.people.len() > MOST_OWED {
                streak.people.pop_front();
            }
            return Meaning::Own;
        }
        let people = std::mem::take(&mut streak.people);
        for token in people {
            let tried = Tried { token, ..tried };
            self.spare(tried, false);
            self.owed.push(tried);
        }
        self.spare(tried, false);
        let words = words("the mail server refuses everybody", reply);
        Meaning::Everybodys(Trip::PauseSend {
            send: tried.send,
            words,
        })
    }

    fn most(&self, send: i64) -> u32 {
        match self.reached.contains(&send) {
            true => MOST_REFUSED,
            false => MOST_REFUSED_AT_FIRST,
        }
    }

    /// Whoever was spared because of the account has company.
    fn is_not_the_only_one(&mut self, tried: Tried) {
        for (message, spared) in &mut self.spared {
            if spared.of_account && *message != tried.token.id {
                spared.times = 1;
                spared.is_proven = false;
            }
        }
    }

    fn spare(&mut self, tried: Tried, of_account: bool) {
        let spared = self.spared.entry(tried.token.id).or_insert(Spared {
            send: tried.send,
            times: 0,
            of_account,
            is_past: false,
            is_proven: false,
        });
        spared.times += 1;
        spared.of_account = of_account;
        spared.is_past = false;
    }

    /// The same for what was begun before the last trouble was dealt with: it opens no new trouble.
    /// Whether it is nobody's own.
    pub(crate) fn is_everybodys(&mut self, tried: Tried, reply: &str) -> bool {
        if self.spared.get(&tried.token.id).is_some_and(Spared::has_had_its_chance) {
            return false;
        }
        let of_account = match Scope::of(reply) {
            Scope::Account | Scope::Connection => true,
            Scope::Sender => false,
            Scope::Recipient => return false,
            Scope::Unclear => {
                let said = said_to_anybody(reply);
                let is_the_same = self.streaks.get(&tried.send).is_some_and(|streak| streak.said == said);
                if !is_the_same || !self.is_at_the_brink(tried.send) {
                    return false;
                }
                false
            }
        };
        self.spare(tried, of_account);
        true
    }

    /// The sends have been told. The same answer again would be the same trouble; another is an answer
    /// like any.
    pub(crate) fn reset(&mut self) {
        for spared in self.spared.values_mut() {
            spared.is_past = true;
        }
        let reached = &self.reached;
        for (send, streak) in &mut self.streaks {
            let most = match reached.contains(send) {
                true => MOST_REFUSED,
                false => MOST_REFUSED_AT_FIRST,
            };
            streak.times = streak.times.min(most - 1);
        }
    }

    /// Whether one more person who hears the same makes it everybody's.
    pub(crate) fn is_at_the_brink(&self, send: i64) -> bool {
        let most = self.most(send);
        self.streaks.get(&send).is_some_and(|streak| streak.times >= most - 1)
    }

    /// Those who are to be put back.
    pub(crate) fn owed(&self) -> &[Tried] {
        &self.owed
    }

    /// They have been put back.
    pub(crate) fn put_back(&mut self, these: &[LeaseToken]) {
        self.owed.retain(|tried| !these.contains(&tried.token));
    }

    /// A send has ended.
    pub(crate) fn forget(&mut self, send: i64) {
        self.streaks.remove(&send);
        self.reached.remove(&send);
        self.spared.retain(|_, spared| spared.send != send);
        self.owed.retain(|tried| tried.send != send);
    }
}

/// An answer without what differs from one recipient to the next: addresses, numbers, ids.
fn said_to_anybody(reply: &str) -> String {
    let mut words = reply.split_whitespace();
    let code = words.next().unwrap_or_default();
    let differs = |word: &&str| word.contains('@') || word.contains(|c: char| c.is_ascii_digit());
    let same: Vec<&str> = words.filter(|word| !differs(word)).collect();
    format!("{code} {}", same.join(" "))
}

fn words(what: &str, reply: &str) -> String {
    sentence(&format!("{what}: {}", without_addresses(reply)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEND: i64 = 1;

    fn message(id: i64) -> Tried {
        Tried {
            send: SEND,
            token: LeaseToken { id, epoch: 1 },
        }
    }

    fn relay(id: i64) -> String {
        format!("554 5.7.1 <p{id}@example.com>: Relay access denied (id {id})")
    }

    fn is_send_paused(meaning: &Meaning) -> bool {
        matches!(meaning, Meaning::Everybodys(Trip::PauseSend { send: SEND, .. }))
    }

    #[test]
    fn an_account_is_blamed_at_once_until_a_message_has_had_its_chance() {
        let mut refusals = Refusals::default();
        let quota = "550 5.4.5 Daily user sending quota exceeded";
        let Meaning::Everybodys(Trip::Pause(words)) = refusals.refused(message(1), quota, false) else {
            panic!("it is the account's")
        };
        assert_eq!(
            words,
            "The mail server stops our account: 550 5.4.5 Daily user sending quota exceeded."
        );
        // Still so: nobody has got through.
        assert!(matches!(
            refusals.refused(message(1), quota, true),
            Meaning::Everybodys(_)
        ));
        let other = Tried {
            send: SEND + 1,
            ..message(2)
        };
        // It was under way at the same time, and says nothing.
        refusals.accepted(other);
        assert!(refusals.is_everybodys(message(1), quota));
        refusals.reset();
        refusals.accepted(other);
        for _ in 3..MOST_SPARED {
            let again = refusals.refused(message(1), quota, false);
            assert!(matches!(again, Meaning::Everybodys(_)));
            refusals.reset();
        }
        assert_eq!(refusals.refused(message(1), quota, false), Meaning::Own);
        assert!(
            matches!(refusals.refused(message(3), quota, false), Meaning::Everybodys(_)),
            "another one is spared"
        );
    }

    #[test]
    fn a_quota_that_lets_somebody_through_now_and_then_is_still_the_accounts() {
        let mut refusals = Refusals::default();
        let quota = "550 Domain example.com has exceeded the max emails per hour";
        for n in 0..100 {
            for id in [1, 2] {
                let meaning = refusals.refused(message(id), quota, false);
                assert!(matches!(meaning, Meaning::Everybodys(_)), "{id}, {n}");
                refusals.reset();
            }
            refusals.accepted(message(100 + n));
        }
    }

    #[test]
    fn the_first_who_all_hear_the_same_are_owed_another_try() {
        let mut refusals = Refusals::default();
        let first = i64::from(MOST_REFUSED_AT_FIRST);
        for id in 1..first {
            assert_eq!(refusals.refused(message(id), &relay(id), false), Meaning::Own);
        }
        assert!(refusals.is_at_the_brink(SEND) && refusals.owed().is_empty());
        assert!(is_send_paused(&refusals.refused(message(first), &relay(first), false)));
        let owed: Vec<i64> = refusals.owed().iter().map(|tried| tried.token.id).collect();
        assert_eq!(owed, (1..first).collect::<Vec<_>>(), "the last is not written down");
        refusals.put_back(&[message(1).token]);
        assert_eq!(refusals.owed().len(), owed.len() - 1);
        refusals.forget(SEND);
        assert!(refusals.owed().is_empty());
    }

    #[test]
    fn somebody_who_got_through_ends_a_streak_and_dead_mailboxes_do_not() {
        let mut refusals = Refusals::default();
        refusals.accepted(message(0));
        let most = i64::from(MOST_REFUSED);
        for id in 1..most {
            assert_eq!(refusals.refused(message(id), &relay(id), false), Meaning::Own);
            let dead = refusals.refused(message(1000 + id), "550 5.1.1 No such user", false);
            assert_eq!(dead, Meaning::Own);
        }
        assert!(refusals.is_at_the_brink(SEND));
        // Its answer came late.
        refusals.accepted(message(2000));
        assert!(!refusals.is_at_the_brink(SEND));
        for id in most..2 * most - 1 {
            assert_eq!(refusals.refused(message(id), &relay(id), false), Meaning::Own);
        }
        assert!(is_send_paused(&refusals.refused(message(100), &relay(100), false)));
        let owed: Vec<i64> = refusals.owed().iter().map(|tried| tried.token.id).collect();
        assert_eq!(owed, (1..2 * most - 1).collect::<Vec<_>>());

        // The one that goes first hears the same; then somebody gets through, and they are believed.
        refusals.reset();
        assert!(is_send_paused(&refusals.refused(message(5), &relay(5), true)));
        refusals.reset();
        refusals.accepted(message(200));
        for id in 1..=most {
            assert_eq!(refusals.refused(message(id), &relay(id), false), Meaning::Own);
        }
        assert!(!refusals.is_at_the_brink(SEND), "they do not count again");
    }
}
