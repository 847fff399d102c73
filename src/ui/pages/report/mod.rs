//! What came of a send: the same on a campaign's page and on a bulk email's receipt.

pub mod asleep;
pub mod correction;
mod drift;
mod failures;
pub mod file;
mod live;
mod people;
mod stalled;
pub mod stop;
mod unanswered;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    auth::{model::Permission, tokens},
    communications::{self, model::Tally, people::RecipientRow, store::FailureGroup},
    error::AppError,
    recipients::model::grouped,
    sends::{
        self,
        drift::Drift,
        model::{Progress, ProgressRow, SendKind, SendState},
        store::Send,
    },
    server::visit::Staff,
    time,
    ui::components::{Banner, Distance, Moment, Stat, Stats, Tone},
};

/// Everything about one send that its page shows.
#[derive(Debug)]
pub struct Report {
    pub send: Send,
    pub tally: Tally,
    rows: Vec<RecipientRow>,
    total: i64,
    newest: Vec<RecipientRow>,
    failures: Vec<FailureGroup>,
    /// Which people are shown: `sent`, `failed`, `skipped`, `waiting`, `unconfirmed`, or everyone.
    show: String,
    page: i64,
    /// How many were never answered, and nobody has settled it.
    unresolved: i64,
    /// Second tries for these people.
    following: Vec<Send>,
    /// For the buttons that send: the same one twice is one send.
    token: String,
    /// The address of the page.
    path: String,
    may_send: bool,
    /// What changed since the number was shown.
    drift: Option<Drift>,
    /// It stands still although nothing holds it.
    stalled: bool,
    /// Why some wait although nothing is in their way.
    waits: Option<String>,
    now: DateTime<Utc>,
    zone: Tz,
}

impl Report {
    /// Loads what the page at `path` shows of a send.
    pub async fn load(staff: &Staff, send: Send, path: String) -> Result<Self, AppError> {
        let (db, store) = (staff.db(), staff.store_id());
        let show = staff.param("show").to_owned();
        let page = crate::ui::components::Paging::asked(staff.param("page"));
        let tally = communications::tallies::of_send(db, store, send.id).await?;
        let (rows, total) = communications::people::page(db, store, send.id, &tally, &show, page).await?;
        let newest = if send.state.is_open() {
            communications::people::newest(db, store, send.id).await?
        } else {
            Vec::new()
        };
        let failures = if tally.failed > 0 {
            communications::store::failures(db, store, send.id).await?
        } else {
            Vec::new()
        };
        let unresolved = match tally.unconfirmed {
            0 => 0,
            _ => communications::store::unresolved(db, store, send.id).await?,
        };
        let stalled = sends::stalled::is_stalled(&staff.visit.state, &send, staff.now()).await?;
        let waits = sends::progress::waits(&staff.visit.state, &send, staff.now()).await?;
        Ok(Self {
            waits,
            drift: sends::drift::of(db, &send, &tally).await?,
            stalled,
            unresolved,
            following: sends::store::following(db, store, send.id).await?,
            token: tokens::public(),
            tally,
            rows,
            total,
            newest,
            failures,
            show,
            page,
            path,
            may_send: staff.actor.may(Permission::SendCampaigns),
            now: staff.now(),
            zone: staff.zone(),
            send,
        })
    }

    /// Whether it can still be taken back.
    pub fn is_held(&self) -> bool {
        self.send.state == SendState::Holding && self.send.hold_until > self.now
    }

    /// Whether parts of the page run in the browser.
    pub fn is_live(&self) -> bool {
        self.send.state.is_open()
    }

    /// The bar with Undo; first on the page.
    pub fn hold_bar(&self) -> Option<AnyView> {
        (self.is_held() && self.may_send).then(|| {
            let left = (self.send.hold_until - self.now).num_milliseconds();
            let at = time::clock_seconds(self.send.hold_until, self.zone);
            live::hold_bar(self.send.id, self.tally.audience(), (left + 999) / 1000, &at)
        })
    }

    /// How far it is, or what came of it; who got it; what they got.
    pub fn view(self) -> AnyView {
        let watched = self.is_live() && !self.is_held();
        // While it is watched, the island shows the newest outcomes where the list would be.
        let rows_of = (watched && self.show.is_empty() && self.page == 1).then(|| self.path.clone());
        let listed = rows_of.is_none();
        let numbers = if watched {
            live::progress(self.send.id, self.progress(), self.may_send, rows_of)
        } else {
            view! { <Stats items=stats(&self.tally, self.is_live())/> }.into_any()
        };
        let stalled = self
            .stalled
            .then(|| stalled::view(&self.send, &self.tally, self.may_send));
        let failed = failures::view(&self.failures, &self.tally, &self.path);
        let unanswered = self
            .may_send
            .then(|| unanswered::panel(self.send.id, self.unresolved, &self.token));
        let followed = followed(&self.following, self.now, self.zone);
        let corrects = (self.may_send && !self.send.state.is_open() && self.tally.sent + self.tally.unconfirmed > 0)
            .then(|| format!("/sends/{}/correction", self.send.id));
        let message = message(&self.send, corrects);
        let drift = self
            .drift
            .as_ref()
            .map(|drift| drift::view(drift, &self.send, self.now, self.zone));
        let people = listed.then(|| people::view(self));
        view! { <div class="stack">{stalled}{numbers}{unanswered}{drift}{failed}{followed}{people}{message}</div> }
            .into_any()
    }

