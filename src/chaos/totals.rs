//! What happened, added up.

use std::collections::BTreeMap;

use super::oracle::Verdict;

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
    /// Starts it took, beyond the first, because the mail server was away too long.
    pub pressed_again: u64,
}

impl Totals {
    pub fn did(&mut self, what: &'static str) {
        self.did_times(what, 1);
    }

    pub fn did_times(&mut self, what: &'static str, times: u64) {
        *self.done.entry(what).or_default() += times;
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

/// Side by side.
pub fn table(columns: &[(&str, &Totals)]) -> String {
    type Cell = Box<dyn Fn(&Totals) -> u64>;
    let mut rows: Vec<(String, Cell)> = vec![
        ("rounds".into(), Box::new(|t| t.rounds)),
        ("kill -9".into(), Box::new(|t| t.kills)),
        (
            "  while a message was being attempted".into(),
            Box::new(|t| t.kills_attempting),
        ),
    ];
    let mut names: Vec<&'static str> = columns.iter().flat_map(|(_, t)| t.done.keys().copied()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        rows.push((
            name.to_owned(),
            Box::new(move |t| t.done.get(name).copied().unwrap_or(0)),
        ));
    }
    let more: [(&str, Cell); 11] = [
        (
            "started again after the mail server was away",
            Box::new(|t| t.pressed_again),
        ),
        ("messages", Box::new(|t| t.verdict.messages)),
        ("  accepted", Box::new(|t| t.verdict.accepted)),
        ("  refused", Box::new(|t| t.verdict.refused)),
        ("  not sent, given back, sent later", Box::new(|t| t.verdict.cancelled)),
        ("  unknown after a crash", Box::new(|t| t.verdict.unknown_after_crash)),
        (
            "  unknown: the server took it and did not answer",
            Box::new(|t| t.verdict.unknown_unanswered),
        ),
        ("    of the unknown, arrived", Box::new(|t| t.verdict.unknown_arrived)),
        ("doubles", Box::new(|t| t.verdict.doubles)),
        ("lost", Box::new(|t| t.verdict.lost)),
        ("broken promises", Box::new(|t| t.verdict.wrong.len() as u64)),
    ];
    rows.extend(more.map(|(name, cell)| (name.to_owned(), cell)));
    let mut text = format!("{:<52}", "");
    for (name, _) in columns {
        text.push_str(&format!("{name:>12}"));
    }
    for (name, cell) in &rows {
        text.push_str(&format!("\n{name:<52}"));
        for (_, totals) in columns {
            text.push_str(&format!("{:>12}", cell(totals)));
        }
    }
    text
}

/// One line of everything.
pub fn line(all: &Totals) -> String {
    let v = &all.verdict;
    format!(
        "{} rounds, {} kills ({} while attempting), {} messages: {} accepted, {} refused, {} unknown ({} of them \
         arrived), {} doubles, {} lost, {} broken promises",
        all.rounds,
        all.kills,
        all.kills_attempting,
        v.messages,
        v.accepted,
        v.refused,
        v.unknown_after_crash + v.unknown_unanswered,
        v.unknown_arrived,
        v.doubles,
        v.lost,
        v.wrong.len()
    )
}
