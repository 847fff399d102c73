//! A first look at a file: its fingerprint, its alphabet, what separates its cells.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use sha2::{Digest, Sha256};

use super::{
    ImportProblem,
    utf16::{ByteOrder, Decoder, order_of},
};

/// How a file writes letters beyond ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    Utf8,
    Utf16(ByteOrder),
    /// What old spreadsheets on Windows write.
    Windows1252,
}

/// What a first look tells.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub sha256: String,
    pub bytes: u64,
    pub alphabet: Alphabet,
    pub delimiter: u8,
    /// Line feed, or carriage return in files of old Macs.
    pub line_end: u8,
}

/// Reads the whole file once, a piece at a time, and leaves it at its start.
pub(super) fn scan(file: &mut File) -> Result<Scan, ImportProblem> {
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut seen = Seen::default();
    let mut utf16: Option<(ByteOrder, Decoder)> = None;
    let mut piece = vec![0; 64 * 1024];
    loop {
        let n = file.read(&mut piece)?;
        let Some(read) = piece.get(..n).filter(|r| !r.is_empty()) else {
            break;
        };
        if bytes == 0 {
            utf16 = beginning(read)?.map(|order| (order, Decoder::new(order)));
        }
        hash.update(read);
        bytes += n as u64;
        match &mut utf16 {
            Some((_, decoder)) => {
                let mut text = String::new();
                decoder.push(read, &mut text);
                seen.take(text.as_bytes());
            }
            None => seen.take(read),
        }
    }
    file.seek(SeekFrom::Start(0))?;
    if bytes == 0 {
        return Err(ImportProblem::Empty);
    }
    let line_end = if seen.returns && !seen.feeds { b'\r' } else { b'\n' };
    Ok(Scan {
        sha256: hex::encode(hash.finalize()),
        bytes,
        alphabet: match utf16 {
            Some((order, _)) => Alphabet::Utf16(order),
            None => seen.letters.alphabet(),
        },
        delimiter: delimiter_of(&seen.head, line_end),
        line_end,
    })
}

/// What the first piece of a file says: that it is no text of ours, or that it is UTF-16.
fn beginning(piece: &[u8]) -> Result<Option<ByteOrder>, ImportProblem> {
    if piece.starts_with(b"PK\x03\x04") || piece.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err(ImportProblem::Spreadsheet);
    }
    order_of(piece).map_err(|_| ImportProblem::NotText)
}

/// What was seen of a file so far.
#[derive(Debug, Default)]
struct Seen {
    letters: Letters,
    head: Vec<u8>,
    feeds: bool,
    returns: bool,
}

impl Seen {
    fn take(&mut self, read: &[u8]) {
        self.letters.take(read);
        self.feeds |= memchr::memchr(b'\n', read).is_some();
        self.returns |= memchr::memchr(b'\r', read).is_some();
        if self.head.len() < 16 * 1024 {
            self.head.extend_from_slice(read);
        }
    }
}

/// The separator that a line such as `sep=;` names: a hint for spreadsheets, before the header.
pub(super) fn separator_hint(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let inside = line.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    match inside.unwrap_or(line) {
        [s, e, p, b'=', separator] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some(*separator),
        _ => None,
    }
}

/// Whichever of comma, semicolon and tab is most in the first line, outside quotation marks.
fn delimiter_of(head: &[u8], line_end: u8) -> u8 {
    let first = head.split(|b| *b == line_end).next().unwrap_or_default();
    if let Some(named) = separator_hint(first).filter(|b| b",;\t|".contains(b)) {
        return named;
    }
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in head {
        match *byte {
            b'"' => quoted = !quoted,
            b if b == line_end && !quoted => break,
            b if !quoted => {
                for (delimiter, n) in &mut counts {
                    *n += usize::from(b == *delimiter);
                }
            }
            _ => {}
        }
    }
    let mut best = counts[0];
    for candidate in counts {
        if candidate.1 > best.1 {
            best = candidate;
        }
    }
    best.0
}

/// Tells UTF-8 with a few broken rows from a file in another alphabet: a file without a single
/// letter in UTF-8 whose other bytes all are letters in Windows-1252 is in that.
#[derive(Debug, Default)]
struct Letters {
    rest: Vec<u8>,
    utf8: bool,
    broken: bool,
    implausible: bool,
}

impl Letters {
    fn take(&mut self, piece: &[u8]) {
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(piece);
        let mut at = 0;
        while let Some(left) = bytes.get(at..).filter(|l| !l.is_empty()) {
            match std::str::from_utf8(left) {
                Ok(text) => {
                    self.utf8 |= !without_mark(text).is_ascii();
                    return;
                }
                Err(error) => {
                    let (good, bad) = left.split_at(error.valid_up_to());
                    self.utf8 |= !without_mark(std::str::from_utf8(good).unwrap_or_default()).is_ascii();
                    let Some(n) = error.error_len() else {
                        // Cut in the middle of a letter: the next piece has the rest.
                        self.rest = bad.to_vec();
                        return;
                    };
                    self.broken = true;
                    self.implausible |= bad
                        .iter()
                        .take(n)
                        .any(|b| matches!(b, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D | 0xFE | 0xFF));
                    at += error.valid_up_to() + n;
                }
            }
        }
    }

    fn alphabet(&self) -> Alphabet {
        let broken = self.broken || !self.rest.is_empty();
        if broken && !self.utf8 && !self.implausible {
            Alphabet::Windows1252
        } else {
            Alphabet::Utf8
        }
    }
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alphabet(pieces: &[&[u8]]) -> Alphabet {
        let mut letters = Letters::default();
        for piece in pieces {
            letters.take(piece);
        }
        letters.alphabet()
    }

    #[test]
    fn the_alphabet_is_guessed_from_the_whole_file() {
        assert_eq!(alphabet(&[b"name,email\nAmara,"]), Alphabet::Utf8);
        assert_eq!(alphabet(&[b"Jos\xE9,"]), Alphabet::Windows1252);
        // A letter cut between two pieces, and a broken row in a file of UTF-8.
        assert_eq!(alphabet(&[b"Jos\xC3", b"\xA9,\n"]), Alphabet::Utf8);
        assert_eq!(alphabet(&["José\n".as_bytes(), b"Ren\xE9\n"]), Alphabet::Utf8);
        assert_eq!(alphabet(&[b"\xFF\xFE\n"]), Alphabet::Utf8);
    }

    #[test]
    fn the_delimiter_is_what_is_most_in_the_header() {
        assert_eq!(delimiter_of(b"name;email;tags\na,b,c,d,e", b'\n'), b';');
        assert_eq!(delimiter_of(b"\"a;b;c;d\",email\n", b'\n'), b',');
        assert_eq!(delimiter_of(b"name\temail\n", b'\n'), b'\t');
        assert_eq!(delimiter_of(b"email\n", b'\n'), b',');
        assert_eq!(delimiter_of(b"\xEF\xBB\xBFSEP=;\r\na,b,c,d;e", b'\n'), b';');
        assert_eq!(delimiter_of(b"\"sep=\t\"\na,b", b'\n'), b'\t');
    }
}
