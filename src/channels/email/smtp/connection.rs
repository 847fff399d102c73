//! Opening a connection, and one command with its answer.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::{
    account::{Account, Tls, Waits},
    login,
    reply::{Reply, whole_reply},
    transaction::Stage,
    wire::Wire,
};

/// One open connection to a mail server. Not for two messages at a time.
pub struct Connection {
    pub(super) wire: Wire,
    inbox: Vec<u8>,
    /// How much of `inbox` has been read.
    read_to: usize,
    pub(super) outbox: Vec<u8>,
    /// Without pipelining: the next message's commands, until the server is ready for them.
    pub(super) later: Vec<u8>,
    pub(super) waits: Waits,
    pub(super) pipelining: bool,
    pub(super) stage: Stage,
    /// A refusal left a transaction behind.
    pub(super) needs_reset: bool,
    pub(super) taken: u32,
    offers: Offers,
}

/// What the server said it can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    pub pipelining: bool,
    pub starttls: bool,
    pub auth_plain: bool,
    pub auth_login: bool,
    pub auth_xoauth2: bool,
    /// Bytes of the largest message it takes.
    pub size: Option<u64>,
}

/// Why there is no connection. Nothing of any message has been sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectProblem {
    #[error("the mail server can't be reached: {0}")]
    Unreachable(String),
    #[error("the mail server does not want to talk now: {0}")]
    Greeting(Reply),
    #[error("no secure connection: {0}")]
    Tls(String),
    #[error("the mail server offers no secure connection (STARTTLS)")]
    NoStartTls,
    #[error("the mail server refused the user name or password: {0}")]
    Login(Reply),
    /// Not the password: it never got so far, or a password does not do.
    #[error("the mail server does not let us sign in this way: {0}")]
    LoginMethod(Reply),
    #[error("the mail server can't sign us in now: {0}")]
    LoginLater(Reply),
    #[error("the mail server refused the access token{}: {reply}", status_words(.status.as_deref()))]
    Token { status: Option<String>, reply: Reply },
    #[error("the mail server offers no way to sign in that we know (PLAIN, LOGIN, or XOAUTH2 with auth=xoauth2)")]
    NoLogin,
    #[error("the mail server doesn't offer to sign in with an access token (XOAUTH2): leave out auth=xoauth2")]
    NoXoauth2,
    #[error("the mail server stopped answering: {0}")]
    Lost(String),
}

/// `, status 400`
fn status_words(status: Option<&str>) -> String {
    status.map_or_else(String::new, |status| format!(", status {status}"))
}

/// Never what is in the buffers: that is somebody's letter.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secure = self.wire.is_tls();
        let (stage, pipelining) = (&self.stage, &self.pipelining);
        f.debug_struct("Connection")
            .field("stage", stage)
            .field("secure", &secure)
            .field("pipelining", pipelining)
            .finish_non_exhaustive()
    }
}

impl ConnectProblem {
    /// True when trying again changes nothing until somebody mends the account.
    pub fn needs_mending(&self) -> bool {
        match self {
            ConnectProblem::Greeting(reply)
            | ConnectProblem::Login(reply)
            | ConnectProblem::LoginMethod(reply)
            | ConnectProblem::Token { reply, .. } => reply.is_permanent(),
            ConnectProblem::NoStartTls | ConnectProblem::NoLogin | ConnectProblem::NoXoauth2 => true,
            ConnectProblem::Unreachable(_)
            | ConnectProblem::Tls(_)
            | ConnectProblem::LoginLater(_)
            | ConnectProblem::Lost(_) => false,
        }
    }
}

impl Connection {
    /// Connects, secures, greets and signs in.
    pub async fn open(account: &Account) -> Result<Self, ConnectProblem> {
        let stream = connect(account).await?;
        let local = stream.local_addr().ok();
        let mut connection = Self::over(stream, account.waits);
        if account.tls == Tls::Implicit {
            connection.secure(account).await?;
        }
        let greeting = connection
            .reply(account.waits.command)
            .await
            .map_err(ConnectProblem::Lost)?;
        if greeting.code != 220 {
            return Err(ConnectProblem::Greeting(greeting));
        }
        let helo = account.helo.clone().unwrap_or_else(|| literal(local));
        connection.greet(&helo).await?;
        if account.tls == Tls::StartTls {
            connection.start_tls(account).await?;
            connection.greet(&helo).await?;
        }
        if let Some(login) = &account.login {
            login::sign_in(&mut connection, login).await?;
        }
        connection.pipelining = account.pipelining && connection.offers.pipelining;
        connection.stage = Stage::Idle;
        Ok(connection)
    }

