//! Phone numbers.

use phonenumber::{Mode, country};

/// Longest number kept as typed, in characters.
const LONGEST: usize = 60;

/// A phone number: as it was typed, and in the international form if it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    pub typed: String,
    /// E.164, such as `+61412345678`.
    pub e164: Option<String>,
}

/// Reads a number the way people of this country (ISO 3166-1 alpha-2) write them. Nothing typed
/// is no number.
pub fn read(typed: &str, country: &str) -> Option<Phone> {
    // Spreadsheets keep a leading + only behind an apostrophe.
    let typed = crate::text::clean(typed.trim().trim_start_matches('\''));
    let typed: String = typed.chars().take(LONGEST).collect();
    if typed.is_empty() {
        return None;
    }
    let country = country.parse::<country::Id>().ok();
    let e164 = phonenumber::parse(country, &typed)
        .ok()
        .filter(phonenumber::is_valid)
        .map(|number| number.format().mode(Mode::E164).to_string());
    Some(Phone { typed, e164 })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn numbers_are_read_as_the_country_writes_them() {
        let e164 = |typed, country| read(typed, country).and_then(|p| p.e164);
        assert_eq!(e164("0412 345 678", "AU").as_deref(), Some("+61412345678"));
        assert_eq!(e164("(02) 9374 4000", "AU").as_deref(), Some("+61293744000"));
        assert_eq!(e164("'+44 20 7946 0958", "AU").as_deref(), Some("+442079460958"));
        assert_eq!(e164("12", "AU"), None);
        assert_eq!(e164("ask Ben", "AU"), None);
        assert_eq!(read("ask Ben", "AU").map(|p| p.typed).as_deref(), Some("ask Ben"));
        assert_eq!(read("  ", "AU"), None);
    }
}
