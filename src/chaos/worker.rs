//! One real process of the program, and what can be done to it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    time::Duration,
};

use tokio::process::{Child, Command};

use super::Error;

/// What a worker is started with.
#[derive(Clone, Debug)]
pub struct Orders {
    pub program: PathBuf,
    pub folder: PathBuf,
    pub database: String,
    pub smtp: String,
    pub lease_seconds: u64,
    /// Their clock is so many seconds off.
    pub clock: PathBuf,
    /// Largest file it may write, in blocks of 512 bytes: a full disk for whoever may not mount.
    pub file_blocks: Option<u64>,
}

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    log: PathBuf,
    owner: OnceLock<String>,
}

impl Worker {
    pub fn start(orders: &Orders, number: usize) -> Result<Self, Error> {
        let log = orders.folder.join(format!("worker-{number}.log"));
        let mut command = match orders.file_blocks {
            None => {
                let mut command = Command::new(&orders.program);
                command.arg("worker");
                command
            }
            Some(blocks) => {
                let mut command = Command::new("sh");
                command
                    .arg("-c")
                    .arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" worker"))
                    .arg(&orders.program);
                command
            }
        };
        let child = command
            .current_dir(&orders.folder)
            .env("LOUPE_DATABASE_URL", &orders.database)
            .env("LOUPE_SMTP_URL", &orders.smtp)
            .env("LOUPE_LEASE_SECONDS", orders.lease_seconds.to_string())
            .env("LOUPE_SECRET_KEY", "a secret key for chaos, long enough")
            .env("LOUPE_UNDO_SECONDS", "0")
            .env("LOUPE_RETRY_SCALE", "0.0005")
            .env("LOUPE_CLOCK_FILE", &orders.clock)
            .env("LOUPE_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            child,
            log,
            owner: OnceLock::new(),
        })
    }

    /// The name its leases carry, once it has begun.
    pub fn owner(&self) -> Option<&str> {
        if self.owner.get().is_none() {
            let _known = self.owner.set(self.owner_in_log()?);
        }
        self.owner.get().map(String::as_str)
    }

    fn owner_in_log(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.log).ok()?;
        let line = text.lines().find(|line| line.contains("\"owner\""))?;
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(value.get("owner")?.as_str()?.to_owned())
    }

    /// Whether its log has this.
    pub fn says(&self, words: &str) -> bool {
        std::fs::read_to_string(&self.log).is_ok_and(|text| text.contains(words))
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    pub async fn kill(mut self) -> Result<(), Error> {
        self.child.kill().await?;
        Ok(())
    }

    /// SIGSTOP, SIGCONT.
    pub async fn signal(&self, name: &str) -> Result<(), Error> {
        let Some(id) = self.child.id() else {
            return Err("the worker is gone".into());
        };
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(id.to_string())
            .status()
            .await?;
        if sent.success() {
            Ok(())
        } else {
            Err(format!("kill -{name} failed").into())
        }
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, and waits. The exit code, or none when it had to be killed.
    pub async fn end(mut self) -> Result<Option<i32>, Error> {
        self.signal("TERM").await?;
        match tokio::time::timeout(Duration::from_secs(40), self.child.wait()).await {
            Ok(status) => Ok(status?.code()),
            Err(_) => {
                self.child.kill().await?;
                Ok(None)
            }
        }
    }

    /// Waits for it to end by itself.
    pub async fn ends(mut self, within: Duration) -> Result<Option<i32>, Error> {
        match tokio::time::timeout(within, self.child.wait()).await {
            Ok(status) => Ok(status?.code()),
            Err(_) => {
                self.child.kill().await?;
                Ok(None)
            }
        }
    }
}
