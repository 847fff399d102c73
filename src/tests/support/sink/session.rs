//! One connection.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    fault::{Fault, PerConnection, Stage},
    state::State,
};

const LONGEST_LINE: usize = 4096;

/// A connection that can be cut.
pub(super) trait Line: AsyncRead + AsyncWrite + Unpin + Send {
    /// Closing it sends a reset instead of a goodbye.
    fn cut_on_close(&self);
}

impl Line for TcpStream {
    fn cut_on_close(&self) {
        let _best_effort = self.set_zero_linger();
    }
}

impl Line for TlsStream<TcpStream> {
    fn cut_on_close(&self) {
        let _best_effort = self.get_ref().0.set_zero_linger();
    }
}

/// Serves in the clear, and on in private after STARTTLS.
pub(super) async fn serve_plain(stream: TcpStream, state: &Arc<State>) -> io::Result<()> {
    match serve(stream, false, state).await? {
        Some(stream) => {
            let Some(tls) = state.settings.tls.clone() else {
                return Ok(());
            };
            let stream = TlsAcceptor::from(tls).accept(stream).await?;
            serve(stream, true, state).await.map(drop)
        }
        None => Ok(()),
    }
}

/// Returns the connection when STARTTLS was asked for.
pub(super) async fn serve<S: Line>(stream: S, secure: bool, state: &Arc<State>) -> io::Result<Option<S>> {
    let mut session = Session {
        stream,
        state,
        secure,
        inbox: Vec::with_capacity(64 * 1024),
        read_to: 0,
        outbox: Vec::with_capacity(1024),
        signed_in: state.settings.login.is_none(),
        asked: Asked::Command,
        sender: String::new(),
        recipient: String::new(),
        number: 0,
        taken: 0,
        fault: None,
    };
    // After STARTTLS the client speaks first.
    if !secure || state.settings.implicit_tls {
        session.say("220 sink ready");
    }
    loop {
        match session.step().await? {
            Step::Go => {}
            Step::HangUp => {
                session.flush().await?;
                return Ok(None);
            }
            Step::Secure => {
                session.flush().await?;
                return Ok(Some(session.stream));
            }
        }
    }
}

enum Step {
    Go,
    HangUp,
    Secure,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Command,
    PlainSecret,
    LoginUser,
    LoginPassword { user_fits: bool },
}

struct Session<'a, S> {
    stream: S,
    state: &'a Arc<State>,
    secure: bool,
    inbox: Vec<u8>,
    read_to: usize,
    outbox: Vec<u8>,
    signed_in: bool,
    asked: Asked,
    sender: String,
    recipient: String,
    number: u64,
    /// Over this connection.
    taken: u64,
    fault: Option<Fault>,
}

