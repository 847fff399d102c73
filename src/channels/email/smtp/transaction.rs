//! One message after another: offered, sent, settled.

use std::time::Duration;

use super::{connection::Connection, content::write_content, reply::Reply};
use crate::channels::{Outcome, email::EmailAddress};

/// How long a server that stopped taking content gets to say why.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Who a message is from and who gets it, as the mail server sees it.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    pub from: &'a EmailAddress,
    pub to: &'a EmailAddress,
}

/// The command that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The sender: likely to be refused for every message.
    Mail,
    /// The recipient.
    Rcpt,
    Data,
}

/// What became of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered {
    /// The server waits for the content.
    Ready,
    /// Not taken; nothing was sent. The connection goes on unless the reply was 421.
    Refused { at: Step, reply: Reply },
}

/// The connection is gone, and what that means for the message at hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// None of its content left: it may be tried again without a second copy.
    #[error("{why}")]
    NotSent { why: String },
    /// Some of its content left and no answer came.
    #[error("{why}")]
    Ambiguous { why: String },
}

impl From<Lost> for Outcome {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::NotSent { why } => Outcome::NotSent { why },
            Lost::Ambiguous { why } => Outcome::Unconfirmed { why },
        }
    }
}

/// What became of a message that was sent, and of the offer that went with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    pub outcome: Outcome,
    /// Present exactly when a next envelope was given.
    pub next: Option<Result<Offered, Lost>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Idle,
    /// The server answered 354.
    Ready,
    /// Content and final dot are out; so is the next offer, or it is in `later`.
    Sent {
        next: bool,
    },
    /// The server answered before it had taken everything, and hangs up.
    Answered {
        reply: Reply,
        next: bool,
    },
    Closed,
}

impl Connection {
    /// Offers a message: `MAIL`, `RCPT`, `DATA`.
    pub async fn offer(&mut self, envelope: &Envelope<'_>) -> Result<Offered, Lost> {
        if self.stage != Stage::Idle || self.has_unread() {
            return Err(self.not_sent("the connection is not free"));
        }
        // Whoever stops waiting half-way leaves a connection that nobody can use.
        self.stage = Stage::Closed;
        let mut commands = std::mem::take(&mut self.outbox);
        commands.clear();
        let reset = std::mem::take(&mut self.needs_reset);
        if reset && self.pipelining {
            commands.extend_from_slice(b"RSET\r\n");
        }
        write_offer(envelope, &mut commands);
        let offered = if self.pipelining {
            self.offer_together(&commands, reset).await
        } else {
            self.offer_step_by_step(&commands, reset).await
        };
        self.outbox = commands;
        offered
    }

    /// Hands over the content of the message that is [`Offered::Ready`], its final dot and, if
    /// given, the next message's offer, in one write. The caller has marked the message before.
    pub async fn send(&mut self, content: &[u8], next: Option<&Envelope<'_>>) -> Result<(), Lost> {
        if self.stage != Stage::Ready || self.has_unread() {
            return Err(self.not_sent("the connection is not ready for content"));
        }
        self.stage = Stage::Closed;
        let mut bytes = std::mem::take(&mut self.outbox);
        bytes.clear();
        if write_content(content, &mut bytes).is_err() {
            self.outbox = bytes;
            return Err(self.not_sent("the message has a bare line end"));
        }
        self.later.clear();
        if let Some(next) = next {
            write_offer(next, if self.pipelining { &mut bytes } else { &mut self.later });
        }
        let written = self.write_content(&bytes).await;
        self.outbox = bytes;
        let next = next.is_some();
        self.stage = match written? {
            None => Stage::Sent { next },
            Some(reply) => Stage::Answered { reply, next },
        };
        Ok(())
    }

    /// Waits for the answer to what [`Connection::send`] handed over.
    pub async fn settle(&mut self) -> Delivered {
        let next = match std::mem::replace(&mut self.stage, Stage::Closed) {
            Stage::Sent { next } => next,
            Stage::Answered { reply, next } => {
                let next = next.then(|| Err(Lost::NotSent { why: reply.to_string() }));
                return Delivered {
                    outcome: reply.verdict(),
                    next,
                };
            }
            _ => {
                return Delivered {
                    outcome: self.not_sent("nothing was sent").into(),
                    next: None,
                };
            }
        };
        let reply = match self.reply(self.waits.content).await {
            Ok(reply) => reply,
            Err(why) => {
                let next = next.then(|| Err(Lost::NotSent { why: why.clone() }));
                return Delivered {
                    outcome: Outcome::Unconfirmed { why },
                    next,
                };
            }
        };
        let outcome = reply.verdict();
        self.taken += u32::from(matches!(outcome, Outcome::Accepted { .. }));
        if reply.is_closing() || matches!(outcome, Outcome::Unconfirmed { .. }) {
            let next = next.then(|| Err(Lost::NotSent { why: reply.to_string() }));
            return Delivered { outcome, next };
        }
        if !next {
            self.stage = Stage::Idle;
            return Delivered { outcome, next: None };
        }
        let offered = if self.pipelining {
            self.read_offer().await
        } else {
            let commands = std::mem::take(&mut self.later);
            let offered = self.offer_step_by_step(&commands, false).await;
            self.later = commands;
            offered
        };
        Delivered {
            outcome,
            next: Some(offered),
        }
    }

    /// [`Connection::send`] and [`Connection::settle`] in one.
    pub async fn deliver(&mut self, content: &[u8], next: Option<&Envelope<'_>>) -> Delivered {
        match self.send(content, next).await {
            Ok(()) => self.settle().await,
            Err(lost) => {
                let next = next.map(|_| Err(Lost::NotSent { why: lost.to_string() }));
                Delivered {
                    outcome: lost.into(),
                    next,
                }
            }
        }
    }

