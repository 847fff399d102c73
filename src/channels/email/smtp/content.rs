//! A message as it goes over the wire: dots doubled, and the dot that ends it.

use memchr::memmem;

/// The content has a line end that is not CR LF: servers disagree about where it would end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BareLineEnd;

/// Appends `content` and its final dot to `out`; leaves `out` as it was on an error.
pub fn write_content(content: &[u8], out: &mut Vec<u8>) -> Result<(), BareLineEnd> {
    if has_bare_line_end(content) {
        return Err(BareLineEnd);
    }
    out.reserve(content.len() + 64);
    let mut copied = 0;
    if content.first() == Some(&b'.') {
        out.push(b'.');
    }
    for at in memmem::find_iter(content, b"\n.") {
        out.extend_from_slice(content.get(copied..=at).unwrap_or_default());
        out.push(b'.');
        copied = at + 1;
    }
    out.extend_from_slice(content.get(copied..).unwrap_or_default());
    out.extend_from_slice(if content.is_empty() || content.ends_with(b"\r\n") {
        b".\r\n"
    } else {
        b"\r\n.\r\n"
    });
    Ok(())
}

/// Whether a CR or LF stands alone. Without a branch, so that the compiler takes many bytes at a time.
fn has_bare_line_end(content: &[u8]) -> bool {
    let pairs = content.iter().zip(content.get(1..).unwrap_or_default());
    let inside = pairs.fold(false, |bare, (&one, &next)| bare | ((one == b'\r') != (next == b'\n')));
    inside || content.first() == Some(&b'\n') || content.last() == Some(&b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(content: &str) -> Result<String, BareLineEnd> {
        let mut out = b"x".to_vec();
        write_content(content.as_bytes(), &mut out)?;
        Ok(String::from_utf8_lossy(out.get(1..).unwrap_or_default()).into_owned())
    }

    #[test]
    fn dots_at_the_start_of_a_line_are_doubled() {
        assert_eq!(
            wire(".a\r\n..b\r\nc.\r\n.\r\n").as_deref(),
            Ok("..a\r\n...b\r\nc.\r\n..\r\n.\r\n")
        );
        assert_eq!(wire("a\r\n.\r\n.b").as_deref(), Ok("a\r\n..\r\n..b\r\n.\r\n"));
        assert_eq!(wire("a").as_deref(), Ok("a\r\n.\r\n"));
        assert_eq!(wire("").as_deref(), Ok(".\r\n"));
    }

    #[test]
    fn a_bare_line_end_never_goes_out() {
        for content in ["a\nb", "a\rb", "\n", "a\r\n.\n", "a\r", "\r\r\n"] {
            assert_eq!(wire(content), Err(BareLineEnd), "{content:?}");
        }
    }
}
