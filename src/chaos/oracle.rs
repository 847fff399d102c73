//! What has to hold when everything is over, from two sides that know nothing of each other: the
//! rows, and what the mail server has. Shared with the tests.

use std::collections::{BTreeMap, HashMap, HashSet};

use loupe::{db::Db, ids::StoreId, messages, on_db};

/// A whole message the mail server got.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// With its brackets.
    pub message_id: String,
    pub recipient: String,
    /// What it was answered; 0 when it was kept without an answer.
    pub answered: u16,
}

/// The numbers of one look.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Rows that were to be sent.
    pub messages: u64,
    pub accepted: u64,
    /// Rejected or failed.
    pub refused: u64,
    pub cancelled: u64,
    /// Found `attempting` with nobody working on it.
    pub unknown_after_crash: u64,
    /// The mail server took content and did not answer.
    pub unknown_unanswered: u64,
    /// Of both kinds, those the mail server has.
    pub unknown_arrived: u64,
    /// Never answered, and counted as sent because a person, or time, said so.
    pub treated: u64,
    /// Of these, those the mail server has.
    pub treated_arrived: u64,
    /// Second copies, to people whose first was never answered, because a person asked for them.
    pub asked_for_again: u64,
    /// What the mail server has: copies too.
    pub arrived: u64,
    /// Copies beyond the first.
    pub doubles: u64,
    /// People without a message and without a reason.
    pub lost: u64,
    /// Everything that is not as promised, in words.
    pub wrong: Vec<String>,
}

impl Verdict {
    pub fn add(&mut self, other: &Verdict) {
        self.messages += other.messages;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.cancelled += other.cancelled;
        self.unknown_after_crash += other.unknown_after_crash;
        self.unknown_unanswered += other.unknown_unanswered;
        self.unknown_arrived += other.unknown_arrived;
        self.treated += other.treated;
        self.treated_arrived += other.treated_arrived;
        self.asked_for_again += other.asked_for_again;
        self.arrived += other.arrived;
        self.doubles += other.doubles;
        self.lost += other.lost;
        self.wrong.extend(other.wrong.iter().cloned());
    }
}

#[derive(Clone, Debug, sqlx::FromRow)]
struct Row {
    id: i64,
    send_id: i64,
    campaign_id: Option<i64>,
    of_send: Option<i64>,
    kind: String,
    customer_id: i64,
    addr_norm: Option<String>,
    state: String,
    resolution: Option<String>,
    skip_reason: Option<String>,
    reply: Option<String>,
}

#[derive(Clone, Debug, sqlx::FromRow)]
struct Campaign {
    id: i64,
    status: String,
    sent_count: Option<i64>,
    failed_count: Option<i64>,
}

/// What somebody is to get once, however many sends bring it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Matter {
    Campaign(i64),
    /// Without a campaign, or a correction: by its first send.
    Send(i64),
}

/// Looks at both sides. Every send has to have ended. Of the campaigns in `given_up` people have
/// said that they go no further: the rest of their customers is owed nothing.
pub async fn examine(db: &Db, store: StoreId, arrived: &[Arrived], given_up: &HashSet<i64>) -> sqlx::Result<Verdict> {
    let rows: Vec<Row> = on_db!(db, |pool| {
        sqlx::query_as(
        "select m.id, m.send_id, s.campaign_id, s.of_send, s.kind, m.customer_id, m.addr_norm, m.state, m.resolution,
                m.skip_reason, m.reply
           from messages m join sends s on s.id = m.send_id where m.store_id = $1 order by m.id"
    )
    .bind(store)
    .fetch_all(pool)
    .await
    })?;
    let mut verdict = Verdict::default();
    compare_copies(&rows, arrived, &mut verdict);
    if verdict.arrived != verdict.accepted + verdict.unknown_arrived + verdict.treated_arrived {
        verdict.wrong.push(format!(
            "{} arrived, {} are accepted, {} unknown ones and {} treated as sent arrived",
            verdict.arrived, verdict.accepted, verdict.unknown_arrived, verdict.treated_arrived
        ));
    }
    second_copies_were_asked_for(&rows, &mut verdict);
    look_for_the_lost(&rows, given_up, &mut verdict);
    compare_counts(db, store, &rows, &mut verdict).await?;
    compare_contacts(db, store, &mut verdict).await?;
    Ok(verdict)
}

/// Whether the server has the message, whatever it said.
fn is_taken(arrived: &&Arrived) -> bool {
    matches!(arrived.answered, 0 | 250)
}