    /// `Already sent at 10:04 am. We didn't send it again.`
    pub fn already(&self) -> String {
        let at = time::clock(self.send.started_at, self.zone);
        format!("Already sent at {at}. We didn't send it again.")
    }

    /// What an ended send still waits for: nobody knows yet whether these people have it.
    pub fn on_the_way(&self) -> Option<AnyView> {
        let n = self.tally.waiting;
        let words = match (self.send.state.is_open(), n) {
            (true, _) | (_, 0) => return None,
            (false, 1) => "1 message was on its way. What came of it will show here.".to_owned(),
            (false, n) => format!(
                "{} messages were on their way. What came of them will show here.",
                grouped(n)
            ),
        };
        Some(view! { <p>{words}</p> }.into_any())
    }

    fn progress(&self) -> Progress {
        let zone = self.zone;
        let row = |row: &RecipientRow| ProgressRow {
            message_id: row.message_id,
            customer_id: row.customer_id,
            name: row.name.clone(),
            address: row.address.clone().unwrap_or_default(),
            state: row.state,
            why: row.why(),
            at: row
                .settled_at
                .map(|at| time::clock_seconds(at, zone))
                .unwrap_or_default(),
        };
        Progress {
            paused: self.send.paused_at.is_some(),
            stalled: self.stalled,
            waits: self.waits.clone(),
            again_at: self.send.resume_at.map(|at| time::clock_seconds(at, zone)),
            state: self.send.state,
            tally: self.tally,
            hold_seconds: 0,
            problem: self.send.problem.clone(),
            newest: self.newest.iter().map(row).collect(),
        }
    }
}

/// Second tries and corrections, each with the way to what came of it.
fn followed(sends: &[Send], now: DateTime<Utc>, zone: Tz) -> Option<AnyView> {
    if sends.is_empty() {
        return None;
    }
    let lines: Vec<_> = sends
        .iter()
        .map(|send| {
            let what = match send.kind {
                SendKind::Correction => "Corrected",
                SendKind::Bulk => "Sent to the rest",
                SendKind::Again | SendKind::Campaign => "Sent again",
            };
            let words = format!("{what} by {}", send.started_by);
            let at = send.started_at;
            view! { <li><a href=send.page()>{words}</a>", "<Moment at now zone distance=Distance::With/></li> }
        })
        .collect();
    Some(
        view! {
            <section aria-labelledby="followed-title">
                <h2 id="followed-title">"What followed"</h2>
                <ul class="reasons">{lines}</ul>
            </section>
        }
        .into_any(),
    )
}

fn stats(tally: &Tally, open: bool) -> Vec<Stat> {
    let stat = |label, count, hint| Stat { label, count, hint };
    let mut stats = vec![
        stat("Sent", tally.sent, Some("The provider accepted it")),
        stat(
            "Failed",
            tally.failed,
            Some("The provider rejected it, usually a wrong or closed address"),
        ),
        stat("Skipped", tally.skipped, Some("Left out, with a reason each")),
    ];
    if open || tally.waiting > 0 {
        stats.push(stat("Waiting", tally.waiting, None));
    }
    if tally.unconfirmed > 0 {
        stats.push(stat(
            "Unconfirmed",
            tally.unconfirmed,
            Some("The provider didn't answer; it may have arrived"),
        ));
    }
    if tally.cancelled > 0 {
        stats.push(stat("Not sent", tally.cancelled, Some("Taken back before it went out")));
    }
    stats
}

/// The message as it was frozen, in a frame where nothing runs, and the way to correct it.
fn message(send: &Send, corrects: Option<String>) -> AnyView {
    let corrects = corrects.map(|path| view! { <a class="btn sm" href=path>"Send a correction"</a> });
    let title = if send.state.is_open() {
        "The message"
    } else {
        "The message as sent"
    };
    let from = format!("{} <{}>", send.from_name, send.from_email);
    view! {
        <section aria-labelledby="message-title">
            <div class="inline spread"><h2 id="message-title">{title}</h2>{corrects}</div>
            <div class="card pad">
                <dl class="facts">
                    <dt>"Subject"</dt><dd>{send.subject.clone()}</dd>
                    <dt>"From"</dt><dd>{from}</dd>
                    <dt>"To"</dt><dd>{send.audience_words.clone()}</dd>
                </dl>
                <iframe class="message" sandbox="" title=title
                    referrerpolicy="no-referrer" src=format!("/sends/{}/view", send.id)></iframe>
            </div>
        </section>
    }
    .into_any()
}

/// Why what was just asked for was not done, once.
pub fn refused(staff: &Staff) -> Option<AnyView> {
    let words: Vec<_> = staff
        .visit
        .flash
        .iter()
        .flat_map(|flash| &flash.problems)
        .map(|problem| view! { <p>{problem.words.clone()}</p> })
        .collect();
    (!words.is_empty()).then(|| view! { <Banner tone=Tone::Error>{words}</Banner> }.into_any())
}

/// `1,204 customers`
pub fn customers(n: i64) -> String {
    let noun = if n == 1 { "customer" } else { "customers" };
    format!("{} {noun}", grouped(n))
}
