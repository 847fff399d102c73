//! Rate limits: how many messages a second may leave a mail account, and go to one domain.

pub mod account;
pub mod domain;
pub mod slots;
