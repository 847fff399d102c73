//! Who of a send has no outcome yet.

/// Whether anybody of a send waits for a turn, or has one: a condition on the send that the text
/// names. Each half looks into an index of those alone.
macro_rules! has_pending {
    ($send:literal) => {
        concat!(
            "(exists (select 1 from messages w where w.send_id = ",
            $send,
            " and w.next_at is not null) or ",
            $crate::messages::has_in_flight!($send),
            ")"
        )
    };
}

/// Whether anybody of a send has a turn, or had one when its sender fell silent. These are few, of
/// all sends together; the sign keeps SQLite from going through all of the send for them.
macro_rules! has_in_flight {
    ($send:literal) => {
        concat!(
            "exists (select 1 from messages w where +w.send_id = ",
            $send,
            " and w.lease_until is not null)"
        )
    };
}

pub(crate) use {has_in_flight, has_pending};
