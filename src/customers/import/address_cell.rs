//! Email addresses as cells have them: in angle brackets behind a name, behind `mailto:`, several
//! in one cell, with a full stop after them.

use crate::{channels::email::address::EmailAddress, customers::details::Email};

/// What a cell says of addresses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Addresses {
    /// The first that mail can go to.
    pub email: Email,
    /// There are others.
    pub more: bool,
}

/// Reads a cell; or why none of it is an address.
pub(super) fn read(cell: &str) -> Result<Addresses, String> {
    let cell: String = cell.chars().filter(|c| !takes_no_room(*c)).collect();
    let mut first: Option<Email> = None;
    let mut more = false;
    let mut problem = None;
    for piece in pieces(&cell) {
        match EmailAddress::parse(piece) {
            Ok(_) => match (&first, Email::read(piece)) {
                (None, email) => first = email,
                (Some(one), Some(other)) => more |= one.norm != other.norm,
                (Some(_), None) => {}
            },
            Err(why) => problem = problem.or(Some(why)),
        }
    }
    match first {
        Some(email) => Ok(Addresses { email, more }),
        None => Err(problem.map_or_else(|| "There is no address in it".to_owned(), |why| why.to_string())),
    }
}

/// What could be an address each. A part of a name may be among them.
fn pieces(cell: &str) -> impl Iterator<Item = &str> {
    cell.split([';', ',', '\n'])
        .flat_map(|piece| {
            let inside = piece
                .rsplit_once('<')
                .map(|(_, rest)| rest.split('>').next().unwrap_or(rest));
            // Several with nothing but space between them.
            let apart = inside.is_none() && piece.matches('@').count() > 1;
            let whole = inside.unwrap_or(piece);
            let words = apart.then(|| whole.split_whitespace());
            let one = (!apart).then_some(whole);
            words.into_iter().flatten().chain(one)
        })
        .map(bare)
        .filter(|piece| !piece.is_empty())
}

fn bare(piece: &str) -> &str {
    let around = |c: char| c.is_whitespace() || c == '"' || c == '\'' || c == '(' || c == ')';
    let piece = piece.trim_matches(around);
    let piece = match piece.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto:") => rest.split('?').next().unwrap_or(rest),
        _ => piece,
    };
    piece.trim_matches(around).trim_end_matches('.')
}

/// In an address not even joiners have a place.
fn takes_no_room(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::read;

    fn of(cell: &str) -> Result<(String, bool), String> {
        read(cell).map(|a| (a.email.typed, a.more))
    }

    #[test]
    fn an_address_is_found_in_what_stands_around_it() {
        for cell in [
            "amara@example.com",
            "amara@example.com\u{A0}",
            "\u{200B}amara@exam\u{200D}ple.com",
            "<amara@example.com>",
            "mailto:amara@example.com?subject=x",
            "Amara Okafor <amara@example.com>",
            "\"Okafor, Amara\" <amara@example.com>",
            "amara@example.com.",
            "amara@example.com;",
            "amara@example.com, AMARA@example.com",
        ] {
            assert_eq!(of(cell), Ok(("amara@example.com".to_owned(), false)), "{cell}");
        }
        for cell in [
            "fay@example.com;fay.work@example.com",
            "fay@example.com fay.work@example.com",
        ] {
            assert_eq!(of(cell), Ok(("fay@example.com".to_owned(), true)), "{cell}");
        }
    }

    #[test]
    fn what_is_none_says_why() {
        for (cell, why) in [
            ("amara", "An email address needs one @, like name@example.com"),
            ("amara@", "The part after the @ is not right"),
            ("amara@exam ple.com", "The part after the @ is not right"),
            (";", "There is no address in it"),
        ] {
            assert_eq!(of(cell), Err(why.to_owned()), "{cell}");
        }
    }
}
