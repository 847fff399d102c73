//! Any order of leasing, marking, sending, settling, expiry, recovery, crashes, opting out and
//! giving up, by three senders at once, over the dispatcher's own statements. After every step:
//! no copy beyond the first, no way back from `attempting` but by the one who certainly did not
//! send, and what is settled stays settled. And the same at a provider that takes a message with the
//! same key only once and tells of it: what was never answered may go back, and then it is accepted,
//! or not known again, and nothing else.

use std::collections::HashMap;

use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    strategy::ValueTree,
    test_runner::{Config, TestCaseError, TestRunner},
};

use loupe::{
    channels::email::events::{Event, EventKind, OurId, Proved, Provider},
    db::{Backend, Tx, dialect::database_now_plus},
    mail_accounts::provider_queries::StoredProvider,
    messages::queries::{
        idempotent_retry,
        leases::{self as ledger, LeaseToken, Leased, ProviderAccount},
        recover::ReapScope,
        settle::{self, Settled},
    },
    on_db, on_tx,
    recipients::model::RecipientFilter,
    sends::{self, ending, model::SendState, provider_events},
};

use crate::support::{
    app::TestApp,
    people,
    sending::{begun, draft, press},
};

const PEOPLE: usize = 9;
const SENDERS: usize = 3;

/// What the mail server makes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accepted,
    Rejected,
    /// Refused for now: certainly not taken.
    Deferred,
    /// Taken, and the connection died.
    Silence,
    /// The connection died before any content.
    NotSent,
}

#[derive(Clone, Debug)]
enum Step {
    Lease(usize, i64),
    Mark(usize, Index),
    /// The content of a marked message goes out, or not; the answer is remembered.
    Send(usize, Index, Answer),
    /// An answer is written down.
    Settle(usize, Index),
    /// An unmarked message is given back.
    GiveBack(usize, Index),
    Renew(usize),
    Release(usize),
    /// The sender forgets everything.
    Crash(usize),
    /// Its leases run out.
    Expire(usize),
    Recover,
    OptOut(Index),
    /// What was never answered goes back, where the provider takes it only once.
    Repeat,
    /// The provider tells that it has a message.
    Event(Index),
    Finish,
    Revert,
}

/// The mail account of a provider that takes a message with the same key only once.
const ONCE: ProviderAccount<'_> = ProviderAccount {
    account: "shop@mail.example.com:465",
    is_idempotent: true,
};

fn step() -> impl Strategy<Value = Step> {
    let who = 0..SENDERS;
    let one = any::<Index>;
    let answer = prop_oneof![
        4 => Just(Answer::Accepted),
        1 => Just(Answer::Rejected),
        2 => Just(Answer::Deferred),
        2 => Just(Answer::Silence),
        2 => Just(Answer::NotSent),
    ];
    prop_oneof![
        6 => (who.clone(), 1..5i64).prop_map(|(w, n)| Step::Lease(w, n)),
        10 => (who.clone(), one()).prop_map(|(w, i)| Step::Mark(w, i)),
        10 => (who.clone(), one(), answer).prop_map(|(w, i, a)| Step::Send(w, i, a)),
        10 => (who.clone(), one()).prop_map(|(w, i)| Step::Settle(w, i)),
        1 => (who.clone(), one()).prop_map(|(w, i)| Step::GiveBack(w, i)),
        2 => who.clone().prop_map(Step::Renew),
        1 => who.clone().prop_map(Step::Release),
        2 => who.clone().prop_map(Step::Crash),
        4 => who.prop_map(Step::Expire),
        5 => Just(Step::Recover),
        1 => one().prop_map(Step::OptOut),
        4 => Just(Step::Repeat),
        1 => one().prop_map(Step::Event),
        2 => Just(Step::Finish),
        1 => Just(Step::Revert),
    ]
}

/// What one sender has in its head; rows may have gone their own way meanwhile.
#[derive(Default)]
struct Sender {
    leased: Vec<Leased>,
    marked: Vec<Leased>,
    answered: Vec<(Leased, Answer)>,
}

#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
struct Row {
    id: i64,
    customer_id: i64,
    state: String,
    epoch: i64,
    idempotent_retries: i64,
}

struct Model<'a> {
    app: &'a TestApp,
    send: i64,
    through: Option<ProviderAccount<'static>>,
    senders: [Sender; SENDERS],
    /// Copies the mail server has, by message.
    copies: HashMap<i64, u32>,
    opted_out: Vec<i64>,
    before: Vec<Row>,
    /// The one message that its own sender gives back in this step, with the epoch.
    given_back: Option<LeaseToken>,
}

