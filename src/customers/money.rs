//! Amounts of money, in cents.

/// The largest amount believed: ten million, in cents.
const LARGEST: i64 = 1_000_000_000;

/// Reads `1,234.50`, `$1234.5`, `A$ 12`, `1.234,50`. Nothing when it is no amount, is below zero
/// or is beyond belief.
pub fn parse_cents(typed: &str) -> Option<i64> {
    let typed = typed.trim();
    let digits: String = typed
        .trim_matches(|c: char| c.is_alphabetic() || "$€£¥₹ \u{a0}".contains(c))
        .chars()
        .filter(|c| *c != ' ' && *c != '\u{a0}' && *c != '\'')
        .collect();
    let only_marks_and_digits = digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',');
    if digits.is_empty() || digits.ends_with(['.', ',']) || !only_marks_and_digits {
        return None;
    }
    let (whole, part) = match digits.rfind(['.', ',']) {
        // One or two digits after the last mark are the part; three are a group.
        Some(at) if digits.len() - at <= 3 => (digits.get(..at)?, digits.get(at + 1..)?),
        _ => (digits.as_str(), ""),
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    if whole.is_empty() && part.is_empty() || whole.len() > 12 {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    let cents = whole * 100 + part;
    (cents <= LARGEST).then_some(cents)
}

/// `1,234.50 AUD`
pub fn words(cents: i64, currency: &str) -> String {
    let whole = crate::text::grouped(cents / 100);
    format!("{whole}.{:02} {currency}", cents.rem_euclid(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let good = [
            ("1234.50", 123_450),
            ("$1,234.50", 123_450),
            ("A$ 12", 1200),
            ("1.234,50", 123_450),
            ("1,234", 123_400),
            ("0", 0),
            ("0.5", 50),
            ("1,234,567.8 AUD", 123_456_780),
        ];
        for (typed, cents) in good {
            assert_eq!(parse_cents(typed), Some(cents), "{typed}");
        }
        for typed in ["", "abc", "-5", "12.3.x", "..", "99999999999999", "12e4"] {
            assert_eq!(parse_cents(typed), None, "{typed}");
        }
        assert_eq!(words(123_450, "AUD"), "1,234.50 AUD");
    }
}