    fn over(stream: TcpStream, waits: Waits) -> Self {
        Self {
            wire: Wire::Plain(stream),
            inbox: Vec::with_capacity(4096),
            read_to: 0,
            outbox: Vec::with_capacity(16 * 1024),
            later: Vec::new(),
            waits,
            pipelining: false,
            stage: Stage::Closed,
            needs_reset: false,
            taken: 0,
            offers: Offers::default(),
        }
    }

    /// What the server said it can do.
    pub fn offers(&self) -> Offers {
        self.offers
    }

    /// False once the server hung up, said 421 or stopped making sense: open another.
    pub fn is_open(&self) -> bool {
        self.stage != Stage::Closed
    }

    /// Messages that the server has taken over this connection.
    pub fn taken(&self) -> u32 {
        self.taken
    }

    /// True when messages follow each other without waiting.
    pub fn is_pipelining(&self) -> bool {
        self.pipelining
    }

    /// Says goodbye; does not mind if nobody answers.
    pub async fn quit(mut self) {
        if matches!(self.stage, Stage::Idle) {
            let _answered = self
                .command(b"QUIT\r\n", Duration::from_secs(5).min(self.waits.command))
                .await;
        }
    }

    async fn greet(&mut self, helo: &str) -> Result<(), ConnectProblem> {
        let wait = self.waits.command;
        self.write(format!("EHLO {helo}\r\n").as_bytes())
            .await
            .map_err(ConnectProblem::Lost)?;
        let (code, range) = self.next_reply(wait).await.map_err(ConnectProblem::Lost)?;
        if code == 250 {
            self.offers = read_offers(self.inbox.get(range).unwrap_or_default());
            return Ok(());
        }
        self.offers = Offers::default();
        let reply = self
            .command(format!("HELO {helo}\r\n").as_bytes(), wait)
            .await
            .map_err(ConnectProblem::Lost)?;
        if reply.code == 250 {
            Ok(())
        } else {
            Err(ConnectProblem::Greeting(reply))
        }
    }

    async fn start_tls(&mut self, account: &Account) -> Result<(), ConnectProblem> {
        if !self.offers.starttls {
            return Err(ConnectProblem::NoStartTls);
        }
        let reply = self
            .command(b"STARTTLS\r\n", account.waits.command)
            .await
            .map_err(ConnectProblem::Lost)?;
        if reply.code != 220 {
            return Err(ConnectProblem::Tls(reply.to_string()));
        }
        // What was said in the clear must not be taken for what is said in private.
        if self.has_unread() {
            return Err(ConnectProblem::Tls("something was slipped in before it".to_owned()));
        }
        self.secure(account).await
    }

    async fn secure(&mut self, account: &Account) -> Result<(), ConnectProblem> {
        let name =
            ServerName::try_from(account.host.clone()).map_err(|error| ConnectProblem::Tls(error.to_string()))?;
        let Wire::Plain(stream) = std::mem::replace(&mut self.wire, Wire::Gone) else {
            return Err(ConnectProblem::Tls("already secure".to_owned()));
        };
        let connector = TlsConnector::from(Arc::clone(&account.tls_config));
        let handshake = Box::pin(connector.connect(name, stream));
        match timeout(account.waits.connect, handshake).await {
            Ok(Ok(stream)) => self.wire = Wire::Tls(Box::new(stream)),
            Ok(Err(error)) => return Err(ConnectProblem::Tls(error.to_string())),
            Err(_) => return Err(ConnectProblem::Tls("no answer in time".to_owned())),
        }
        Ok(())
    }

    /// One command, its answer.
    pub(super) async fn command(&mut self, line: &[u8], wait: Duration) -> Result<Reply, String> {
        self.write(line).await?;
        self.reply(wait).await
    }