    /// Takes back an offer the server is [`Offered::Ready`] for. There is no command for that: the
    /// connection is given up, and without a final dot the server forgets the message.
    pub fn withdraw(&mut self) {
        if self.stage == Stage::Ready {
            self.stage = Stage::Closed;
        }
    }

    async fn offer_together(&mut self, commands: &[u8], reset: bool) -> Result<Offered, Lost> {
        if let Err(why) = self.write(commands).await {
            return Err(self.not_sent(&why));
        }
        if reset {
            match self.reply(self.waits.command).await {
                Ok(reply) if reply.is_closing() => return Ok(self.refused(Step::Mail, reply)),
                Ok(_) => {}
                Err(why) => return Err(self.not_sent(&why)),
            }
        }
        self.read_offer().await
    }

    /// Reads the three answers of an offer that was written in one go.
    async fn read_offer(&mut self) -> Result<Offered, Lost> {
        let mut refused: Option<(Step, Reply)> = None;
        let mut has_recipient = false;
        for step in [Step::Mail, Step::Rcpt, Step::Data] {
            let (code, range) = match self.next_reply(self.waits.command).await {
                Ok(found) => found,
                Err(why) => {
                    // A refusal that was read is true whatever happened after it.
                    let lost = self.not_sent(&why);
                    return refused.map_or(Err(lost), |(at, reply)| Ok(Offered::Refused { at, reply }));
                }
            };
            match (step, code) {
                (Step::Mail, 200..300) => {}
                (Step::Rcpt, 200..300) => has_recipient = true,
                (Step::Data, 354) => return self.ready_for_content(refused, has_recipient).await,
                _ => {
                    let reply = self.reply_at(range);
                    let is_closing = reply.is_closing();
                    let (at, reply) = refused.unwrap_or((step, reply));
                    if is_closing {
                        return Ok(self.refused_and_closed(at, reply));
                    }
                    refused = Some((at, reply));
                }
            }
        }
        match refused {
            Some((at, reply)) => Ok(self.refused(at, reply)),
            None => Err(self.not_sent("the server's answers make no sense")),
        }
    }

    /// After 354: usually what was wanted, but an offer that was refused must be ended.
    async fn ready_for_content(
        &mut self,
        refused: Option<(Step, Reply)>,
        has_recipient: bool,
    ) -> Result<Offered, Lost> {
        let Some((at, reply)) = refused else {
            self.stage = Stage::Ready;
            return Ok(Offered::Ready);
        };
        // With a recipient a lone dot would deliver an empty message: hang up instead.
        if has_recipient || self.command(b".\r\n", self.waits.command).await.is_err() {
            return Ok(self.refused_and_closed(at, reply));
        }
        Ok(self.refused(at, reply))
    }

    /// One command, one answer, until the first refusal.
    async fn offer_step_by_step(&mut self, commands: &[u8], reset: bool) -> Result<Offered, Lost> {
        if reset {
            match self.command(b"RSET\r\n", self.waits.command).await {
                Ok(reply) if reply.is_closing() => return Ok(self.refused(Step::Mail, reply)),
                Ok(_) => {}
                Err(why) => return Err(self.not_sent(&why)),
            }
        }
        for (step, line) in [Step::Mail, Step::Rcpt, Step::Data]
            .into_iter()
            .zip(commands.split_inclusive(|b| *b == b'\n'))
        {
            let reply = match self.command(line, self.waits.command).await {
                Ok(reply) => reply,
                Err(why) => return Err(self.not_sent(&why)),
            };
            match (step, reply.code) {
                (Step::Mail | Step::Rcpt, 200..300) => {}
                (Step::Data, 354) => {
                    self.stage = Stage::Ready;
                    return Ok(Offered::Ready);
                }
                _ => return Ok(self.refused(step, reply)),
            }
        }
        Err(self.not_sent("the server's answers make no sense"))
    }

    fn refused(&mut self, at: Step, reply: Reply) -> Offered {
        if reply.is_closing() || !(reply.is_transient() || reply.is_permanent()) {
            return self.refused_and_closed(at, reply);
        }
        self.stage = Stage::Idle;
        self.needs_reset = true;
        Offered::Refused { at, reply }
    }

    fn refused_and_closed(&mut self, at: Step, reply: Reply) -> Offered {
        self.stage = Stage::Closed;
        Offered::Refused { at, reply }
    }

    fn not_sent(&mut self, why: &str) -> Lost {
        self.stage = Stage::Closed;
        Lost::NotSent { why: why.to_owned() }
    }

    /// Writes all of it, or returns what the server said instead of taking it.
    async fn write_content(&mut self, bytes: &[u8]) -> Result<Option<Reply>, Lost> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.write_some(rest).await {
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(why) if rest.len() == bytes.len() && !self.wire.is_tls() => return Err(Lost::NotSent { why }),
                Err(why) => return self.last_words(why).await,
            }
        }
        match self.flush().await {
            Ok(()) => Ok(None),
            Err(why) => self.last_words(why).await,
        }
    }

    /// The server stopped taking content. If it said no, that is an answer like any other.
    async fn last_words(&mut self, why: String) -> Result<Option<Reply>, Lost> {
        match self.reply(LAST_WORDS.min(self.waits.command)).await {
            Ok(reply) if reply.is_permanent() || reply.is_transient() => Ok(Some(reply)),
            _ => Err(Lost::Ambiguous { why }),
        }
    }
}

fn write_offer(envelope: &Envelope<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"MAIL FROM:<");
    out.extend_from_slice(envelope.from.as_str().as_bytes());
    out.extend_from_slice(b">\r\nRCPT TO:<");
    out.extend_from_slice(envelope.to.as_str().as_bytes());
    out.extend_from_slice(b">\r\nDATA\r\n");
}
