//! Small parts that pages are made of. They take plain values. Only what islands show as well is
//! compiled for the browser.

mod badge;
mod banner;
mod field_error;
mod question;
mod standing;

#[cfg(feature = "ssr")]
mod copy;
#[cfg(feature = "ssr")]
mod empty;
#[cfg(feature = "ssr")]
mod error_summary;
#[cfg(feature = "ssr")]
mod head;
#[cfg(feature = "ssr")]
mod locked;
#[cfg(feature = "ssr")]
mod marked;
#[cfg(feature = "ssr")]
mod moment;
#[cfg(feature = "ssr")]
mod pagination;
#[cfg(feature = "ssr")]
mod safe_text_area;
#[cfg(feature = "ssr")]
mod show_password;
#[cfg(feature = "ssr")]
mod stats;

pub use badge::{Badge, Mark};
pub use banner::{Banner, Tone};
#[cfg(feature = "ssr")]
pub use copy::Copy;
#[cfg(feature = "ssr")]
pub use empty::EmptyState;
#[cfg(feature = "ssr")]
pub use error_summary::{ErrorSummary, problem_of};
pub use field_error::FieldError;
#[cfg(feature = "ssr")]
pub use head::{Crumbs, PageHead};
#[cfg(feature = "ssr")]
pub use locked::LockedCampaign;
#[cfg(feature = "ssr")]
pub use marked::Marked;
#[cfg(feature = "ssr")]
pub use moment::{Distance, Moment};
#[cfg(feature = "ssr")]
pub use pagination::{Pagination, Paging};
pub use question::QuestionFacts;
#[cfg(feature = "ssr")]
pub use safe_text_area::SafeTextArea;
#[cfg(feature = "ssr")]
pub use show_password::ShowPassword;
pub use standing::StandingIcon;
#[cfg(feature = "ssr")]
pub use stats::{Stat, Stats};
