//! What is said of a send that has ended: the same to somebody who watched it and to somebody who
//! opens its page afterwards.

use crate::{messages::model::Tally, text::grouped};

/// `1 customer`, `1,204 customers`
pub fn people(n: i64) -> String {
    let noun = if n == 1 { "customer" } else { "customers" };
    format!("{} {noun}", grouped(n))
}

/// `Sent to 108 customers. Replies come to hello@aurelia.example.com.`
pub fn at_the_end(tally: &Tally, replies_to: &str) -> String {
    match tally.sent {
        0 if tally.unconfirmed > 0 => format!("Sent to {}, unconfirmed so far.", people(tally.unconfirmed)),
        0 => "It reached nobody.".to_owned(),
        n => format!("Sent to {}. Replies come to {replies_to}.", people(n)),
    }
}

/// Whether more than 5 in 100 of those with an answer failed: `21 % failed, more than usual.` A few
/// failures are normal.
pub fn many_failed(tally: &Tally) -> Option<String> {
    let answered = tally.sent + tally.failed;
    (tally.failed * 20 > answered).then(|| {
        let percent = 100 * tally.failed / answered.max(1);
        format!("{percent} % failed, more than usual.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_twenty_is_usual_and_more_is_not() {
        let of = |sent, failed| {
            many_failed(&Tally {
                sent,
                failed,
                ..Tally::default()
            })
        };
        assert_eq!(of(95, 5), None);
        assert_eq!(of(94, 6).as_deref(), Some("6 % failed, more than usual."));
        assert_eq!(of(0, 0), None);
        assert_eq!(of(0, 1).as_deref(), Some("100 % failed, more than usual."));
    }

    #[test]
    fn the_end_names_how_many_got_it_and_where_replies_go() {
        let of = |sent, unconfirmed| {
            let tally = Tally {
                sent,
                unconfirmed,
                ..Tally::default()
            };
            at_the_end(&tally, "hello@example.com")
        };
        assert_eq!(of(1, 0), "Sent to 1 customer. Replies come to hello@example.com.");
        assert_eq!(of(0, 2), "Sent to 2 customers, unconfirmed so far.");
        assert_eq!(of(0, 0), "It reached nobody.");
    }
}
