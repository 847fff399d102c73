//! The exact bytes of one person's message.
//!
//! [`Prepared`] encodes everything that is the same for everyone once per send. Writing one
//! person's copy is a few copies of memory plus their own few words, encoded where they land.
//! Quoted-printable throughout, so any mail server can carry it; its encoding can never produce
//! the boundary, whatever a name contains.

use chrono::{DateTime, Utc};

use super::{
    address::EmailAddress,
    header::{write_date, write_mailbox, write_text},
    quoted_printable::{write_last, write_piece},
};
use crate::rendering::{Compiled, Part, Person, Pieces, Slot, escape_html};

/// `=_` cannot occur in quoted-printable text.
const BOUNDARY: &str = "=_loupe_part";

/// Who a send is from, the same for all its messages.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    pub name: &'a str,
    pub address: &'a EmailAddress,
    pub reply_to: Option<&'a EmailAddress>,
}

/// Who one message is for.
#[derive(Clone, Copy, Debug)]
pub struct Addressee<'a> {
    /// The id of the `messages` row: the Message-ID is made of it.
    pub message_id: i64,
    /// The installation the message leaves as: the other part of the Message-ID. It stays as it is over
    /// attempts; only its letters and digits are used.
    pub installation: &'a str,
    pub name: &'a str,
    pub address: &'a EmailAddress,
    pub date: DateTime<Utc>,
    pub person: Person<'a>,
}

/// Why one message cannot be built. The others are not concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MimeProblem {
    #[error("The unsubscribe address is not a web address")]
    UnsubscribeUrl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Html,
}

#[derive(Clone, Debug)]
enum Chunk {
    Same(Vec<u8>),
    Own(Slot, Form),
}

/// A send whose messages are ready but for each person's own words.
#[derive(Clone, Debug)]
pub struct Prepared {
    compiled: Compiled,
    /// `From` and `Reply-To`.
    from: Vec<u8>,
    /// The whole field, when everybody's subject is the same.
    subject: Option<Vec<u8>>,
    /// Ends every Message-ID.
    domain: String,
    /// From `MIME-Version` to the end.
    chunks: Vec<Chunk>,
    /// Which values are needed, by slot: plain, HTML.
    used: [[bool; 2]; 4],
    size: usize,
}

/// What stands before the domain in a Message-ID. The number of a row alone would be used again by a
/// copy of the database: which installation it left as tells the two apart.
fn our_id(message: i64, installation: &str) -> String {
    let key: String = installation
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(32)
        .collect();
    format!("{message}.{}", if key.is_empty() { "loupe" } else { &key })
}

/// Appends a header field with our id of a message, the same for every attempt.
pub fn write_id(field: &str, message: i64, installation: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{field}: {}\r\n", our_id(message, installation)).as_bytes());
}

impl Prepared {
    pub fn new(compiled: Compiled, sender: Sender<'_>) -> Self {
        let mut from = Vec::new();
        write_mailbox("From", sender.name, sender.address, &mut from);
        if let Some(reply_to) = sender.reply_to {
            write_mailbox("Reply-To", sender.name, reply_to, &mut from);
        }
        let subject = compiled.subject().is_same_for_all().then(|| {
            let mut field = Vec::new();
            write_text("Subject", &compiled.subject_for(&Person::default()), &mut field);
            field
        });
        let domain = sender.address.domain().to_owned();

        let mut chunks = Vec::new();
        push_same(
            &mut chunks,
            format!(
                "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"{BOUNDARY}\"\r\n\r\n{}",
                part_head("text/plain")
            )
            .as_bytes(),
        );
        push_part(&mut chunks, compiled.text(), Form::Plain);
        push_same(&mut chunks, format!("\r\n{}", part_head("text/html")).as_bytes());
        push_part(&mut chunks, compiled.html(), Form::Html);
        push_same(&mut chunks, format!("\r\n--{BOUNDARY}--\r\n").as_bytes());

        let mut used = [[false; 2]; 4];
        let mut size = 1024;
        for chunk in &chunks {
            match chunk {
                Chunk::Same(bytes) => size += bytes.len(),
                Chunk::Own(slot, form) => {
                    size += 48;
                    if let Some(flag) = used
                        .get_mut(slot.index())
                        .and_then(|flags| flags.get_mut(*form as usize))
                    {
                        *flag = true;
                    }
                }
            }
        }
        Self {
            compiled,
            from,
            subject,
            domain,
            chunks,
            used,
            size,
        }
    }

