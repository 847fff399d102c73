//! Making a backup.

use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::Connection;

use super::{
    manifest::{Manifest, Problem, beside, clear, data_file, fingerprint, sync},
    queries,
};

/// Writes a backup of the SQLite database at `url` to a new file, with its manifest beside it.
/// The program may be running meanwhile. In the end both are there, whole, or neither; what a
/// power cut leaves half done makes way for the next one of the same name.
pub async fn make(url: &str, to: &Path, now: DateTime<Utc>) -> Result<Manifest, Problem> {
    let from = data_file(url)?;
    if !from.exists() {
        return Err(Problem::Missing(from));
    }
    let (partial, path) = (beside(to, ".partial"), Manifest::path(to));
    if to.exists() {
        return Err(Problem::Exists(to.to_path_buf()));
    }
    // Beside a file that never got its name, a manifest belongs to it.
    if path.exists() && !partial.exists() {
        return Err(Problem::Exists(path));
    }
    let _ = std::fs::remove_file(&path);
    clear(&partial);
    let made = async {
        let manifest = written(&from, &partial, now).await?;
        finish(&partial, to, &manifest)?;
        Ok(manifest)
    }
    .await;
    if made.is_err() {
        let _ = std::fs::remove_file(to);
        let _ = std::fs::remove_file(&path);
        clear(&partial);
    }
    made
}

async fn written(from: &Path, partial: &Path, now: DateTime<Utc>) -> Result<Manifest, Problem> {
    queries::copy(from, partial).await?;
    let mut file = queries::open_to_look(partial).await?;
    if let Some(faults) = queries::faults(&mut file).await? {
        return Err(Problem::Damaged(from.to_path_buf(), faults));
    }
    let (migration, rows) = (queries::migration(&mut file).await?, queries::rows(&mut file).await?);
    file.close().await?;
    let (bytes, sha256) = fingerprint(partial)?;
    Ok(Manifest {
        loupe: env!("CARGO_PKG_VERSION").to_owned(),
        migration,
        made_at: now,
        bytes,
        sha256,
        rows,
    })
}

/// The backup gets its name last: with the name it is whole, and so is what describes it.
fn finish(partial: &Path, to: &Path, manifest: &Manifest) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(manifest).map_err(std::io::Error::other)?;
    let path = Manifest::path(to);
    sync(partial)?;
    std::fs::write(&path, text + "\n")?;
    sync(&path)?;
    std::fs::rename(partial, to)?;
    sync(to)?;
    Ok(())
}
