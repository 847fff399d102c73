//! Who of a send became what.

/// What became of a message, as a condition that the index of outcomes answers: it holds the settled
/// ones alone, and SQLite takes it for a statement that says so too.
macro_rules! outcome_is {
    ($outcome:literal) => {
        concat!("outcome = '", $outcome, "' and settled_at is not null")
    };
}

pub(crate) use outcome_is;
