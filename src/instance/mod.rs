//! What this installation knows about itself: its name, and where it lives.
//!
//! The restore guard: a database that was copied, moved or put back from a backup starts passive, and
//! one that becomes such under a running process makes it passive at once.
//! Nothing is sent until an owner confirms that this is the one that should. Then whatever it was
//! sending in its former life is given back as drafts and whatever was due is held: both may have
//! happened already. When another file is put in the place of a running SQLite database, there is nothing
//! to confirm: it is given up, and the file stays as it is.

pub mod api;

#[cfg(feature = "ssr")]
mod clone_detection;
#[cfg(feature = "ssr")]
mod fingerprint;
#[cfg(feature = "ssr")]
mod queries;

#[cfg(feature = "ssr")]
pub use clone_detection::{confirm, damage, mark_restored, settle, watch};
#[cfg(feature = "ssr")]
pub use fingerprint::{LifeNote, note_life};
