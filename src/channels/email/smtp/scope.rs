//! Whom a refusal is about: one recipient, our sender address, the account we send through, or the
//! connection it was said on. Mail servers tell it by status (RFC 3463, and numbers of their own)
//! and in words. What neither tells is [`Scope::Unclear`]: said to one, it is about that one's
//! message; said to several people running, it is about us.

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This mailbox or address.
    Recipient,
    /// The address we send from.
    Sender,
    /// Our account: a quota, a block, a missing login.
    Account,
    /// So many messages over one connection, and no more.
    Connection,
    Unclear,
}

/// Subject and detail of a status: 5.1.8 is (1, 8).
type Status = (u16, u16);

const ACCOUNT_WORDS: [&str; 37] = [
    "account is not yet",
    "authenticate first",
    "authentication required",
    "bad outbound",
    "client was not authenticated",
    "credentials for relay",
    "credits blocked",
    "credits exceeded",
    "credits expired",
    "email quota",
    "exceeded threshold",
    "for this account",
    "mail sending denied",
    "message quota",
    "must authenticate",
    "not activated",
    "not yet activated",
    "outbound mail",
    "outgoing blocked",
    "outgoing mail blocked",
    "pending approval",
    "policy rejection- quota",
    "relay limit",
    "relay quota",
    "relay sending limit",
    "send limit",
    "sender address blocked",
    "sending activity",
    "sending limit",
    "sending paused",
    "sending quota",
    "sending suspended",
    "smtp account",
    "submission quota",
    "submissionquotaexceeded",
    "test purposes only",
    "to continue sending",
];

const SENDER_WORDS: [&str; 14] = [
    "from address does not match",
    "from address is not verified",
    "identities failed the check",
    "not owned by user",
    "relaying disallowed as",
    "send as this sender",
    "sendasdenied",
    "sender address rejected",
    "sender domain not verified",
    "sender is not allowed",
    "sender rejected",
    "sender signature",
    "sender verify failed",
    "verified sender identity",
];

const RECIPIENT_WORDS: [&str; 24] = [
    "address does not exist",
    "inactive recipient",
    "invalid mailbox",
    "invalid recipient",
    "mailbox disabled",
    "mailbox does not exist",
    "mailbox full",
    "mailbox is disabled",
    "mailbox is full",
    "mailbox quota",
    "marked as inactive",
    "no mailbox",
    "no such mailbox",
    "no such recipient",
    "no such user",
    "over quota",
    "recipient address rejected",
    "recipient rejected",
    "recipient unknown",
    "tried to reach",
    "trying to contact",
    "unknown recipient",
    "unknown user",
    "user unknown",
];

/// Said of an account unless something else in the answer speaks of the recipient.
const LIMIT_WORDS: [&str; 17] = [
    "banned sender",
    "daily",
    "hourly",
    "in 24 hours",
    "not allowed to send:",
    "per 24 hours",
    "per day",
    "per hour",
    "per minute",
    "this hour",
    "too many emails",
    "too many mails",
    "too many messages",
    "unauthenticated senders",
    "within 24 hours",
    "your account",
    "your daily",
];

impl Scope {
    /// Whom an answer in the form `550 5.1.1 No such user` is about.
    pub fn of(reply: &str) -> Self {
        let said = reply.to_lowercase();
        let (code, rest) = said.split_once(' ').unwrap_or((&said, ""));
        let status = rest.split(' ').next().and_then(read_status);
        let speaks_of = |words: &[&str]| words.iter().any(|word| rest.contains(word));
        if is_about_connection(rest) {
            Scope::Connection
        } else if status.is_some_and(is_an_addresses) {
            Scope::Recipient
        } else if status.is_some_and(is_accounts) || needs_a_login(code) || speaks_of(&ACCOUNT_WORDS) {
            Scope::Account
        } else if status.is_some_and(is_senders) || speaks_of(&SENDER_WORDS) {
            Scope::Sender
        } else if status.is_some_and(is_recipients) || speaks_of(&RECIPIENT_WORDS) {
            Scope::Recipient
        } else if speaks_of(&LIMIT_WORDS) {
            Scope::Account
        } else {
            Scope::Unclear
        }
    }
}

/// Not of how many connections there are.
fn is_about_connection(said: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    has(&["message", "mail", "recipient", "rcpt"])
        && has(&["too many", "max", "limit", "exceed"])
        && has(&[
            "per connection",
            "this connection",
            "one connection",
            "per session",
            "this session",
            "one session",
            "in session",
            "smtp session",
        ])
        && !has(&["concurrent", "simultaneous"])
}

fn needs_a_login(code: &str) -> bool {
    matches!(code, "530" | "534" | "535" | "538")
}

/// 5.7.501 and above are of Exchange Online.
fn is_accounts(status: Status) -> bool {
    matches!(
        status,
        (1, 8 | 90 | 92) | (4, 5) | (7, 13 | 57 | 501..=503 | 511 | 606..=649 | 700..=702 | 705 | 708 | 750)
    )
}

fn is_senders(status: Status) -> bool {
    matches!(status, (1, 7) | (2, 252) | (7, 60))
}

/// A bad address, or a mailbox with rules of its own: whatever the words say.
fn is_an_addresses(status: Status) -> bool {
    matches!(
        status,
        (1, 1 | 2 | 3 | 6 | 10) | (7, 124 | 129 | 133 | 134 | 504 | 505 | 513 | 703)
    )
}

/// Addressing and mailboxes, unless the words say more.
fn is_recipients(status: Status) -> bool {
    matches!(status, (1 | 2, _))
}

fn read_status(word: &str) -> Option<Status> {
    let mut parts = word.splitn(3, '.');
    let class = parts.next()?;
    let subject = parts.next()?.parse().ok()?;
    let detail = parts.next()?.trim_end_matches(':').parse().ok()?;
    matches!(class, "4" | "5").then_some((subject, detail))
}
