//! What came of a send, or of a campaign over all its goes: the same on a campaign's page and on a bulk
//! email's receipt.

mod address;
pub mod correction;
mod drift;
mod failures;
pub mod file;
mod followed;
pub mod goes;
mod letter;
mod live;
mod load;
mod outcome;
mod people;
pub mod quiet_hours;
mod stalled;
pub mod stop;
mod unconfirmed;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

pub use crate::sends::words::people as customers;
use address::Address;

use goes::Go;

use letter::Letter;

use crate::{
    messages::{model::Tally, people::RecipientRow, timeline::FailureGroup},
    sends::{
        drift::Drift,
        model::{Progress, ProgressRow, SendState},
        queries::SendRecord,
    },
    server::page_request::StaffRequest,
    text::grouped,
    time,
    ui::components::{Banner, Tone},
};

/// Everything that a page of results shows.
#[derive(Debug)]
pub struct Report {
    /// The send it is about: of a campaign, the newest.
    pub send: SendRecord,
    /// The numbers it shows: of a campaign, of everybody over all its goes.
    pub tally: Tally,
    /// Those of the send alone.
    of_send: Tally,
    /// The goes of a campaign, oldest first. One alone when only that is looked at.
    goes: Vec<Go>,
    /// Only one go of several is shown.
    pub is_one_of_several: bool,
    rows: Vec<RecipientRow>,
    total: i64,
    newest: Vec<RecipientRow>,
    failures: Vec<FailureGroup>,
    letter: Letter,
    /// Which people are shown: `sent`, `failed`, `skipped`, `waiting`, `unconfirmed`, `everyone`; the
    /// first few when nothing was asked for.
    show: String,
    page: i64,
    /// Sends with people who were never answered and nobody has settled, and how many.
    unconfirmed: Vec<(i64, i64)>,
    /// Second tries for these people.
    following: Vec<SendRecord>,
    /// For the buttons that send: the same one twice is one send.
    token: String,
    address: Address,
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
    /// Whether it can still be taken back.
    pub fn is_held(&self) -> bool {
        self.send.state == SendState::Holding && self.send.hold_until > self.now
    }

    /// Whether parts of the page run in the browser.
    pub fn is_live(&self) -> bool {
        self.send.state.is_open()
    }

    /// In how many goes it went out.
    pub fn how_many_goes(&self) -> usize {
        self.goes.len()
    }

    /// The bar with Undo; first on the page.
    pub fn hold_bar(&self) -> Option<AnyView> {
        (self.is_held() && self.may_send).then(|| {
            let left = (self.send.hold_until - self.now).num_milliseconds();
            let at = time::clock_seconds(self.send.hold_until, self.zone);
            live::hold_bar(self.send.id, self.of_send.audience(), (left + 999) / 1000, &at)
        })
    }

    /// How far it is, or what came of it; what they got; who got it.
    pub fn view(mut self) -> AnyView {
        let watched = self.is_live() && !self.is_held();
        // While it is watched, the island shows the newest outcomes where the list would be.
        let rows_of = (watched && self.show.is_empty() && self.page == 1).then(|| self.address.path().to_owned());
        let listed = rows_of.is_none();
        let numbers = if watched {
            live::progress(self.send.id, self.progress(), self.may_send, rows_of)
        } else {
            let shown = if self.is_live() { &self.of_send } else { &self.tally };
            outcome::view(&self.send, shown)
        };
        let stalled = self
            .stalled
            .then(|| stalled::view(&self.send, &self.of_send, self.may_send));
        let review = self.address.with(&[("show", "failed")], "people");
        let failed = failures::view(&self.failures, &self.tally, review);
        let unconfirmed: Vec<_> = self
            .unconfirmed
            .iter()
            .filter(|_| self.may_send)
            .map(|(send, people)| unconfirmed::panel(*send, *people, &format!("{}-{send}", self.token)))
            .collect();
        let followed = followed::view(&self.following, self.now, self.zone);
        let goes = goes::view(&self.goes, self.address.path(), self.zone);
        let drift = self
            .drift
            .as_ref()
            .map(|drift| drift::view(drift, &self.send, self.now, self.zone));
        let corrects = (self.may_send && self.goes.len() < 2 && !self.is_live())
            .then(|| format!("/sends/{}/correction", self.send.id))
            .filter(|_| self.of_send.sent + self.of_send.unconfirmed > 0);
        let letter = std::mem::take(&mut self.letter).view(&self.address, corrects);
        let people = listed.then(|| people::view(self));
        if watched {
            return view! {
                <div class="stack">
                    {stalled}{numbers}{unconfirmed}
                    {failed.map(|failed| view! { <div class="failed-so-far">{failed}</div> })}
                    {goes}{drift}{followed}{people}{letter}
                </div>
            }
            .into_any();
        }
        view! {
            <div class="split">
                <div class="stack">{stalled}{numbers}{failed}{unconfirmed}{goes}{drift}{followed}</div>
                <div class="beside">{letter}</div>
            </div>
            <div class="results">{people}</div>
        }
        .into_any()
    }

    /// `Already sent at 10:04 am. We didn't send it again.`
    pub fn already(&self) -> String {
        let at = time::clock(self.send.started_at, self.zone);
        format!("Already sent at {at}. We didn't send it again.")
    }

    /// What an ended send still waits for: nobody knows yet whether these people have it.
    pub fn on_the_way(&self) -> Option<AnyView> {
        let n = self.of_send.waiting;
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
            tally: self.of_send,
            hold_seconds: 0,
            problem: self.send.problem.clone(),
            replies_to: self.send.replies_to().to_owned(),
            newest: self.newest.iter().map(row).collect(),
        }
    }
}

/// Why what was just asked for was not done, once.
pub fn refused(staff: &StaffRequest) -> Option<AnyView> {
    let words: Vec<_> = staff
        .visit
        .flash
        .iter()
        .flat_map(|flash| &flash.problems)
        .map(|problem| view! { <p>{problem.words.clone()}</p> })
        .collect();
    (!words.is_empty()).then(|| view! { <Banner tone=Tone::Error>{words}</Banner> }.into_any())
}