fn owner(sender: usize) -> String {
    format!("sender {sender}")
}

fn json(rows: &[Leased]) -> String {
    let tickets: Vec<LeaseToken> = rows
        .iter()
        .map(|row| LeaseToken {
            id: row.id,
            epoch: row.epoch,
        })
        .collect();
    serde_json::to_string(&tickets).unwrap()
}

fn take<T>(list: &mut Vec<T>, at: &Index) -> Option<T> {
    (!list.is_empty()).then(|| list.swap_remove(at.index(list.len())))
}

impl Model<'_> {
    async fn rows(&self) -> Vec<Row> {
        on_db!(self.app.db(), |pool| sqlx::query_as(
            "select id, customer_id, state, epoch, idempotent_retries from messages where send_id = $1 order by id"
        )
        .bind(self.send)
        .fetch_all(pool)
        .await)
        .unwrap()
    }

    async fn state(&self) -> sends::queries::SendRecord {
        let found = sends::queries::find(self.app.db(), self.app.store.id, self.send).await;
        found.unwrap().unwrap()
    }

    async fn begin(&self) -> Tx {
        self.app.db().begin().await.unwrap()
    }

    async fn make(&mut self, step: &Step) {
        let now = self.app.now();
        let mut tx = self.begin().await;
        match step {
            Step::Lease(w, n) => {
                let rows = ledger::lease(&mut tx, self.send, (&owner(*w), 600), self.through, *n, now)
                    .await
                    .unwrap();
                self.senders[*w].leased.extend(rows);
            }
            Step::Mark(w, at) => {
                let Some(row) = take(&mut self.senders[*w].leased, at) else {
                    return;
                };
                let rows = [row];
                let marked = ledger::mark_attempting(&mut tx, &json(&rows), now).await.unwrap();
                if marked == 0 {
                    ledger::settle_unmarked(&mut tx, &json(&rows), now).await.unwrap();
                } else {
                    let [row] = rows;
                    assert!(
                        !self
                            .before
                            .iter()
                            .any(|b| b.id == row.id && self.opted_out.contains(&b.customer_id)),
                        "marked after opting out"
                    );
                    self.senders[*w].marked.push(row);
                }
            }
            Step::Send(w, at, answer) => {
                let Some(row) = take(&mut self.senders[*w].marked, at) else {
                    return;
                };
                if matches!(answer, Answer::Accepted | Answer::Silence) {
                    let copies = self.copies.entry(row.id).or_default();
                    // The same key again: the provider has it already.
                    *copies = if self.through.is_some() { 1 } else { *copies + 1 };
                }
                self.senders[*w].answered.push((row, *answer));
            }
            Step::Settle(w, at) => {
                let Some((row, answer)) = take(&mut self.senders[*w].answered, at) else {
                    return;
                };
                self.settle(&mut tx, &row, answer).await;
            }
            Step::GiveBack(w, at) => {
                let Some(row) = take(&mut self.senders[*w].leased, at) else {
                    return;
                };
                self.settle(&mut tx, &row, Answer::NotSent).await;
            }
            Step::Renew(w) => {
                let sender = &self.senders[*w];
                let answered = sender.answered.iter().map(|(row, _)| row);
                let all: Vec<Leased> = sender
                    .leased
                    .iter()
                    .chain(&sender.marked)
                    .chain(answered)
                    .cloned()
                    .collect();
                ledger::renew(&mut tx, &owner(*w), &json(&all), 600).await.unwrap();
            }
            Step::Release(w) => {
                self.senders[*w].leased.clear();
                ledger::release(&mut tx, &owner(*w)).await.unwrap();
            }
            Step::Crash(w) => self.senders[*w] = Sender::default(),
            Step::Expire(w) => {
                let sql = format!(
                    "update messages set lease_until = {} where lease_owner = $1 and state in ('leased', 'attempting')",
                    database_now_plus(tx.backend(), 0)
                );
                on_tx!(&mut tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(owner(*w))
                    .execute(&mut *conn)
                    .await
                    .map(|_| ()))
                .unwrap();
                tx.commit().await.unwrap();
                // The clocks of both databases have to move on.
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                return;
            }
            Step::Recover => {
                loupe::messages::queries::recover::recover(&mut tx, ReapScope::Expired, now)
                    .await
                    .unwrap();
            }
            Step::OptOut(at) => {
                let customer = self.before[at.index(self.before.len())].customer_id;
                self.opted_out.push(customer);
                on_tx!(&mut tx, |conn| sqlx::query(
                    "update customers set email_consent = 'withdrawn' where id = $1"
                )
                .bind(customer)
                .execute(&mut *conn)
                .await
                .map(|_| ()))
                .unwrap();
            }
            Step::Repeat => {
                if let Some(through) = self.through {
                    idempotent_retry::queue(&mut tx, self.send, through, now).await.unwrap();
                }
            }
            Step::Event(at) => {
                drop(tx);
                let message = self.before[at.index(self.before.len())].id;
                if self.through.is_some() && self.copies.contains_key(&message) {
                    self.tell(message).await;
                }
                return;
            }
            Step::Finish => {
                ending::finish(&mut tx, &self.state().await, now).await.unwrap();
            }
            Step::Revert => {
                ending::revert(&mut tx, &self.state().await, "The provider is away.", now)
                    .await
                    .unwrap();
            }
        }
        tx.commit().await.unwrap();
    }

    async fn tell(&self, message: i64) {
        let event = Event {
            message: OurId {
                message,
                installation: loupe::context::installation::id(self.app.db()).await.unwrap(),
            },
            kind: EventKind::Had("delivered"),
        };
        let kept = StoredProvider {
            account: ONCE.account.to_owned(),
            provider: Provider::Resend,
            hook_token: String::new(),
            hook_secret: String::new(),
        };
        provider_events::apply_event(&self.app.state, &kept, &Proved::from(Some(event)))
            .await
            .unwrap();
    }

    /// As the status writer does it.
    async fn settle(&mut self, tx: &mut Tx, row: &Leased, answer: Answer) {
        let now = self.app.now();
        let (state, refund) = match answer {
            Answer::Accepted => ("accepted", 0),
            Answer::Rejected => ("rejected", 0),
            Answer::Silence => ("unconfirmed", 0),
            Answer::Deferred => ("queued", 0),
            Answer::NotSent => ("queued", 1),
        };
        if state == "queued" {
            self.given_back = Some(LeaseToken {
                id: row.id,
                epoch: row.epoch,
            });
        }
        let outcome = Settled {
            id: row.id,
            epoch: row.epoch,
            state,
            code: None,
            reply: None,
            next_at: (state == "queued").then(|| loupe::db::dialect::moment_text(now)),
            refund,
        };
        let outcomes = serde_json::to_string(&[outcome]).unwrap();
        loupe::messages::queries::locks::hold_sends(tx, &outcomes)
            .await
            .unwrap();
        if settle::settle(tx, &outcomes, now).await.unwrap() == 0 {
            loupe::dispatch::late_outcomes::settle_late(tx, &outcomes, now)
                .await
                .unwrap();
        }
    }

    /// What must hold after every step.
    async fn check(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let rows = self.rows().await;
        for (was, is) in self.before.iter().zip(&rows) {
            let copies = self.copies.get(&is.id).copied().unwrap_or(0);
            prop_assert!(copies <= 1, "{step:?}: message {} has {copies} copies", is.id);
            let fits = match is.state.as_str() {
                "accepted" => copies == 1,
                "attempting" | "unconfirmed" => true,
                "queued" | "leased" if is.idempotent_retries > 0 => true,
                _ => copies == 0,
            };
            prop_assert!(fits, "{step:?}: message {} is {} with {copies} copies", is.id, is.state);
            let newly_leased = i64::from((was.state.as_str(), is.state.as_str()) == ("queued", "leased"));
            prop_assert_eq!(
                is.epoch,
                was.epoch + newly_leased,
                "{:?}: the epoch counts leases",
                step
            );
            if was.state == is.state {
                continue;
            }
            let own = self.given_back.is_some_and(|t| t.id == is.id && t.epoch == is.epoch);
            let allowed = match (was.state.as_str(), is.state.as_str()) {
                ("queued", "leased") => matches!(step, Step::Lease(..)),
                ("queued" | "leased", "cancelled") => matches!(step, Step::Revert | Step::Mark(..)) || own,
                ("leased", "queued") => own || matches!(step, Step::Recover | Step::Release(_)),
                ("leased", "attempting" | "skipped") => matches!(step, Step::Mark(..)),
                ("attempting", "queued" | "cancelled") => own,
                ("attempting", "unconfirmed") => matches!(step, Step::Recover | Step::Settle(..)),
                ("attempting", "rejected") => matches!(step, Step::Settle(..)),
                ("unconfirmed", "accepted" | "rejected") => matches!(step, Step::Settle(..) | Step::Event(_)),
                ("attempting", "accepted") => matches!(step, Step::Settle(..) | Step::Event(_)),
                ("unconfirmed", "queued") => {
                    matches!(step, Step::Repeat)
                        && self.through.is_some()
                        && is.idempotent_retries == was.idempotent_retries + 1
                }
                ("queued" | "leased", "accepted") => matches!(step, Step::Event(_)) && is.idempotent_retries > 0,
                ("queued" | "leased", "unconfirmed") => {
                    is.idempotent_retries > 0 && (matches!(step, Step::Revert | Step::Mark(..)) || own)
                }
                _ => false,
            };
            prop_assert!(
                allowed,
                "{step:?} took message {} from {} to {}",
                is.id,
                was.state,
                is.state
            );
        }
        self.given_back = None;
        self.before = rows;
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.make(step).await;
        self.check(step).await
    }

    /// Everything quiet: whoever is left gets it, and the send ends.
    async fn come_right(&mut self) -> Result<(), TestCaseError> {
        for sender in 0..SENDERS {
            while !self.senders[sender].answered.is_empty() {
                self.step(&Step::Settle(sender, index())).await?;
            }
            self.step(&Step::Crash(sender)).await?;
            self.step(&Step::Expire(sender)).await?;
        }
        self.step(&Step::Recover).await?;
        self.step(&Step::Lease(0, 100)).await?;
        for _ in 0..PEOPLE {
            self.step(&Step::Mark(0, index())).await?;
            self.step(&Step::Send(0, index(), Answer::Accepted)).await?;
            self.step(&Step::Settle(0, index())).await?;
        }
        self.step(&Step::Finish).await?;
        let open = |row: &&Row| matches!(row.state.as_str(), "queued" | "leased" | "attempting");
        prop_assert_eq!(self.before.iter().filter(open).count(), 0, "somebody is lost");
        let ended = self.state().await.state;
        prop_assert!(matches!(ended, SendState::Done | SendState::Reverted), "{ended:?}");
        let counts: (String, Option<i64>) = on_db!(self.app.db(), |pool| sqlx::query_as(
            "select status, sent_count from campaigns where id = (select campaign_id from sends where id = $1)"
        )
        .bind(self.send)
        .fetch_one(pool)
        .await)
        .unwrap();
        if ended == SendState::Done {
            let accepted = self.before.iter().filter(|row| row.state == "accepted").count();
            prop_assert_eq!(counts, ("sent".to_owned(), Some(i64::try_from(accepted).unwrap())));
        }
        Ok(())
    }
}

