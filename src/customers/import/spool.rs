//! A file of this process alone, for as long as it is worked on: under a name nobody can guess, made
//! anew and never found there, readable by its owner only, and gone with what holds it.

use std::{
    io::{self, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::{
    fs,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};

use crate::tokens;

/// Begins every name.
const PREFIX: &str = "loupe-import-";
/// Nothing is worked on for longer: an older one was left by a process that died.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The file.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    file: fs::File,
}

impl Spool {
    /// A new, empty one in the system's folder for temporary files.
    pub async fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("{PREFIX}{}", tokens::public()));
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        options.mode(0o600);
        let file = options.open(&path).await?;
        Ok(Self { path, file })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Another handle, for whoever writes without waiting.
    pub async fn handle(&self) -> io::Result<std::fs::File> {
        Ok(self.file.try_clone().await?.into_std().await)
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    pub(super) async fn finish(&mut self) -> io::Result<()> {
        self.file.flush().await
    }

    pub(super) async fn rewind(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0)).await.map(|_| ())
    }

    /// The next bytes, so many or as many as there are; nothing at the end.
    pub(super) async fn read(&mut self, most: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let limit = most as u64;
        (&mut self.file).take(limit).read_to_end(&mut bytes).await?;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Removes what processes of ours that died have left.
    pub(super) async fn sweep() -> io::Result<()> {
        let own = Self::new().await?;
        let mut entries = fs::read_dir(std::env::temp_dir()).await?;
        while let Some(entry) = entries.next_entry().await? {
            if entry.file_name().to_string_lossy().starts_with(PREFIX) && own.is_left_over(&entry.path()).await {
                // Somebody else may have been faster.
                let _ = fs::remove_file(entry.path()).await;
            }
        }
        Ok(())
    }

    /// Whether it is an old file, no link, of the same owner as this one.
    async fn is_left_over(&self, path: &Path) -> bool {
        let (Ok(found), Ok(own)) = (fs::symlink_metadata(path).await, self.file.metadata().await) else {
            return false;
        };
        let age = found
            .modified()
            .ok()
            .and_then(|at| SystemTime::now().duration_since(at).ok());
        found.is_file() && has_same_owner(&found, &own) && age.is_some_and(|age| age > LONGEST)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(error = %error, "a temporary file could not be removed");
        }
    }
}

#[cfg(unix)]
fn has_same_owner(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    one.uid() == other.uid()
}

#[cfg(not(unix))]
fn has_same_owner(_: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_a_dead_process_left_is_swept() -> io::Result<()> {
        let (fresh, old) = (Spool::new().await?, Spool::new().await?);
        let two_days_ago = SystemTime::now() - 2 * LONGEST;
        old.handle().await?.set_modified(two_days_ago)?;
        let link = std::env::temp_dir().join(format!("{PREFIX}{}", tokens::public()));
        #[cfg(unix)]
        std::os::unix::fs::symlink(old.path(), &link)?;
        Spool::sweep().await?;
        assert!(fresh.path().exists() && !old.path().exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert!(fs::symlink_metadata(&link).await.is_ok(), "a link is not ours");
            assert_eq!(fs::metadata(fresh.path()).await?.permissions().mode() & 0o777, 0o600);
            fs::remove_file(&link).await?;
        }
        let path = fresh.path().to_path_buf();
        drop(fresh);
        assert!(!path.exists());
        Ok(())
    }
}
