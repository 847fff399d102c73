//! What happened, added up.

use std::collections::BTreeMap;

use super::{
    oracle::Verdict,
    plan::{self, Dealt},
};

/// How campaigns end.
pub const SENT: &str = "campaigns sent";
pub const NOBODY_LEFT: &str = "campaigns given back with nobody left to go to";

pub const STOPPED: &str = "campaigns stopped for good";

/// Rounds in which no second may have more than so many messages.
pub const WITH_A_RATE: &str = "rounds with a rate of the mail account";

/// Counted over rounds.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    pub rounds: u64,
    pub kills: u64,
    /// Kills that left a row `attempting`.
    pub kills_attempting: u64,
    /// Everything we did, by name.
    pub done: BTreeMap<&'static str, u64>,
    pub verdict: Verdict,
    /// Starts it took beyond the first, because trouble had given a campaign back.
    pub pressed_again: u64,
}

impl Totals {
    pub fn did(&mut self, what: &'static str) {
        self.did_times(what, 1);
    }

    pub fn did_times(&mut self, what: &'static str, times: u64) {
        *self.done.entry(what).or_default() += times;
    }

    /// How often something was done.
    pub fn times(&self, what: &str) -> u64 {
        self.done.get(what).copied().unwrap_or(0)
    }

    pub fn wrong(&mut self, words: String) {
        self.verdict.wrong.push(words);
    }

    pub fn add(&mut self, other: &Totals) {
        self.rounds += other.rounds;
        self.kills += other.kills;
        self.kills_attempting += other.kills_attempting;
        self.pressed_again += other.pressed_again;
        for (what, times) in &other.done {
            *self.done.entry(what).or_default() += times;
        }
        self.verdict.add(&other.verdict);
    }
}

/// From so many rounds on everything has to happen: on all databases together, and on each of them when it
/// has had as many rounds as make chance fair.
const WHOLE: u64 = 20;
const FAIR: u64 = 50;

/// One database: its name, what came of it, and what it was dealt.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: &'static str,
    pub totals: Totals,
    pub dealt: Dealt,
}

/// Why a run proves nothing: it was too idle.
pub fn idle(all: &Totals, columns: &[Column]) -> Vec<String> {
    let mut why = idle_in(all, &plan::together(columns.iter().map(|c| &c.dealt)));
    for column in columns.iter().filter(|c| c.totals.rounds >= FAIR) {
        let here = idle_in(&column.totals, &column.dealt);
        why.extend(here.into_iter().map(|words| format!("{}: {words}", column.name)));
    }
    why
}

/// A few rounds are too few for chance to be fair: a quarter of their kills has to hit, of a whole
/// run a half.
fn idle_in(totals: &Totals, dealt: &Dealt) -> Vec<String> {
    let mut why = Vec::new();
    let is_whole = totals.rounds >= WHOLE;
    let share = if is_whole { 2 } else { 4 };
    if totals.kills == 0 || totals.kills_attempting * share < totals.kills {
        why.push(format!(
            "only {} of {} kills hit a message that was being attempted",
            totals.kills_attempting, totals.kills
        ));
    }
    if totals.verdict.accepted == 0 {
        why.push("nothing was sent".to_owned());
    }
    for (name, dealt) in dealt.iter().filter(|_| is_whole) {
        let (times, often) = (totals.times(name), plan::demanded(*dealt));
        if times < often {
            why.push(format!("{name}: {times} times, {often} were to be"));
        }
    }
    why
}

