//! One of the others as its employer sees it.

use std::{
    ffi::OsString,
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    time::timeout,
};

use crate::{
    Error,
    measure::{Cost, cpu_seconds_of},
};

/// After which it is not waited for any longer.
const WAIT_TIMEOUT: Duration = Duration::from_secs(300);

/// What is to be started.
#[derive(Debug)]
pub struct Program {
    words: Vec<OsString>,
    message: PathBuf,
    /// What it complains about.
    complaints: PathBuf,
}

impl Program {
    pub fn new(words: &[&Path], message: &Path, folder: &Path) -> Self {
        Self {
            words: words.iter().map(|word| word.as_os_str().to_owned()).collect(),
            message: message.to_owned(),
            complaints: folder.join("complaints"),
        }
    }

    /// Sends to the whole book once. Answers how many rows it has marked as sent, and what that took.
    pub async fn send(&self, database: &str, server: SocketAddr) -> Result<(i64, Cost), Error> {
        match timeout(WAIT_TIMEOUT, self.heard(database, server)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(self.with_complaints(&error.to_string()).into()),
            Err(_) => Err(self.with_complaints("it takes too long").into()),
        }
    }

    async fn heard(&self, database: &str, server: SocketAddr) -> Result<(i64, Cost), Error> {
        let (first, rest) = self.words.split_first().ok_or("no program")?;
        let mut child = Command::new(first)
            .args(rest)
            .args([database, &server.to_string()])
            .arg(&self.message)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&self.complaints)?)
            .kill_on_drop(true)
            .spawn()?;
        let process = child.id().ok_or("it is gone")?;
        let mut ask = child.stdin.take().ok_or("no input")?;
        let mut answers = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let said = answers.next_line().await?.ok_or("it ends before it is ready")?;
        if said != "ready" {
            return Err(format!("it says {said}").into());
        }
        let (begin, cpu) = (Instant::now(), cpu_seconds_of(process));
        ask.write_all(b"send\n").await?;
        let said = answers.next_line().await?.ok_or("it ends before it has sent")?;
        let cost = Cost {
            wall: begin.elapsed().as_secs_f64(),
            cpu: cpu_seconds_of(process) - cpu,
            peak_mb: 0.0,
        };
        ask.write_all(b"end\n").await?;
        child.wait().await?;
        Ok((said.parse()?, cost))
    }

    fn with_complaints(&self, words: &str) -> String {
        let complaints = std::fs::read_to_string(&self.complaints).unwrap_or_default();
        let lines: Vec<&str> = complaints.lines().rev().take(5).collect();
        let last: Vec<&str> = lines.into_iter().rev().collect();
        format!("{words}\n{}", last.join("\n"))
    }
}
