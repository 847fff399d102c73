//! The mail servers of the measurements, each in a process of its own so that its costs are not
//! ours.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{
    Error,
    sink::{self, Fault, Rule, When},
};

/// Which server.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Our own fast one; it may be far away, and refuse every so many-th recipient.
    Own { delay_ms: u64, refuse_every: Option<u64> },
    /// Our own one, remembering who got something.
    Recipients,
    /// `smtp-sink` of Postfix, at this path.
    SmtpSink(String),
}

/// A running server; it ends when dropped.
#[derive(Debug)]
pub struct Server {
    pub at: SocketAddr,
    /// Our own one can be asked.
    line: Option<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    _child: Child,
}

impl Server {
    pub async fn start(kind: &Kind) -> Result<Self, Error> {
        match kind {
            Kind::Own { delay_ms, refuse_every } => {
                let mut arguments = vec!["--delay-ms".to_owned(), delay_ms.to_string()];
                if let Some(n) = refuse_every {
                    arguments.extend(["--refuse-every".to_owned(), n.to_string()]);
                }
                own(&arguments).await
            }
            Kind::Recipients => own(&["--recipients".to_owned()]).await,
            Kind::SmtpSink(program) => smtp_sink(program).await,
        }
    }

    /// What it has counted so far, where the server can tell.
    pub async fn counts(&mut self) -> Result<Option<Counted>, Error> {
        let Some((ask, answers)) = &mut self.line else {
            return Ok(None);
        };
        ask.write_all(b"?\n").await?;
        let line = answers.next_line().await?.ok_or("the sink is gone")?;
        Ok(Some(serde_json::from_str(&line)?))
    }
}

/// A moment's numbers of our own one.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Counted {
    pub connections: u64,
    pub accepted: u64,
    /// How many got something, where that is remembered.
    pub recipients: usize,
}

async fn own(arguments: &[String]) -> Result<Server, Error> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("sink")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let ask = child.stdin.take().ok_or("no input")?;
    let mut answers = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let first = answers.next_line().await?.ok_or("no address")?;
    Ok(Server {
        at: first.parse()?,
        line: Some((ask, answers)),
        _child: child,
    })
}

async fn smtp_sink(program: &str) -> Result<Server, Error> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let child = Command::new(program)
        .args(["-u", "nobody", &at.to_string(), "1000"])
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(at).await.is_ok() {
            return Ok(Server {
                at,
                line: None,
                _child: child,
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{program} does not answer on {at}").into())
}

/// Serves as our own one: says its address, and what it has counted for every line it reads.
pub async fn serve(refuse_every: Option<u64>, delay_ms: u64, recipients: bool) -> Result<(), Error> {
    let rules = refuse_every
        .map(|n| Rule::new(When::Every(n), Fault::Rcpt(550)))
        .into_iter()
        .collect();
    let sink = sink::Sink::start(sink::Settings {
        keep: if recipients {
            sink::Keep::Recipients
        } else {
            sink::Keep::Counts
        },
        rules,
        delay: Duration::from_millis(delay_ms),
        ..sink::Settings::default()
    })
    .await?;
    println!("{}", sink.address());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while lines.next_line().await?.is_some() {
        let counts = sink.counts();
        let counted = Counted {
            connections: counts.connections,
            accepted: counts.accepted,
            recipients: sink.copies().len(),
        };
        println!("{}", serde_json::to_string(&counted)?);
    }
    Ok(())
}