/// Side by side.
pub fn table(columns: &[Column]) -> String {
    type Cell = Box<dyn Fn(&Totals) -> u64>;
    let mut rows: Vec<(String, Cell)> = vec![
        ("rounds".into(), Box::new(|t| t.rounds)),
        ("kill -9".into(), Box::new(|t| t.kills)),
        (
            "  while a message was being attempted".into(),
            Box::new(|t| t.kills_attempting),
        ),
    ];
    let mut names: Vec<&'static str> = columns.iter().flat_map(|c| c.totals.done.keys().copied()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        rows.push((name.to_owned(), Box::new(move |t| t.times(name))));
    }
    let more: [(&str, Cell); 15] = [
        (
            "given back to its people, and sent again by them",
            Box::new(|t| t.pressed_again),
        ),
        ("messages", Box::new(|t| t.verdict.messages)),
        ("  accepted", Box::new(|t| t.verdict.accepted)),
        ("  refused", Box::new(|t| t.verdict.refused)),
        (
            "  not sent: given back, stopped or undone",
            Box::new(|t| t.verdict.cancelled),
        ),
        ("  unknown after a crash", Box::new(|t| t.verdict.unknown_after_crash)),
        (
            "  unknown: the server took it and did not answer",
            Box::new(|t| t.verdict.unknown_unanswered),
        ),
        ("    of the unknown, arrived", Box::new(|t| t.verdict.unknown_arrived)),
        (
            "  treated as sent by a person: nobody had answered",
            Box::new(|t| t.verdict.treated),
        ),
        ("    of these, arrived", Box::new(|t| t.verdict.treated_arrived)),
        (
            "second copies that a person asked for",
            Box::new(|t| t.verdict.asked_for_again),
        ),
        (
            "at the mail server: accepted, and those that arrived",
            Box::new(|t| t.verdict.arrived),
        ),
        ("doubles", Box::new(|t| t.verdict.doubles)),
        ("lost", Box::new(|t| t.verdict.lost)),
        ("broken promises", Box::new(|t| t.verdict.wrong.len() as u64)),
    ];
    rows.extend(more.map(|(name, cell)| (name.to_owned(), cell)));
    let mut text = format!("{:<56}", "");
    for column in columns {
        text.push_str(&format!("{:>12}", column.name));
    }
    for (name, cell) in &rows {
        text.push_str(&format!("\n{name:<56}"));
        for column in columns {
            text.push_str(&format!("{:>12}", cell(&column.totals)));
        }
    }
    text
}

/// One line of everything.
pub fn line(all: &Totals) -> String {
    let v = &all.verdict;
    format!(
        "{} rounds, {} kills ({} while attempting), {} messages: {} accepted, {} refused, {} unknown ({} of them \
         arrived), {} at the mail server, {} doubles, {} lost, {} broken promises",
        all.rounds,
        all.kills,
        all.kills_attempting,
        v.messages,
        v.accepted,
        v.refused,
        v.unknown_after_crash + v.unknown_unanswered,
        v.unknown_arrived,
        v.arrived,
        v.doubles,
        v.lost,
        v.wrong.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &'static str, rounds: u64, times: u64) -> Column {
        let mut totals = Totals {
            rounds,
            kills: 10,
            kills_attempting: 8,
            ..Totals::default()
        };
        totals.verdict.accepted = 100;
        totals.did_times("slow dot", times);
        Column {
            name,
            totals,
            dealt: Dealt::from([("slow dot", rounds)]),
        }
    }

    fn why(columns: &[Column]) -> Vec<String> {
        let mut all = Totals::default();
        for column in columns {
            all.add(&column.totals);
        }
        idle(&all, columns)
    }

    #[test]
    fn in_a_long_run_everything_happens_on_each_database() {
        let words = ["PostgreSQL: slow dot: 4 times, 5 were to be"];
        assert_eq!(why(&[column("SQLite", 100, 9), column("PostgreSQL", 100, 4)]), words);
        assert_eq!(
            why(&[column("SQLite", 100, 9), column("PostgreSQL", 100, 5)]),
            Vec::<String>::new()
        );
        assert_eq!(
            why(&[column("SQLite", 20, 4), column("PostgreSQL", 20, 1)]),
            Vec::<String>::new(),
            "together they do"
        );
        assert_eq!(why(&[column("SQLite", 20, 2), column("PostgreSQL", 20, 2)]).len(), 1);
    }
}
