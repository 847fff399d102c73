//! What a run is dealt, and what it therefore has to show. Both are known before it begins: a run asks
//! of itself nothing that its deal does not hold with room to spare, for a few of what is dealt come to
//! nothing.

use std::collections::BTreeMap;

use loupe::db::Backend;

use super::{actions, faults};

/// So often is enough of anything.
pub const OFTEN: u64 = 5;

/// How often each thing is dealt.
pub type Dealt = BTreeMap<&'static str, u64>;

/// What so many rounds on a database are dealt, from this seed on; whether a PostgreSQL is ours to stop.
pub fn dealt(backend: Backend, can_stop: bool, seed: u64, rounds: u64) -> Dealt {
    let mut dealt = Dealt::new();
    for seed in seed..seed.saturating_add(rounds) {
        let actions = actions::hand(backend, can_stop, seed)
            .into_iter()
            .map(actions::Action::name);
        for name in actions.chain(faults::of_round(seed)) {
            *dealt.entry(name).or_default() += 1;
        }
    }
    dealt
}

/// Two deals as one.
pub fn together<'a>(deals: impl IntoIterator<Item = &'a Dealt>) -> Dealt {
    let mut all = Dealt::new();
    for (name, times) in deals.into_iter().flatten() {
        *all.entry(*name).or_default() += *times;
    }
    all
}

/// How often a thing has to happen that is dealt so often.
pub fn demanded(dealt: u64) -> u64 {
    OFTEN.min(dealt * 3 / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT_ROUNDS: u64 = 20;

    #[test]
    fn every_default_deal_holds_what_it_asks_of_itself_whatever_the_seed() {
        for seed in (0..3_000).chain(796_052_000..796_053_000) {
            let sqlite = dealt(Backend::Sqlite, false, seed, DEFAULT_ROUNDS);
            let postgres = dealt(Backend::Postgres, true, seed, DEFAULT_ROUNDS);
            let all = together([&sqlite, &postgres]);
            let actions = actions::all(Backend::Sqlite, false)
                .into_iter()
                .chain(actions::all(Backend::Postgres, true));
            for name in faults::names().chain(actions.map(actions::Action::name)) {
                let times = all.get(name).copied().unwrap_or(0);
                assert_eq!(demanded(times), OFTEN, "seed {seed}: {name} is dealt {times} times");
                assert!(
                    times >= OFTEN + 2,
                    "seed {seed}: no room for any that comes to nothing: {name}, {times}"
                );
            }
        }
    }

    #[test]
    fn a_shorter_run_asks_less_than_it_is_dealt() {
        for rounds in 1..DEFAULT_ROUNDS {
            let dealt = dealt(Backend::Sqlite, false, 796_052_894, rounds);
            assert!(dealt.values().all(|times| demanded(*times) < *times), "{rounds}");
        }
    }
}