    /// Writes commands: after an error nothing more is written.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let n = self.write_some(rest).await?;
            rest = rest.get(n..).unwrap_or_default();
        }
        self.flush().await
    }

    /// Writes some of the bytes under the time-out of a command.
    pub(super) async fn write_some(&mut self, bytes: &[u8]) -> Result<usize, String> {
        match timeout(self.waits.command, self.wire.write(bytes)).await {
            Ok(Ok(0)) => Err("the connection was closed".to_owned()),
            Ok(Ok(n)) => Ok(n),
            Ok(Err(error)) => Err(words(&error)),
            Err(_) => Err("the server took nothing in time".to_owned()),
        }
    }

    pub(super) async fn flush(&mut self) -> Result<(), String> {
        match timeout(self.waits.command, self.wire.flush()).await {
            Ok(flushed) => flushed.map_err(|error| words(&error)),
            Err(_) => Err("the server took nothing in time".to_owned()),
        }
    }

    pub(super) async fn reply(&mut self, wait: Duration) -> Result<Reply, String> {
        let (_, range) = self.next_reply(wait).await?;
        Ok(self.reply_at(range))
    }

    pub(super) fn reply_at(&self, range: std::ops::Range<usize>) -> Reply {
        Reply::read(self.inbox.get(range).unwrap_or_default())
    }

    /// The next reply's code, and where its lines are until the next read.
    pub(super) async fn next_reply(&mut self, wait: Duration) -> Result<(u16, std::ops::Range<usize>), String> {
        if let Some(found) = self.unread_reply()? {
            return Ok(found);
        }
        match timeout(wait, self.read_reply()).await {
            Ok(found) => found,
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    async fn read_reply(&mut self) -> Result<(u16, std::ops::Range<usize>), String> {
        loop {
            if self.read_to == self.inbox.len() {
                self.inbox.clear();
                self.read_to = 0;
            }
            self.inbox.reserve(1024);
            match self.wire.read(&mut self.inbox).await {
                Ok(0) => return Err("the connection was closed".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(words(&error)),
            }
            if let Some(found) = self.unread_reply()? {
                return Ok(found);
            }
        }
    }

    fn unread_reply(&mut self) -> Result<Option<(u16, std::ops::Range<usize>)>, String> {
        let unread = self.inbox.get(self.read_to..).unwrap_or_default();
        match whole_reply(unread) {
            Ok(Some((code, length))) => {
                let start = self.read_to;
                self.read_to += length;
                Ok(Some((code, start..self.read_to)))
            }
            Ok(None) => Ok(None),
            Err(_) => Err("the server's answer is not SMTP".to_owned()),
        }
    }

    /// An answer nobody asked for is waiting.
    pub(super) fn has_unread(&self) -> bool {
        self.read_to < self.inbox.len()
    }
}

async fn connect(account: &Account) -> Result<TcpStream, ConnectProblem> {
    match timeout(
        account.waits.connect,
        TcpStream::connect((account.host.as_str(), account.port)),
    )
    .await
    {
        Ok(Ok(stream)) => {
            stream
                .set_nodelay(true)
                .map_err(|error| ConnectProblem::Unreachable(words(&error)))?;
            Ok(stream)
        }
        Ok(Err(error)) => Err(ConnectProblem::Unreachable(words(&error))),
        Err(_) => Err(ConnectProblem::Unreachable("no answer in time".to_owned())),
    }
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "the connection was cut".to_owned(),
        io::ErrorKind::UnexpectedEof => "the connection was closed".to_owned(),
        _ => error.to_string(),
    }
}

/// Our own address in the form that RFC 5321 wants when there is no name.
fn literal(local: Option<SocketAddr>) -> String {
    match local {
        Some(SocketAddr::V4(v4)) => format!("[{}]", v4.ip()),
        Some(SocketAddr::V6(v6)) => format!("[IPv6:{}]", v6.ip()),
        None => "localhost".to_owned(),
    }
}

fn read_offers(lines: &[u8]) -> Offers {
    let mut offers = Offers::default();
    for line in String::from_utf8_lossy(lines).lines().skip(1) {
        let line = line.get(4..).unwrap_or_default().trim().to_ascii_uppercase();
        let mut words = line.split([' ', '=']);
        match words.next() {
            Some("PIPELINING") => offers.pipelining = true,
            Some("STARTTLS") => offers.starttls = true,
            Some("SIZE") => offers.size = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0),
            Some("AUTH") => {
                for mechanism in words {
                    offers.auth_plain |= mechanism == "PLAIN";
                    offers.auth_login |= mechanism == "LOGIN";
                    offers.auth_xoauth2 |= mechanism == "XOAUTH2";
                }
            }
            _ => {}
        }
    }
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_offers_is_read_in_any_case() {
        let lines = b"250-mail.example.com PIPELINING\r\n250-pipelining\r\n250-AUTH=LOGIN\r\n250-Auth PLAIN XOauth2 X\r\n250 SIZE 1000\r\n";
        let offers = read_offers(lines);
        let expected = Offers {
            pipelining: true,
            starttls: false,
            auth_plain: true,
            auth_login: true,
            auth_xoauth2: true,
            size: Some(1000),
        };
        assert_eq!(offers, expected);
        assert_eq!(read_offers(b"250 PIPELINING\r\n"), Offers::default());
    }
}
