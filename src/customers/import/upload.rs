//! Files on their way in through the page: kept for a day in the system's folder for temporary
//! files, under a name nobody can guess, readable by this program alone.

use std::{
    io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use tokio::{fs, io::AsyncWriteExt};

use crate::auth::{model::StoreId, tokens};

/// Largest file taken, in bytes.
pub const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// How long a file waits to be imported.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// A file that was brought, and not yet imported.
#[derive(Clone, Debug)]
pub struct Upload {
    token: String,
    pub about: About,
}

/// What is kept beside the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub store: StoreId,
    /// As the person's own computer calls it.
    pub file_name: String,
}

/// A file being written.
#[derive(Debug)]
pub struct Incoming {
    upload: Upload,
    file: fs::File,
    bytes: u64,
}

fn folder() -> PathBuf {
    std::env::temp_dir().join("loupe-imports")
}

fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    options
}

impl Upload {
    /// Begins a new file. Those of yesterday go.
    pub async fn begin(about: About) -> io::Result<Incoming> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        builder.mode(0o700);
        builder.create(folder()).await?;
        sweep().await;
        let upload = Upload {
            token: tokens::public(),
            about,
        };
        let about = serde_json::to_vec(&upload.about).map_err(io::Error::other)?;
        let mut beside = private(&mut fs::OpenOptions::new()).open(upload.place("json")).await?;
        beside.write_all(&about).await?;
        beside.flush().await?;
        let file = private(&mut fs::OpenOptions::new()).open(upload.path()).await?;
        Ok(Incoming { upload, file, bytes: 0 })
    }

    /// The file with this token, if it is still there and this store's.
    pub async fn find(store: StoreId, token: &str) -> Option<Self> {
        let fine = token.len() == 22 && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !fine {
            return None;
        }
        let beside = fs::read(folder().join(format!("{token}.json"))).await.ok()?;
        let about: About = serde_json::from_slice(&beside).ok()?;
        let upload = Upload {
            token: token.to_owned(),
            about,
        };
        let there = fs::try_exists(upload.path()).await.unwrap_or(false);
        (upload.about.store == store && there).then_some(upload)
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Where the file is.
    pub fn path(&self) -> PathBuf {
        self.place("csv")
    }

    /// Where the error file of its dry run is.
    pub fn errors_path(&self) -> PathBuf {
        self.place("errors.csv")
    }

    /// A new, private error file.
    pub async fn errors_file(&self) -> io::Result<std::fs::File> {
        let _ = fs::remove_file(self.errors_path()).await;
        let file = private(&mut fs::OpenOptions::new()).open(self.errors_path()).await?;
        Ok(file.into_std().await)
    }

    /// Takes the file for importing, once: answers where it is now. A second time it is not there.
    pub async fn claim(&self) -> io::Result<PathBuf> {
        let taken = self.place("taken");
        fs::rename(self.path(), &taken).await?;
        Ok(taken)
    }

    /// Removes the file and what is beside it.
    pub async fn remove(&self) {
        for path in [self.path(), self.place("taken"), self.errors_path(), self.place("json")] {
            let _ = fs::remove_file(path).await;
        }
    }

    fn place(&self, kind: &str) -> PathBuf {
        folder().join(format!("{}.{kind}", self.token))
    }
}

impl Incoming {
    /// Adds a piece. Answers false when the file is larger than allowed.
    pub async fn add(&mut self, piece: &[u8]) -> io::Result<bool> {
        self.bytes += piece.len() as u64;
        if self.bytes > LARGEST_FILE {
            return Ok(false);
        }
        self.file.write_all(piece).await?;
        Ok(true)
    }

    /// The file is whole.
    pub async fn finish(mut self) -> io::Result<Upload> {
        self.file.flush().await?;
        Ok(self.upload)
    }

    /// The file is not wanted after all.
    pub async fn abandon(self) {
        self.upload.remove().await;
    }
}

async fn sweep() {
    let Ok(mut entries) = fs::read_dir(folder()).await else {
        return;
    };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let old = match entry.metadata().await.and_then(|m| m.modified()) {
            Ok(at) => SystemTime::now().duration_since(at).is_ok_and(|age| age > KEPT),
            Err(_) => false,
        };
        if old {
            let _ = fs::remove_file(entry.path()).await;
        }
    }
}
