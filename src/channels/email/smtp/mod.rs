//! Our own way of talking to a mail server: one kept-open connection per sender task, commands
//! sent together where the server offers it (RFC 2920), one round trip per message.
//!
//! What it promises:
//! - Every step has a time-out. Nothing waits for ever.
//! - It always knows whether any of a message's content has left: before that a failure is
//!   [`Lost::NotSent`], after it only an answer settles the message, and no answer is
//!   [`Lost::Ambiguous`].
//! - A refused recipient costs no connection: the next group of commands starts with `RSET`.
//! - What comes in is bounded, what a server says is cleaned before anyone sees it, and a
//!   password is never printed.
//!
//! An offer that got [`Lost`] may be made again on a new connection: servers close idle ones, and
//! say so no other way. A refused one may not, unless the refusal is about the connection
//! ([`Reply::is_connection_limit`]).
//!
//! One message goes `offer` → [`Offered::Ready`] → (the caller durably marks it `attempting`) →
//! `send` → `settle`. `send` may carry the next message's envelope along with the content; its
//! answer comes out of the same `settle`, and the caller may mark that next message meanwhile:
//!
//! ```text
//! offer(1)                      MAIL RCPT DATA →   ← 250 250 354
//! mark 1; send(content 1, 2)    content . MAIL RCPT DATA →
//! join(settle, mark 2)          ← 250 (for 1), 250 250 354 (for 2)
//! send(content 2, 3) …
//! ```

mod account;
mod connection;
mod content;
mod login;
mod reply;
mod scope;
mod transaction;
mod wire;

pub(super) use account::is_this_machine;
pub use account::{Account, AccountProblem, AuthMethod, Login, Tls, Waits};
pub use connection::{ConnectProblem, Connection, Offers};
pub use content::{BareLineEnd, write_content};
pub use reply::Reply;
pub use scope::Scope;
pub use transaction::{Delivered, Envelope, Lost, Offered, Step};
