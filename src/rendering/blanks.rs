//! What the builder says about people who lack a field.

use super::field::Field;

/// `9 customers have no first name: they'll read “friend”`. `None` when nobody lacks it.
pub fn blank_words(field: Field, blanks: i64, fallback: &str) -> Option<String> {
    if blanks <= 0 {
        return None;
    }
    let what = match field {
        Field::FirstName => "first name",
        Field::LastName => "last name",
        Field::StoreName => "store name",
        Field::NextAnniversary => "anniversary",
        Field::StaffSignature => "signature",
    };
    let who = if blanks == 1 {
        "1 customer has".to_owned()
    } else {
        format!("{blanks} customers have")
    };
    Some(match fallback.trim() {
        "" => format!("{who} no {what}: they'll read nothing there"),
        fallback => format!("{who} no {what}: they'll read “{fallback}”"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_counts_and_quotes() {
        assert_eq!(blank_words(Field::FirstName, 0, "friend"), None);
        assert_eq!(
            blank_words(Field::FirstName, 9, "friend").as_deref(),
            Some("9 customers have no first name: they'll read “friend”")
        );
        assert_eq!(
            blank_words(Field::NextAnniversary, 1, " ").as_deref(),
            Some("1 customer has no anniversary: they'll read nothing there")
        );
    }
}