impl<S: Line> Session<'_, S> {
    fn say(&mut self, line: &str) {
        self.outbox.extend_from_slice(line.as_bytes());
        self.outbox.extend_from_slice(b"\r\n");
    }

    fn refuse(&mut self, code: u16) {
        self.state.refused();
        let words = if code < 500 {
            "not now, try again later"
        } else {
            "not taken"
        };
        self.say(&format!("{code} {}.7.1 {words}", code / 100));
    }

    fn struck(&self) {
        if let Some(fault) = self.fault {
            self.state.struck(fault);
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        if !self.state.settings.delay.is_zero() {
            tokio::time::sleep(self.state.settings.delay).await;
        }
        self.stream.write_all(&self.outbox).await?;
        self.stream.flush().await?;
        self.outbox.clear();
        Ok(())
    }

    /// More bytes; answers go out first. False when there are no more.
    async fn more(&mut self) -> io::Result<bool> {
        self.flush().await?;
        if self.read_to > 0 {
            self.inbox.drain(..self.read_to);
            self.read_to = 0;
        }
        self.inbox.reserve(32 * 1024);
        Ok(self.stream.read_buf(&mut self.inbox).await? > 0)
    }

    async fn step(&mut self) -> io::Result<Step> {
        let unread = self.inbox.get(self.read_to..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', unread) else {
            if unread.len() > LONGEST_LINE {
                self.say("500 line too long");
                return Ok(Step::HangUp);
            }
            return Ok(if self.more().await? { Step::Go } else { Step::HangUp });
        };
        let line = String::from_utf8_lossy(unread.get(..end).unwrap_or_default()).into_owned();
        self.read_to += end + 1;
        let Some(line) = line.strip_suffix('\r') else {
            self.say("500 a line ends with CR LF");
            return Ok(Step::Go);
        };
        if !self.state.settings.pipelining && self.read_to < self.inbox.len() {
            self.state.sent_ahead();
        }
        self.command(line).await
    }

    async fn command(&mut self, line: &str) -> io::Result<Step> {
        if self.asked != Asked::Command {
            self.secret(line);
            return Ok(Step::Go);
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.greet(),
            "HELO" => self.say("250 sink"),
            "STARTTLS" if !self.secure && self.state.settings.tls.is_some() => {
                self.say("220 go ahead");
                return Ok(Step::Secure);
            }
            "AUTH" => self.auth(rest),
            "MAIL" if !self.signed_in => self.say("530 5.7.0 sign in first"),
            "MAIL" => return Ok(self.mail(rest)),
            "RCPT" => return Ok(self.rcpt(rest)),
            "DATA" => return self.data().await,
            "RSET" => {
                self.state.reset();
                self.forget();
                self.say("250 2.0.0 ok");
            }
            "NOOP" => self.say("250 2.0.0 ok"),
            "QUIT" => {
                self.say("221 2.0.0 bye");
                return Ok(Step::HangUp);
            }
            _ => self.say("502 5.5.2 no such command"),
        }
        Ok(Step::Go)
    }

    fn greet(&mut self) {
        self.say("250-sink");
        if self.state.settings.pipelining {
            self.say("250-PIPELINING");
        }
        if self.state.settings.tls.is_some() && !self.secure {
            self.say("250-STARTTLS");
        }
        if self.state.settings.login.is_some() {
            let settings = &self.state.settings;
            let offered = settings.offered.unwrap_or(settings.mechanism);
            self.say(&format!("250-AUTH {offered}"));
        }
        self.say("250 8BITMIME");
    }

    fn auth(&mut self, rest: &str) {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        if !mechanism.eq_ignore_ascii_case(self.state.settings.mechanism) {
            self.say(self.state.settings.other_mechanisms);
        } else if mechanism.eq_ignore_ascii_case("LOGIN") {
            self.asked = Asked::LoginUser;
            self.say("334 VXNlcm5hbWU6");
        } else if initial.is_empty() {
            self.asked = Asked::PlainSecret;
            self.say("334 ");
        } else {
            self.check(initial == self.expected(|user, password| format!("\0{user}\0{password}")));
        }
    }

    fn secret(&mut self, line: &str) {
        match std::mem::replace(&mut self.asked, Asked::Command) {
            Asked::LoginUser => {
                let user_fits = line == self.expected(|user, _| user.to_owned());
                self.asked = Asked::LoginPassword { user_fits };
                self.say("334 UGFzc3dvcmQ6");
            }
            Asked::LoginPassword { user_fits } => {
                self.check(user_fits && line == self.expected(|_, password| password.to_owned()));
            }
            _ => self.check(line == self.expected(|user, password| format!("\0{user}\0{password}"))),
        }
    }

    fn expected(&self, of: impl Fn(&str, &str) -> String) -> String {
        use base64::Engine as _;
        let login = self.state.settings.login.as_ref();
        login.map_or_else(String::new, |(user, password)| {
            base64::engine::general_purpose::STANDARD.encode(of(user, password))
        })
    }

    fn check(&mut self, fits: bool) {
        self.signed_in = fits;
        self.say(if fits {
            "235 2.7.0 welcome"
        } else {
            "535 5.7.8 wrong user name or password"
        });
    }

    fn forget(&mut self) {
        self.sender.clear();
        self.recipient.clear();
        self.fault = None;
    }

    /// What is said here when the connection has carried all that it may.
    fn end_at(&self, stage: Stage) -> Option<PerConnection> {
        let limit = self.state.settings.per_connection?;
        (limit.stage == stage && self.taken >= limit.most).then_some(limit)
    }

    fn end(&mut self, limit: PerConnection) -> Step {
        self.state.refused();
        self.say(&format!("{} {}", limit.code, limit.words));
        match limit.code {
            421 => Step::HangUp,
            _ => Step::Go,
        }
    }

    /// The words that a fault has for this.
    fn words_at(&self, stage: Stage) -> Option<&'static str> {
        match self.fault {
            Some(Fault::Says(at, words)) if at == stage => Some(words),
            _ => None,
        }
    }

    fn says(&mut self, words: &str) {
        self.struck();
        self.state.refused();
        self.say(words);
    }

    fn mail(&mut self, rest: &str) -> Step {
        self.forget();
        self.number = self.state.begin();
        if let Some(limit) = self.end_at(Stage::Mail) {
            return self.end(limit);
        }
        let sender = path(rest);
        // A rule about recipients is looked up again when there is one.
        self.fault = self.state.fault(self.number, &sender, "");
        if let Some(words) = self.words_at(Stage::Mail) {
            self.says(words);
            return Step::Go;
        }
        match self.fault {
            Some(Fault::Closing) => {
                self.struck();
                self.state.refused();
                self.say("421 4.3.2 closing down");
                return Step::HangUp;
            }
            Some(Fault::Mail(code)) => {
                self.struck();
                self.refuse(code);
            }
            _ => {
                self.sender = sender;
                self.say("250 2.1.0 ok");
            }
        }
        Step::Go
    }

    fn rcpt(&mut self, rest: &str) -> Step {
        if self.sender.is_empty() {
            self.say("503 5.5.1 MAIL first");
            return Step::Go;
        }
        if let Some(limit) = self.end_at(Stage::Rcpt) {
            return self.end(limit);
        }
        let recipient = path(rest);
        if self.fault.is_none() {
            self.fault = self.state.fault(self.number, &self.sender, &recipient);
        }
        if let Some(words) = self.words_at(Stage::Rcpt) {
            self.says(words);
            return Step::Go;
        }
        match self.fault {
            Some(Fault::Rcpt(code) | Fault::RcptButData(code)) => {
                self.struck();
                self.refuse(code);
            }
            _ => {
                self.recipient = recipient;
                self.say("250 2.1.5 ok");
            }
        }
        Step::Go
    }

    async fn data(&mut self) -> io::Result<Step> {
        if !self.recipient.is_empty() {
            if let Some(limit) = self.end_at(Stage::Data) {
                return Ok(self.end(limit));
            }
            if let Some(words) = self.words_at(Stage::Data) {
                self.says(words);
                return Ok(Step::Go);
            }
        }
        match self.fault {
            Some(Fault::HangUpBeforeData) => {
                self.struck();
                return Ok(Step::HangUp);
            }
            Some(Fault::Data(code)) => {
                self.struck();
                self.refuse(code);
                return Ok(Step::Go);
            }
            Some(Fault::RcptButData(_)) => {}
            _ if self.recipient.is_empty() => {
                self.say("503 5.5.1 RCPT first");
                return Ok(Step::Go);
            }
            _ => {}
        }
        if !self.state.settings.pipelining && self.read_to < self.inbox.len() {
            self.state.sent_ahead();
        }
        self.say("354 go ahead");
        let Some(length) = self.content().await? else {
            return Ok(Step::HangUp);
        };
        self.end_of_content(length).await
    }

    /// The length of the content, once its final dot has come; `None` when it never does.
    async fn content(&mut self) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let unread = self.inbox.get(self.read_to..).unwrap_or_default();
            if unread.starts_with(b".\r\n") {
                return Ok(Some(0));
            }
            let from = searched.min(unread.len());
            if let Some(at) = memchr::memmem::find(unread.get(from..).unwrap_or_default(), b"\r\n.\r\n") {
                return Ok(Some(from + at + 2));
            }
            searched = unread.len().saturating_sub(4);
            if self.fault == Some(Fault::HangUpInContent) && !unread.is_empty() {
                self.struck();
                return Ok(None);
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    async fn end_of_content(&mut self, length: usize) -> io::Result<Step> {
        let (start, end) = (self.read_to, self.read_to + length);
        self.read_to = end + 3;
        if let Some(line) = self.no_to_content() {
            let answer = line.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
            let content = self.inbox.get(start..end).unwrap_or_default();
            self.state.keep(&self.sender, &self.recipient, content, answer);
            self.say(&line);
            self.forget();
            return Ok(if answer == 421 { Step::HangUp } else { Step::Go });
        }
        if matches!(
            self.fault,
            Some(
                Fault::HangUpInContent
                    | Fault::HangUpAfterDot
                    | Fault::Nonsense
                    | Fault::SlowDot(_)
                    | Fault::ResetAfterAccept
                    | Fault::Dot(_)
                    | Fault::ClosingAfterDot
            )
        ) {
            self.struck();
        }
        let answer = match self.fault {
            Some(Fault::HangUpInContent) => return Ok(Step::HangUp),
            Some(Fault::HangUpAfterDot | Fault::Nonsense) => 0,
            Some(Fault::Dot(code)) => code,
            Some(Fault::ClosingAfterDot) => 421,
            _ if self.recipient.is_empty() => 554,
            _ => 250,
        };
        let content = self.inbox.get(start..end).unwrap_or_default();
        self.state.keep(&self.sender, &self.recipient, content, answer);
        self.taken += u64::from(answer == 250);
        self.state.until_released().await;
        match self.fault {
            Some(Fault::HangUpAfterDot) => return Ok(Step::HangUp),
            Some(Fault::Nonsense) => self.say("what?"),
            Some(Fault::SlowDot(wait)) => {
                self.flush().await?;
                tokio::time::sleep(wait).await;
                self.say("250 2.0.0 taken");
            }
            Some(Fault::ResetAfterAccept) => {
                self.say("250 2.0.0 taken");
                self.flush().await?;
                tokio::time::sleep(Duration::from_millis(30)).await;
                self.stream.cut_on_close();
                return Ok(Step::HangUp);
            }
            _ if answer == 250 => self.say("250 2.0.0 taken"),
            _ => self.say(&format!("{answer} {}.6.0 content not taken", answer / 100)),
        }
        self.forget();
        if let Some(limit) = self.end_at(Stage::After) {
            return Ok(self.end(limit));
        }
        Ok(if answer == 421 { Step::HangUp } else { Step::Go })
    }

    /// The words with which a content is refused.
    fn no_to_content(&self) -> Option<String> {
        if let Some(limit) = self.end_at(Stage::Dot) {
            return Some(format!("{} {}", limit.code, limit.words));
        }
        let words = self.words_at(Stage::Dot)?;
        self.struck();
        Some(words.to_owned())
    }
}

/// What stands between the brackets.
fn path(rest: &str) -> String {
    let inner = rest
        .split_once('<')
        .and_then(|(_, after)| after.split_once('>'))
        .map(|(inner, _)| inner);
    inner.unwrap_or_default().to_owned()
}