    /// The Message-ID of a message, with its brackets: the same for every attempt.
    pub fn message_id(&self, message: i64, installation: &str) -> String {
        format!("<{}@{}>", our_id(message, installation), self.domain)
    }

    /// What the message says, for showing it.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// Appends one person's message to `out`: CRLF line ends, ASCII only, no dot-stuffing.
    pub fn write(&self, to: &Addressee<'_>, out: &mut Vec<u8>) -> Result<(), MimeProblem> {
        let url = to.person.unsubscribe_url;
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if !is_web
            || url.len() > 900
            || !url
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>' && b != b',')
        {
            return Err(MimeProblem::UnsubscribeUrl);
        }
        out.reserve(self.size);
        out.extend_from_slice(&self.from);
        write_mailbox("To", to.name, to.address, out);
        match &self.subject {
            Some(field) => out.extend_from_slice(field),
            None => write_text("Subject", &self.compiled.subject_for(&to.person), out),
        }
        write_date(to.date, out);
        out.extend_from_slice(b"Message-ID: ");
        out.extend_from_slice(self.message_id(to.message_id, to.installation).as_bytes());
        out.extend_from_slice(b"\r\nList-Unsubscribe: <");
        out.extend_from_slice(url.as_bytes());
        out.extend_from_slice(b">\r\n");
        // RFC 8058 §3.1: one click is offered over https only.
        if url.starts_with("https://") {
            out.extend_from_slice(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
        }

        let values = self.values(&to.person);
        for chunk in &self.chunks {
            match chunk {
                Chunk::Same(bytes) => out.extend_from_slice(bytes),
                Chunk::Own(slot, form) => out.extend_from_slice(values.of(*slot, *form)),
            }
        }
        Ok(())
    }

    /// Each of a person's values encoded once, however often the message says it.
    fn values(&self, person: &Person<'_>) -> Values {
        let mut values = Values {
            bytes: Vec::with_capacity(512),
            ends: [[(0, 0); 2]; 4],
        };
        let mut escaped = String::new();
        for slot in Slot::ALL {
            let [plain, html] = self.used.get(slot.index()).copied().unwrap_or_default();
            if !plain && !html {
                continue;
            }
            let value = self.compiled.value(slot, person);
            if plain {
                values.add(slot, Form::Plain, value.as_bytes());
            }
            if html {
                escaped.clear();
                escape_html(&value, &mut escaped);
                values.add(slot, Form::Html, escaped.as_bytes());
            }
        }
        values
    }
}

struct Values {
    bytes: Vec<u8>,
    ends: [[(usize, usize); 2]; 4],
}

impl Values {
    fn add(&mut self, slot: Slot, form: Form, value: &[u8]) {
        let start = self.bytes.len();
        write_piece(value, &mut self.bytes);
        if let Some(range) = self
            .ends
            .get_mut(slot.index())
            .and_then(|forms| forms.get_mut(form as usize))
        {
            *range = (start, self.bytes.len());
        }
    }

    fn of(&self, slot: Slot, form: Form) -> &[u8] {
        let range = self.ends.get(slot.index()).and_then(|forms| forms.get(form as usize));
        range
            .and_then(|(start, end)| self.bytes.get(*start..*end))
            .unwrap_or_default()
    }
}

fn part_head(kind: &str) -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
}

fn push_part(chunks: &mut Vec<Chunk>, pieces: &Pieces, form: Form) {
    let last = pieces.parts().len().saturating_sub(1);
    for (at, part) in pieces.parts().iter().enumerate() {
        match part {
            Part::Same(text) => {
                let mut encoded = Vec::with_capacity(text.len() + text.len() / 8);
                if at == last {
                    write_last(text.as_bytes(), &mut encoded);
                } else {
                    write_piece(text.as_bytes(), &mut encoded);
                }
                push_same(chunks, &encoded);
            }
            Part::Own(slot) => chunks.push(Chunk::Own(*slot, form)),
        }
    }
}

fn push_same(chunks: &mut Vec<Chunk>, bytes: &[u8]) {
    match chunks.last_mut() {
        Some(Chunk::Same(last)) => last.extend_from_slice(bytes),
        _ => chunks.push(Chunk::Same(bytes.to_vec())),
    }
}
