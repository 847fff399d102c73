//! Making a backup.

use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::Connection;

use super::{
    manifest::{Manifest, Problem, beside, data_file, fingerprint, sync},
    store,
};

/// Writes a backup of the SQLite database at `url` to a new file, with its manifest beside it.
/// The program may be running meanwhile. Either both are there in the end, whole, or neither.
pub async fn make(url: &str, to: &Path, now: DateTime<Utc>) -> Result<Manifest, Problem> {
    let from = data_file(url)?;
    if !from.exists() {
        return Err(Problem::Missing(from));
    }
    for taken in [to.to_path_buf(), Manifest::path(to)] {
        if taken.exists() {
            return Err(Problem::Exists(taken));
        }
    }
    let partial = beside(to, ".partial");
    let _ = std::fs::remove_file(&partial);
    match written(&from, &partial, now).await {
        Ok(manifest) => {
            finish(&partial, to, &manifest)?;
            Ok(manifest)
        }
        Err(problem) => {
            let _ = std::fs::remove_file(&partial);
            Err(problem)
        }
    }
}

async fn written(from: &Path, partial: &Path, now: DateTime<Utc>) -> Result<Manifest, Problem> {
    store::copy(from, partial).await?;
    let mut file = store::open_to_look(partial).await?;
    if let Some(faults) = store::faults(&mut file).await? {
        return Err(Problem::Damaged(from.to_path_buf(), faults));
    }
    let (migration, rows) = (store::migration(&mut file).await?, store::rows(&mut file).await?);
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

fn finish(partial: &Path, to: &Path, manifest: &Manifest) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(manifest).map_err(std::io::Error::other)?;
    let path = Manifest::path(to);
    std::fs::write(&path, text + "\n")?;
    sync(&path)?;
    sync(partial)?;
    std::fs::rename(partial, to)?;
    sync(to)?;
    Ok(())
}
