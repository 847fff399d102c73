//! Files in UTF-16, as spreadsheets write "Unicode text".

use std::io::{self, Read};

/// Which of the two bytes of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

/// A file that is neither in bytes of ASCII nor in UTF-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OtherText;

/// Whether a file that begins so is UTF-16: by its mark, or because nearly every second byte of
/// its beginning is zero.
pub(super) fn order_of(head: &[u8]) -> Result<Option<ByteOrder>, OtherText> {
    match head {
        // UTF-32
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => return Err(OtherText),
        [0xFF, 0xFE, ..] => return Ok(Some(ByteOrder::Little)),
        [0xFE, 0xFF, ..] => return Ok(Some(ByteOrder::Big)),
        _ => {}
    }
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), head.len() / 2);
    let many = |n: usize| n * 5 >= pairs && n > 2;
    let few = |n: usize| n * 50 <= pairs;
    match (many(even), many(odd)) {
        (false, true) if few(even) => Ok(Some(ByteOrder::Little)),
        (true, false) if few(odd) => Ok(Some(ByteOrder::Big)),
        (false, false) => Ok(None),
        _ => Err(OtherText),
    }
}

/// Turns pieces of UTF-16 into text. Half a pair becomes U+FFFD.
#[derive(Debug)]
pub(super) struct Decoder {
    order: ByteOrder,
    /// The first byte of a unit whose second is in the next piece.
    byte: Option<u8>,
    /// The first unit of a pair whose second is in the next piece.
    high: Option<u16>,
}

impl Decoder {
    pub(super) fn new(order: ByteOrder) -> Self {
        Self {
            order,
            byte: None,
            high: None,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], text: &mut String) {
        let mut units: Vec<u16> = self.high.take().into_iter().collect();
        for byte in bytes {
            match self.byte.take() {
                None => self.byte = Some(*byte),
                Some(first) => units.push(match self.order {
                    ByteOrder::Little => u16::from_le_bytes([first, *byte]),
                    ByteOrder::Big => u16::from_be_bytes([first, *byte]),
                }),
            }
        }
        if units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
            self.high = units.pop();
        }
        let letters = char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER));
        text.extend(letters);
    }

    /// After the last piece.
    fn end(&mut self, text: &mut String) {
        let whole = self.byte.take().is_none() && self.high.take().is_none();
        if !whole {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// UTF-16 read as UTF-8.
#[derive(Debug)]
pub(super) struct Utf16<R> {
    input: R,
    decoder: Decoder,
    text: String,
    /// How much of `text` was read.
    at: usize,
    done: bool,
}

impl<R: Read> Utf16<R> {
    pub(super) fn new(input: R, order: ByteOrder) -> Self {
        Self {
            input,
            decoder: Decoder::new(order),
            text: String::new(),
            at: 0,
            done: false,
        }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.done {
            let mut piece = [0; 16 * 1024];
            let n = self.input.read(&mut piece)?;
            self.text.clear();
            self.at = 0;
            match piece.get(..n).filter(|p| !p.is_empty()) {
                Some(piece) => self.decoder.push(piece, &mut self.text),
                None => {
                    self.decoder.end(&mut self.text);
                    self.done = true;
                }
            }
        }
        let mut left = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let n = left.read(out)?;
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, order: ByteOrder) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| match order {
                ByteOrder::Little => unit.to_le_bytes(),
                ByteOrder::Big => unit.to_be_bytes(),
            })
            .collect()
    }

    /// A file that gives a few bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = out.len().min(3);
            self.0.read(&mut out[..n])
        }
    }

    #[test]
    fn text_is_the_same_however_it_is_cut() {
        let text = "name\temail\nZoë 💍 Núñez\tzoe@example.com\n";
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let bytes = of(text, order);
            assert_eq!(order_of(&bytes), Ok(Some(order)));
            let mut read = String::new();
            let done = Utf16::new(Slow(&bytes), order).read_to_string(&mut read);
            assert!(done.is_ok() && read == text, "{read}");
            let mut cut = String::new();
            let done = Utf16::new(Slow(&bytes[..bytes.len() - 1]), order).read_to_string(&mut cut);
            assert!(done.is_ok() && cut.ends_with('\u{FFFD}'), "{cut}");
        }
    }

    #[test]
    fn other_text_is_told_from_it() {
        assert_eq!(order_of(b"name,email\nA\0b,c\n"), Ok(None));
        assert_eq!(order_of("Zoë 💍".as_bytes()), Ok(None));
        assert_eq!(order_of(b"\xFF\xFEn\0"), Ok(Some(ByteOrder::Little)));
        let utf32: Vec<u8> = "name,email".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert_eq!(order_of(&utf32), Err(OtherText));
    }
}
