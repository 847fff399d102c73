//! What this installation knows about itself.

mod store;

pub use store::id;
