//! A PostgreSQL of our own, to be stopped in the middle: or one that is there already, which is
//! left running.

use std::{path::PathBuf, time::Duration};

use tokio::process::Command;

use loupe::db::{self, Db};

use super::Error;

/// Where the databases of the rounds are made.
#[derive(Debug)]
pub enum Cluster {
    /// Somebody's: never stopped.
    Given { url: String },
    Own {
        folder: PathBuf,
        programs: PathBuf,
        port: u16,
    },
}

impl Cluster {
    /// Makes and starts one, as somebody who is not root: PostgreSQL refuses root.
    pub async fn start() -> Result<Self, Error> {
        let programs = programs().ok_or("PostgreSQL's programs are missing (initdb, pg_ctl)")?;
        let folder = super::temporary("pg")?;
        let data = folder.join("data");
        std::fs::create_dir(&data)?;
        if is_root().await {
            run(Command::new("chown").arg("-R").arg(user().await).arg(&folder)).await?;
        }
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let cluster = Cluster::Own { folder, programs, port };
        cluster
            .as_user(&format!(
                "{}/initdb -D {} -U loupe --auth=trust --encoding=UTF8 --no-locale --no-sync",
                cluster.programs().display(),
                data.display()
            ))
            .await?;
        cluster.begin().await?;
        Ok(cluster)
    }

    /// An empty database to work in: a schema of its own.
    pub async fn schema(&self, name: &str) -> Result<String, Error> {
        let server = match self {
            Cluster::Given { url } => url.clone(),
            Cluster::Own { port, .. } => format!("postgres://loupe@127.0.0.1:{port}/postgres"),
        };
        let Db::Postgres(pool) = db::connect(&server).await? else {
            return Err("not a PostgreSQL address".into());
        };
        sqlx::query(sqlx::AssertSqlSafe(format!("create schema {name}")))
            .execute(&pool)
            .await?;
        pool.close().await;
        let joint = if server.contains('?') { '&' } else { '?' };
        Ok(format!("{server}{joint}options[search_path]={name}"))
    }

    pub fn can_stop(&self) -> bool {
        matches!(self, Cluster::Own { .. })
    }

    /// Pulls the plug.
    pub async fn stop(&self) -> Result<(), Error> {
        self.control("-m immediate stop").await
    }

    pub async fn begin(&self) -> Result<(), Error> {
        let Cluster::Own { port, folder, .. } = self else {
            return Ok(());
        };
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off -c max_connections=300"
        );
        self.control(&format!("-w -l {}/log -o '{options}' start", folder.display()))
            .await
    }

    /// Stops it and removes what it left.
    pub async fn remove(self) {
        if let Cluster::Own { folder, .. } = &self {
            let _stopped = self.stop().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            let _removed = std::fs::remove_dir_all(folder);
        }
    }

    fn programs(&self) -> &std::path::Path {
        match self {
            Cluster::Own { programs, .. } => programs,
            Cluster::Given { .. } => std::path::Path::new(""),
        }
    }

    async fn control(&self, what: &str) -> Result<(), Error> {
        let Cluster::Own { folder, programs, .. } = self else {
            return Ok(());
        };
        self.as_user(&format!(
            "{}/pg_ctl -s -D {}/data {what}",
            programs.display(),
            folder.display()
        ))
        .await
    }

    async fn as_user(&self, line: &str) -> Result<(), Error> {
        let mut command = if is_root().await {
            let mut command = Command::new("su");
            command.args(["-s", "/bin/sh", user().await, "-c", line]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", line]);
            command
        };
        run(command.current_dir("/")).await
    }
}

async fn run(command: &mut Command) -> Result<(), Error> {
    let output = tokio::time::timeout(
        Duration::from_secs(60),
        command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status(),
    )
    .await??;
    if output.success() {
        Ok(())
    } else {
        Err(format!("{command:?} failed").into())
    }
}

async fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .await
        .is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}

async fn user() -> &'static str {
    let there = Command::new("id").arg("postgres").output().await;
    if there.is_ok_and(|out| out.status.success()) {
        "postgres"
    } else {
        "nobody"
    }
}

fn programs() -> Option<PathBuf> {
    let mut places: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    places.sort();
    places.extend(["/opt/homebrew/opt/postgresql@16/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    places
        .into_iter()
        .rev()
        .find(|place| place.join("initdb").exists() && place.join("pg_ctl").exists())
}