/// The row a Message-ID belongs to: `<row.installation@domain>`.
fn row_of(message_id: &str) -> Option<i64> {
    message_id.strip_prefix('<')?.split('.').next()?.parse().ok()
}

fn compare_copies(rows: &[Row], arrived: &[Arrived], verdict: &mut Verdict) {
    let mut copies: HashMap<i64, u64> = HashMap::new();
    for message in arrived.iter().filter(is_taken) {
        match row_of(&message.message_id) {
            Some(row) => {
                *copies.entry(row).or_default() += 1;
                verdict.arrived += 1;
            }
            None => verdict
                .wrong
                .push(format!("{} has a message without a row", message.recipient)),
        }
    }
    let matters = matters(rows);
    // How many somebody has of one matter, and may have.
    let mut per_person: BTreeMap<(Matter, &str), (u64, u64)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.state != "skipped") {
        let n = copies.remove(&row.id).unwrap_or(0);
        let address = row.addr_norm.as_deref().unwrap_or_default();
        let matter = matters.get(&row.send_id).copied().unwrap_or(Matter::Send(row.send_id));
        let (has, may_have) = per_person.entry((matter, address)).or_insert((0, 1));
        *has += n;
        *may_have += u64::from(row.is_second_copy());
        if n > 1 {
            verdict.wrong.push(format!("message {} arrived {n} times", row.id));
        }
        verdict.messages += 1;
        match row.state.as_str() {
            "accepted" if row.resolution.as_deref() == Some("treated_as_sent") => {
                verdict.treated += 1;
                verdict.treated_arrived += n;
            }
            "accepted" => {
                verdict.accepted += 1;
                if n == 0 {
                    verdict.lost += 1;
                    verdict
                        .wrong
                        .push(format!("message {} is accepted but never arrived", row.id));
                }
            }
            "unconfirmed" => {
                if row.reply.is_some() {
                    verdict.unknown_unanswered += 1;
                } else {
                    verdict.unknown_after_crash += 1;
                }
                verdict.unknown_arrived += n.min(1);
            }
            "rejected" | "failed" => verdict.refused += 1,
            "cancelled" => verdict.cancelled += 1,
            open => verdict.wrong.push(format!("message {} is still {open}", row.id)),
        }
        if n > 0 && !matches!(row.state.as_str(), "accepted" | "unconfirmed") {
            verdict
                .wrong
                .push(format!("message {} is {} and arrived", row.id, row.state));
        }
    }
    for row in copies.keys() {
        verdict
            .wrong
            .push(format!("message {row} arrived and was to go to nobody"));
    }
    for ((matter, address), (has, may_have)) in per_person {
        verdict.asked_for_again += has.min(may_have).saturating_sub(1);
        if has > may_have {
            verdict.doubles += has - may_have;
            verdict.wrong.push(format!("{address} has {has} copies of {matter:?}"));
        }
    }
}

/// What each send brings.
fn matters(rows: &[Row]) -> HashMap<i64, Matter> {
    let sends: HashMap<i64, &Row> = rows.iter().map(|row| (row.send_id, row)).collect();
    let matter = |send: i64| {
        let mut at = send;
        while let Some(row) = sends.get(&at) {
            match (row.campaign_id, row.of_send) {
                (Some(campaign), _) => return Matter::Campaign(campaign),
                (None, Some(first)) if row.kind != "correction" => at = first,
                _ => break,
            }
        }
        Matter::Send(at)
    };
    sends.keys().map(|send| (*send, matter(*send))).collect()
}

impl Row {
    /// Went out once more because the first copy was never answered.
    fn is_second_copy(&self) -> bool {
        self.kind == "again" && !matches!(self.state.as_str(), "skipped" | "cancelled")
    }
}

/// Nobody gets a second copy but those of whom a person said so.
fn second_copies_were_asked_for(rows: &[Row], verdict: &mut Verdict) {
    let asked: HashSet<(Option<i64>, i64)> = rows
        .iter()
        .filter(|row| row.resolution.as_deref() == Some("sent_again"))
        .map(|row| (Some(row.send_id), row.customer_id))
        .collect();
    for row in rows.iter().filter(|row| row.is_second_copy()) {
        if !asked.contains(&(row.of_send, row.customer_id)) {
            let words = format!("message {} is a second copy that nobody asked for", row.id);
            verdict.wrong.push(words);
        }
    }
}

