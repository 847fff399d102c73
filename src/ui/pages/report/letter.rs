//! The message as one real person got it, and the ways to read it as another.

use leptos::prelude::*;

use super::Address;
use crate::{
    error::AppError,
    messages::{
        model::MessageState,
        readers::{self, Reader},
    },
    sends::{message_view, queries::SendRecord},
    server::page_request::StaffRequest,
};

/// As whom it is shown, and what they read in their list of messages.
#[derive(Debug, Default)]
pub struct Letter {
    reader: Option<Reader>,
    subject: String,
    from: String,
    /// A name somebody looked for.
    searched: String,
    found: bool,
    view: String,
    is_open: bool,
}

impl Letter {
    /// As the one the address asks for; else as the first who got it.
    pub async fn load(staff: &StaffRequest, sends: &[SendRecord]) -> Result<Self, AppError> {
        let (db, store) = (staff.db(), staff.store_id());
        let ids: Vec<i64> = sends.iter().map(|send| send.id).collect();
        let searched = staff.param("who").trim().chars().take(100).collect::<String>();
        let mut reader = match staff.param("as").parse() {
            Ok(message) => readers::of_message(db, store, &ids, message).await?,
            Err(_) if !searched.is_empty() => readers::by_name(db, store, &ids, &searched).await?,
            Err(_) => None,
        };
        let found = reader.is_some();
        if reader.is_none() {
            reader = readers::first(db, store, &ids).await?;
        }
        let of = reader.as_ref().map(|reader| reader.row.send_id);
        let send = sends.iter().find(|send| Some(send.id) == of).or(sends.last());
        let Some(send) = send else {
            return Err(AppError::NotFound);
        };
        let subject = match &reader {
            Some(reader) => message_view::subject_for(send, &staff.store, &reader.row)?,
            None => message_view::subject_for_nobody(send)?,
        };
        Ok(Self {
            subject,
            from: format!("{} <{}>", send.from_name, send.from_email),
            view: match &reader {
                Some(reader) => format!("/messages/{}/view", reader.row.id),
                None => format!("/sends/{}/view", send.id),
            },
            is_open: send.state.is_open(),
            reader,
            searched,
            found,
        })
    }

    /// The card. `corrects` is where another message to the same people is written.
    pub fn view(self, address: &Address, corrects: Option<String>) -> AnyView {
        let title = if self.is_open {
            "The message"
        } else {
            "The message as sent"
        };
        let whose = self.whose();
        let frame = whose.clone().unwrap_or_else(|| title.to_owned());
        let text = format!("{}?part=text", self.view);
        let to = |message: i64| address.with(&[("as", &message.to_string())], "letter");
        let step = |message: Option<i64>, words: &'static str| {
            message.map(|message| view! { <a class="btn sm" href=to(message)>{words}</a> })
        };
        let (before, after) = match &self.reader {
            Some(reader) => (reader.before, reader.after),
            None => (None, None),
        };
        let missing = (!self.found && !self.searched.is_empty()).then(
            || view! { <p class="hint" role="status">{format!("Nobody called “{}” got it.", self.searched)}</p> },
        );
        let see_as = self
            .reader
            .is_some()
            .then(|| search(address, self.searched.clone(), missing.is_some()));
        view! {
            <section id="letter" aria-labelledby="letter-title">
                <h2 id="letter-title" class="vh">{title}</h2>
                <div class="card letter">
                    <div class="envelope">
                        {whose.map(|words| view! { <span class="hint">{words}</span> })}
                        <strong>{self.subject}</strong>
                        <span class="hint">{format!("From {}", self.from)}</span>
                        {missing}
                    </div>
                    <iframe class="message" sandbox="" title=frame referrerpolicy="no-referrer" src=self.view.clone()></iframe>
                    <div class="tools">
                        {step(before, "Previous person")}
                        {step(after, "Next person")}
                        {see_as}
                    </div>
                </div>
                <p class="acts below">
                    <a href=self.view>"Open full size"</a>
                    <a href=text>"Text only"</a>
                    {corrects.map(|path| view! { <a href=path>"Send a correction"</a> })}
                </p>
            </section>
        }
        .into_any()
    }

    /// `As Harriet Holloway got it`
    fn whose(&self) -> Option<String> {
        let row = &self.reader.as_ref()?.row;
        let verb = match row.state {
            MessageState::Accepted => "got it",
            MessageState::Unconfirmed => "may have got it",
            MessageState::Rejected | MessageState::Failed => "was to get it",
            _ => "will get it",
        };
        Some(format!("As {} {verb}", row.name))
    }
}

fn search(address: &Address, searched: String, open: bool) -> AnyView {
    let kept: Vec<_> = address
        .pairs()
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect();
    view! {
        <details class="more end" open=open>
            <summary>"See it as…"</summary>
            <form method="get" action=format!("{}#letter", address.path()) class="inline">
                {kept}
                <label class="vh" for="see-as">"Name or email of somebody who got it"</label>
                <input id="see-as" type="search" name="who" placeholder="Name or email" value=searched/>
                <button class="btn sm" type="submit">"Show"</button>
            </form>
        </details>
    }
    .into_any()
}
