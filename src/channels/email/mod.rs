//! E-mail: addresses, the bytes of a message, and the way to a mail server.

pub mod address;
pub mod check;
pub mod dns;
pub mod events;
mod header;
pub mod mime;
mod quoted_printable;
pub mod smtp;

pub use address::{AddressProblem, EmailAddress};
pub use mime::{Addressee, MimeProblem, Prepared, Sender, write_id};
