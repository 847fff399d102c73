//! A mail server that keeps what it gets and misbehaves on demand. In-process, loopback only.
//!
//! Only CR LF . CR LF ends a message. It offers PIPELINING unless told not to, and counts
//! whoever sends ahead without having been offered it. Counters can be read while it runs.
//! Self-contained, so that several programs can include it by path.

mod fault;
mod session;
mod state;

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

pub use fault::*;
use state::State;
pub use state::{Counts, Received};

/// How much of each message is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Only the counters.
    Counts,
    /// How many copies of each Message-ID came.
    Ids,
    /// How many messages came for each recipient.
    Recipients,
    /// Everything, byte for byte, with the doubled dots undone.
    All,
}

/// What kind of server it is.
#[derive(Clone, Debug)]
pub struct Settings {
    pub pipelining: bool,
    /// The one user and password that may sign in; `None` offers no AUTH.
    pub login: Option<(String, String)>,
    /// The one way of signing in that works.
    pub mechanism: &'static str,
    /// What is offered, where that is something else.
    pub offered: Option<&'static str>,
    /// How the others are answered.
    pub other_mechanisms: &'static str,
    pub per_connection: Option<PerConnection>,
    /// Offers STARTTLS, or speaks TLS from the first byte if `implicit_tls`.
    pub tls: Option<Arc<ServerConfig>>,
    pub implicit_tls: bool,
    /// Waits this long before every answer: a distant server.
    pub delay: Duration,
    pub keep: Keep,
    pub rules: Vec<Rule>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pipelining: true,
            login: None,
            mechanism: "PLAIN",
            offered: None,
            other_mechanisms: "504 5.5.4 not that way",
            per_connection: None,
            tls: None,
            implicit_tls: false,
            delay: Duration::ZERO,
            keep: Keep::All,
            rules: Vec::new(),
        }
    }
}

/// A running server; it stops, with all its connections, when dropped.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

impl Sink {
    /// Listens on a free port of this machine.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), settings).await
    }

    pub async fn start_on(address: SocketAddr, settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(settings));
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, task })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `smtp://127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// From the next message on.
    pub fn set_rules(&self, rules: Vec<Rule>) {
        self.state.set_rules(rules);
    }

    /// From now on no message is answered: its content is taken, and whoever sent it waits.
    pub fn hold_answers(&self) {
        self.state.hold(true);
    }

    /// Gives the answers that were held back.
    pub fn release_answers(&self) {
        self.state.hold(false);
    }

    pub fn counts(&self) -> Counts {
        self.state.counts()
    }

    /// Every message whose final dot came in, in order of arrival. Empty unless [`Keep::All`].
    pub fn received(&self) -> Vec<Received> {
        self.state.received()
    }

    /// When each of [`Sink::received`] came, the first first.
    pub fn arrivals(&self) -> Vec<Instant> {
        let mut times: Vec<_> = self.received().iter().map(|message| message.at).collect();
        times.sort_unstable();
        times
    }

    /// Most messages that came within any one second, of those that [`Sink::received`] has.
    pub fn fullest_second(&self) -> usize {
        let times = self.arrivals();
        let from = |last: Instant| times.partition_point(|first| last.duration_since(*first) >= Duration::from_secs(1));
        let within = |(n, last): (usize, &Instant)| n + 1 - from(*last);
        times.iter().enumerate().map(within).max().unwrap_or(0)
    }

    /// How often each kind of fault has struck.
    pub fn faults(&self) -> std::collections::HashMap<&'static str, u64> {
        self.state.faults()
    }

    /// Copies per Message-ID, or per recipient with [`Keep::Recipients`]. Empty with
    /// [`Keep::Counts`].
    pub fn copies(&self) -> std::collections::HashMap<String, u32> {
        self.state.copies()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _best_effort = stream.set_nodelay(true);
                let state = Arc::clone(&state);
                sessions.spawn(async move {
                    state.connected();
                    let _over = match state.settings.tls.clone().filter(|_| state.settings.implicit_tls) {
                        Some(tls) => match TlsAcceptor::from(tls).accept(stream).await {
                            Ok(stream) => session::serve(stream, true, &state).await.map(drop),
                            Err(error) => Err(error),
                        },
                        None => session::serve_plain(stream, &state).await,
                    };
                });
            }
            Some(_) = sessions.join_next() => {}
        }
    }
}
