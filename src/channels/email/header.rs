//! Header fields: any text in, visible ASCII on short lines out. Nothing that is put in here can
//! end a line.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::{channels::email::address::EmailAddress, rendering::clean_line};

/// Lines are kept this short where they can be.
const LINE: usize = 76;
const LONGEST_NAME: usize = 100;
/// `=?utf-8?B?` and `?=`.
const WORD_FRAME: usize = 12;

/// `Name: "Somebody" <address>` with its line end.
pub(super) fn write_mailbox(field: &str, name: &str, address: &EmailAddress, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(field.as_bytes());
    out.extend_from_slice(b": ");
    let name = clean_line(name);
    let end = name.char_indices().nth(LONGEST_NAME).map_or(name.len(), |(end, _)| end);
    let name = name.get(..end).unwrap_or_default().trim_end();
    if name.is_empty() {
        out.extend_from_slice(address.as_str().as_bytes());
        out.extend_from_slice(b"\r\n");
        return;
    }
    let mut column = out.len() - start;
    if needs_encoding(name) {
        column = write_encoded(name, column, out);
    } else if name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b' ' || b == b'-' || b == b'\'')
    {
        out.extend_from_slice(name.as_bytes());
        column += name.len();
    } else {
        out.push(b'"');
        for byte in name.bytes() {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
                column += 1;
            }
            out.push(byte);
        }
        out.push(b'"');
        column += name.len() + 2;
    }
    if column + 3 + address.as_str().len() > LINE {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b" <");
    out.extend_from_slice(address.as_str().as_bytes());
    out.extend_from_slice(b">\r\n");
}

/// `Name: text` with its line end, folded.
pub(super) fn write_text(field: &str, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(field.as_bytes());
    out.extend_from_slice(b": ");
    let column = field.len() + 2;
    if needs_encoding(text) {
        write_encoded(text, column, out);
    } else {
        write_folded(text.trim(), column, out);
    }
    out.extend_from_slice(b"\r\n");
}

fn needs_encoding(text: &str) -> bool {
    !text.bytes().all(|b| (0x20..0x7f).contains(&b)) || text.contains("=?")
}

/// Encoded words, each a whole number of characters; returns the column after the last.
fn write_encoded(text: &str, column: usize, out: &mut Vec<u8>) -> usize {
    let mut column = column;
    let mut rest = text;
    loop {
        let room = LINE.saturating_sub(column + WORD_FRAME) / 4 * 3;
        let (word, after) = rest.split_at(whole_chars(rest, room.max(4)));
        out.extend_from_slice(b"=?utf-8?B?");
        let encoded = STANDARD.encode(word);
        out.extend_from_slice(encoded.as_bytes());
        out.extend_from_slice(b"?=");
        column += encoded.len() + WORD_FRAME;
        rest = after;
        if rest.is_empty() {
            return column;
        }
        out.extend_from_slice(b"\r\n ");
        column = 1;
    }
}

/// The most bytes, up to `room`, that end between two characters.
fn whole_chars(text: &str, room: usize) -> usize {
    let mut end = room.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

fn write_folded(text: &str, column: usize, out: &mut Vec<u8>) {
    let mut column = column;
    let mut rest = text;
    let mut first = true;
    while !rest.is_empty() {
        let gap = rest.len() - rest.trim_start_matches(' ').len();
        let word_end = rest
            .get(gap..)
            .and_then(|r| r.find(' '))
            .map_or(rest.len(), |at| gap + at);
        let (piece, after) = rest.split_at(word_end);
        if !first && column + piece.len() > LINE {
            out.extend_from_slice(b"\r\n");
            column = 0;
        }
        out.extend_from_slice(piece.as_bytes());
        column += piece.len();
        rest = after;
        first = false;
    }
}

/// `Date: Mon, 23 Nov 2026 09:00:00 +0000` with its line end.
pub(super) fn write_date(at: DateTime<Utc>, out: &mut Vec<u8>) {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let pick = |names: &[&'static str], at: u32| {
        usize::try_from(at)
            .ok()
            .and_then(|at| names.get(at).copied())
            .unwrap_or("")
    };
    let day = pick(&DAYS, at.weekday().num_days_from_monday());
    let month = pick(&MONTHS, at.month0());
    let (h, m, s) = (at.hour(), at.minute(), at.second());
    let line = format!(
        "Date: {day}, {} {month} {:04} {h:02}:{m:02}:{s:02} +0000\r\n",
        at.day(),
        at.year()
    );
    out.extend_from_slice(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(name: &str) -> String {
        let mut out = Vec::new();
        if let Ok(address) = EmailAddress::parse("amara@example.com") {
            write_mailbox("To", name, &address, &mut out);
        }
        String::from_utf8(out).unwrap_or_default()
    }

    fn text(text: &str) -> String {
        let mut out = Vec::new();
        write_text("Subject", text, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    #[test]
    fn names_are_quoted_or_encoded_when_they_must_be() {
        assert_eq!(mailbox("Amara Okafor"), "To: Amara Okafor <amara@example.com>\r\n");
        assert_eq!(mailbox(""), "To: amara@example.com\r\n");
        assert_eq!(
            mailbox("O\"Hara, A. \\"),
            "To: \"O\\\"Hara, A. \\\\\" <amara@example.com>\r\n"
        );
        assert_eq!(mailbox("Zoë"), "To: =?utf-8?B?Wm/Dqw==?= <amara@example.com>\r\n");
        assert_eq!(
            mailbox("a\r\nBcc: x@example.com"),
            "To: \"a  Bcc: x@example.com\" <amara@example.com>\r\n"
        );
        assert_eq!(
            mailbox("=?utf-8?Q?x?="),
            "To: =?utf-8?B?PT91dGYtOD9RP3g/PQ==?= <amara@example.com>\r\n"
        );
    }

    #[test]
    fn lines_stay_short() {
        let long = "word ".repeat(40);
        let wide = "指輪と真珠".repeat(30);
        for header in [text(&long), text(&wide), mailbox(&wide), mailbox(&long)] {
            assert!(header.ends_with("\r\n"));
            let lines: Vec<&str> = header.trim_end().split("\r\n").collect();
            assert!(
                lines
                    .iter()
                    .skip(1)
                    .all(|line| line.starts_with(' ') && !line.trim().is_empty()),
                "{header}"
            );
            assert!(lines.iter().all(|line| line.len() <= 110), "{header}");
        }
        assert!(text(&wide).lines().all(|line| line.len() <= LINE));
        assert!(text(&long).lines().all(|line| line.len() <= LINE));
    }

    #[test]
    fn dates_read_as_the_standard_says() {
        let mut out = Vec::new();
        write_date(DateTime::from_timestamp(1_795_393_805, 0).unwrap_or_default(), &mut out);
        let expected = DateTime::from_timestamp(1_795_393_805, 0)
            .unwrap_or_default()
            .to_rfc2822();
        assert_eq!(
            String::from_utf8(out).unwrap_or_default(),
            format!("Date: {expected}\r\n")
        );
    }
}