fn index() -> Index {
    let mut runner = TestRunner::deterministic();
    any::<Index>().new_tree(&mut runner).unwrap().current()
}

async fn play(app: &TestApp, through: Option<ProviderAccount<'static>>, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update customers set email_consent = 'granted'"
    )
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    on_tx!(&mut tx, |conn| sqlx::query("delete from suppressions")
        .execute(&mut *conn)
        .await
        .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let mut tx = app.db().begin().await.unwrap();
    let begun = sends::queries::change_state(&mut tx, send, SendState::Holding, SendState::Sending, None, None).await;
    assert!(begun.unwrap());
    tx.commit().await.unwrap();
    let mut model = Model {
        app,
        send,
        through,
        senders: Default::default(),
        copies: HashMap::new(),
        opted_out: Vec::new(),
        before: Vec::new(),
        given_back: None,
    };
    model.before = model.rows().await;
    for step in &steps {
        model.step(step).await?;
    }
    model.come_right().await
}

fn in_any_order(backend: Backend, through: Option<ProviderAccount<'static>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let app = runtime.block_on(async {
        let app = TestApp::new(backend).await;
        people::crowd(app.db(), app.store.id, PEOPLE, &[], app.now()).await;
        app
    });
    let config = Config {
        cases: 96,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let done = runner.run(&vec(step(), 10..80), |steps| {
        runtime.block_on(play(&app, through, steps))
    });
    if let Err(problem) = done {
        panic!("{problem}");
    }
}

#[test]
fn in_any_order_nothing_is_doubled_and_nobody_lost_on_sqlite() {
    in_any_order(Backend::Sqlite, None);
}

#[test]
fn in_any_order_nothing_is_doubled_and_nobody_lost_on_postgres() {
    in_any_order(Backend::Postgres, None);
}

#[test]
fn with_keys_and_events_nothing_is_doubled_and_nobody_lost_on_sqlite() {
    in_any_order(Backend::Sqlite, Some(ONCE));
}

#[test]
fn with_keys_and_events_nothing_is_doubled_and_nobody_lost_on_postgres() {
    in_any_order(Backend::Postgres, Some(ONCE));
}
