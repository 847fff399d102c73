//! Files on their way in through the page. They are kept in the database, in pieces, for a day at most:
//! whichever instance is asked next can go on with one, and two installations on a machine share
//! nothing.

use std::{io, mem};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    spool::Spool,
    upload_queries::{self as store, Part},
};
use crate::{db::Db, ids::StoreId, tokens};

/// Largest file taken, in bytes.
pub const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// How long a file waits to be imported.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How many of a store's files wait at the same time: the oldest makes room.
const MOST: i64 = 8;
/// Bytes of a piece: one is in memory at a time.
const PIECE: usize = 256 * 1024;

/// A file that was brought, and not yet imported.
#[derive(Clone, Debug)]
pub struct Upload {
    token: String,
    pub about: About,
}

/// What is kept of a file beside its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub store: StoreId,
    /// As the person's own computer calls it.
    pub file_name: String,
}

/// A file being written.
#[derive(Debug)]
pub struct Incoming {
    upload: Upload,
    db: Db,
    bytes: u64,
    place: i64,
    piece: Vec<u8>,
}

/// Why a file could not be kept, or read again.
#[derive(Debug, thiserror::Error)]
pub enum Unkept {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Upload {
    /// Begins a new file.
    pub async fn begin(db: &Db, about: About, now: DateTime<Utc>) -> Result<Incoming, Unkept> {
        let token = tokens::public();
        let mut tx = db.begin().await?;
        store::make_room(&mut tx, about.store, MOST - 1).await?;
        store::begin(&mut tx, &token, &about, now).await?;
        tx.commit().await?;
        Ok(Incoming {
            upload: Upload { token, about },
            db: db.clone(),
            bytes: 0,
            place: 0,
            piece: Vec::with_capacity(PIECE),
        })
    }

    /// The file with this token, if it is whole, still there and this store's.
    pub async fn find(db: &Db, of: StoreId, token: &str, now: DateTime<Utc>) -> sqlx::Result<Option<Self>> {
        let fine = token.len() == 22 && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !fine {
            return Ok(None);
        }
        let file_name = store::find(db, of, token, now - KEPT).await?;
        Ok(file_name.map(|file_name| Upload {
            token: token.to_owned(),
            about: About { store: of, file_name },
        }))
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// The content as a file of this process.
    pub async fn spool(&self, db: &Db) -> Result<Spool, Unkept> {
        let mut spool = Spool::new().await?;
        let mut place = 0;
        while let Some(piece) = self.piece(db, Part::File, place).await? {
            spool.write(&piece).await?;
            place += 1;
        }
        spool.finish().await?;
        Ok(spool)
    }

    /// Takes the file for importing, once: of two who press at the same time one has it.
    pub async fn claim(&self, db: &Db) -> Result<Option<Spool>, Unkept> {
        let spool = self.spool(db).await?;
        Ok(self.remove(db).await?.then_some(spool))
    }

    /// Keeps the rows that a check found to be mended.
    pub async fn keep_errors(&self, db: &Db, mut errors: Spool) -> Result<(), Unkept> {
        let mut place = 0;
        errors.rewind().await?;
        let mut tx = db.begin().await?;
        store::drop_part(&mut tx, &self.token, Part::Errors).await?;
        tx.commit().await?;
        while let Some(piece) = errors.read(PIECE).await? {
            self.keep(db, Part::Errors, place, piece).await?;
            place += 1;
        }
        Ok(())
    }

    /// A piece of the rows to be mended; nothing after the last.
    pub async fn errors_piece(&self, db: &Db, place: i64) -> sqlx::Result<Option<Vec<u8>>> {
        self.piece(db, Part::Errors, place).await
    }

    /// Removes the file. False when it was not there any more.
    pub async fn remove(&self, db: &Db) -> sqlx::Result<bool> {
        let mut tx = db.begin().await?;
        let removed = store::remove(&mut tx, &self.token).await?;
        tx.commit().await?;
        Ok(removed)
    }

    async fn piece(&self, db: &Db, part: Part, place: i64) -> sqlx::Result<Option<Vec<u8>>> {
        store::piece(db, &self.token, part, place).await
    }

    async fn keep(&self, db: &Db, part: Part, place: i64, bytes: Vec<u8>) -> sqlx::Result<()> {
        let mut tx = db.begin().await?;
        store::add_piece(&mut tx, &self.token, part, place, bytes).await?;
        tx.commit().await
    }
}

impl Incoming {
    /// Adds a piece. Answers false when the file is larger than allowed.
    pub async fn add(&mut self, mut bytes: &[u8]) -> Result<bool, Unkept> {
        self.bytes += bytes.len() as u64;
        if self.bytes > LARGEST_FILE {
            return Ok(false);
        }
        while !bytes.is_empty() {
            let fits = bytes.len().min(PIECE - self.piece.len());
            let (now, later) = bytes.split_at_checked(fits).unwrap_or((bytes, &[]));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == PIECE {
                self.keep().await?;
            }
        }
        Ok(true)
    }

    /// The file is whole.
    pub async fn finish(mut self) -> Result<Upload, Unkept> {
        if !self.piece.is_empty() {
            self.keep().await?;
        }
        let mut tx = self.db.begin().await?;
        store::is_whole(&mut tx, &self.upload.token).await?;
        tx.commit().await?;
        Ok(self.upload)
    }

    /// The file is not wanted after all. What cannot be removed goes in a day.
    pub async fn abandon(self) {
        if let Err(error) = self.upload.remove(&self.db).await {
            tracing::warn!(error = %error, "an uploaded file could not be removed yet");
        }
    }

    async fn keep(&mut self) -> Result<(), Unkept> {
        let piece = mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.upload.keep(&self.db, Part::File, self.place, piece).await?;
        self.place += 1;
        Ok(())
    }
}

/// Removes what waited for too long, and what a process that died left of its own.
pub async fn forget_old(db: &Db, now: DateTime<Utc>) -> Result<(), Unkept> {
    let mut tx = db.begin().await?;
    store::forget(&mut tx, now - KEPT).await?;
    tx.commit().await?;
    Ok(Spool::sweep().await?)
}
