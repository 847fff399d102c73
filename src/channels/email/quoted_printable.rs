//! Quoted-printable, in pieces. Every piece starts at the beginning of a line and, unless it is
//! the last, ends with a line break that a reader takes out again: so pieces can be encoded once
//! and set side by side in any order.

/// With the `=` of a soft break.
const LINE: usize = 76;
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Encodes a piece that another piece follows.
pub(super) fn write_piece(text: &[u8], out: &mut Vec<u8>) {
    if write(text, out) > 0 {
        out.extend_from_slice(b"=\r\n");
    }
}

/// Encodes the last piece of a part; a space at its end is kept visible.
pub(super) fn write_last(text: &[u8], out: &mut Vec<u8>) {
    match text.split_last() {
        Some((space @ (b' ' | b'\t'), before)) => {
            write(before, out);
            out.extend_from_slice(b"=\r\n");
            write_hex(*space, out);
        }
        _ => {
            write(text, out);
        }
    }
}

/// Returns the column after the last byte.
fn write(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut column = 0;
    for (at, &byte) in text.iter().enumerate() {
        if byte == b'\n' {
            out.extend_from_slice(b"\r\n");
            column = 0;
            continue;
        }
        let is_plain = match byte {
            b' ' | b'\t' => text.get(at + 1).is_none_or(|next| *next != b'\n'),
            b'=' => false,
            _ => (0x21..0x7f).contains(&byte),
        };
        let width = if is_plain { 1 } else { 3 };
        if column + width > LINE - 1 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if is_plain {
            out.push(byte);
        } else {
            write_hex(byte, out);
        }
        column += width;
    }
    column
}

fn write_hex(byte: u8, out: &mut Vec<u8>) {
    let digit = |nibble: u8| HEX.get(usize::from(nibble & 0xf)).copied().unwrap_or(b'0');
    out.extend_from_slice(&[b'=', digit(byte >> 4), digit(byte)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(encoded: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(encoded)
            .replace("=\r\n", "")
            .replace("\r\n", "\n");
        let mut bytes = text.bytes();
        let mut out = Vec::new();
        while let Some(byte) = bytes.next() {
            if byte == b'=' {
                let hex: Vec<u8> = bytes.by_ref().take(2).collect();
                out.extend(u8::from_str_radix(&String::from_utf8_lossy(&hex), 16));
            } else {
                out.push(byte);
            }
        }
        out
    }

    proptest! {
        #[test]
        fn pieces_side_by_side_read_as_one_text(pieces in proptest::collection::vec("[ =.a-zé\\n\\t指]{0,90}", 1..5)) {
            let mut out = Vec::new();
            for (at, piece) in pieces.iter().enumerate() {
                if at + 1 == pieces.len() { write_last(piece.as_bytes(), &mut out) } else { write_piece(piece.as_bytes(), &mut out) }
            }
            let back = String::from_utf8(decoded(&out)).unwrap_or_default();
            prop_assert_eq!(back, pieces.concat());
            for line in String::from_utf8_lossy(&out).split("\r\n") {
                prop_assert!(line.len() <= LINE && !line.ends_with([' ', '\t']) && line.is_ascii(), "{:?}", line);
            }
        }
    }
}
