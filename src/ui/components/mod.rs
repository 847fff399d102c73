//! Small parts that pages are made of. They take plain values.

mod badge;
mod banner;
mod empty;
mod error_summary;
mod head;
mod moment;
mod pagination;
mod safe_text_area;
mod stats;

pub use badge::{Badge, Mark};
pub use banner::{Banner, Tone};
pub use empty::EmptyState;
pub use error_summary::{ErrorSummary, FieldError, problem_of};
pub use head::{Crumbs, PageHead};
pub use moment::{Distance, Moment};
pub use pagination::{Pagination, Paging};
pub use safe_text_area::SafeTextArea;
pub use stats::{Stat, Stats};