/// Everybody who was to get a campaign has a message with an outcome, or was left out for a
/// reason of their own.
fn look_for_the_lost(rows: &[Row], given_up: &HashSet<i64>, verdict: &mut Verdict) {
    let mut waiting: BTreeMap<(i64, i64), i64> = BTreeMap::new();
    let mut settled: HashSet<(i64, i64)> = HashSet::new();
    for row in rows {
        let Some(campaign) = row.campaign_id else { continue };
        let person = (campaign, row.customer_id);
        match (row.state.as_str(), row.skip_reason.as_deref()) {
            ("cancelled", _) | ("skipped", Some("already_received")) => {
                waiting.insert(person, row.id);
            }
            _ => {
                settled.insert(person);
            }
        }
    }
    for (person, row) in waiting {
        if !settled.contains(&person) && !given_up.contains(&person.0) {
            verdict.lost += 1;
            verdict
                .wrong
                .push(format!("customer {} has only message {row}, and no outcome", person.1));
        }
    }
}

async fn compare_counts(db: &Db, store: StoreId, rows: &[Row], verdict: &mut Verdict) -> sqlx::Result<()> {
    let mut sends: BTreeMap<i64, HashMap<&str, i64>> = BTreeMap::new();
    for row in rows {
        *sends
            .entry(row.send_id)
            .or_default()
            .entry(row.state.as_str())
            .or_default() += 1;
    }
    for (send, states) in &sends {
        let of = |names: &[&str]| names.iter().filter_map(|name| states.get(name)).sum::<i64>();
        let tally = messages::tallies::of_send(db, store, *send).await?;
        let shown = (
            tally.sent,
            tally.failed,
            tally.unconfirmed,
            tally.skipped + tally.already,
            tally.cancelled,
            tally.waiting,
        );
        let counted = (
            of(&["accepted"]),
            of(&["rejected", "failed"]),
            of(&["unconfirmed"]),
            of(&["skipped"]),
            of(&["cancelled"]),
            of(&["queued", "leased", "attempting"]),
        );
        if shown != counted {
            verdict
                .wrong
                .push(format!("send {send} shows {shown:?}, its rows are {counted:?}"));
        }
    }
    let campaigns: Vec<Campaign> = on_db!(db, |pool| sqlx::query_as(
        "select id, status, sent_count, failed_count from campaigns where store_id = $1"
    )
    .bind(store)
    .fetch_all(pool)
    .await)?;
    let best = best_of_each(rows);
    for campaign in campaigns.iter().filter(|c| c.status == "sent") {
        let of = |names: &[&str]| {
            let people = best
                .iter()
                .filter(|((of, _), state)| *of == campaign.id && names.contains(state));
            i64::try_from(people.count()).unwrap_or(i64::MAX)
        };
        let written = (campaign.sent_count, campaign.failed_count);
        let counted = (Some(of(&["accepted"])), Some(of(&["rejected", "failed"])));
        if written != counted {
            verdict.wrong.push(format!(
                "campaign {} says {written:?}, its rows are {counted:?}",
                campaign.id
            ));
        }
    }
    Ok(())
}

/// The best that came of a campaign for each person, over all its goes.
fn best_of_each(rows: &[Row]) -> BTreeMap<(i64, i64), &str> {
    const BEST_FIRST: [&str; 6] = ["accepted", "unconfirmed", "rejected", "failed", "skipped", "cancelled"];
    let place = |state: &str| BEST_FIRST.iter().position(|other| *other == state);
    let mut best: BTreeMap<(i64, i64), &str> = BTreeMap::new();
    for row in rows {
        let Some(campaign) = row.campaign_id else { continue };
        let so_far = best.entry((campaign, row.customer_id)).or_insert(&row.state);
        if place(&row.state) < place(so_far) {
            *so_far = &row.state;
        }
    }
    best
}

/// Whoever got something knows when, at the latest once everything has been noted.
async fn compare_contacts(db: &Db, store: StoreId, verdict: &mut Verdict) -> sqlx::Result<()> {
    let forgotten: Vec<i64> = on_db!(db, |pool| sqlx::query_scalar(
        "select m.id from messages m join sends s on s.id = m.send_id join customers c on c.id = m.customer_id
          where m.store_id = $1 and m.state = 'accepted' and s.contacts_after is null and not s.needs_reconcile
            and (c.last_contacted_at is null or c.last_contacted_at < m.settled_at)"
    )
    .bind(store)
    .fetch_all(pool)
    .await)?;
    for message in forgotten {
        let words = format!("message {message} was accepted, and its customer does not say so");
        verdict.wrong.push(words);
    }
    Ok(())
}
