//! A message as it goes over the wire: dots doubled, and the dot that ends it.

use memchr::memmem;

/// The content has a line end that is not CR LF: servers disagree about where it would end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BareLineEnd;

/// Appends `content` and its final dot to `out`; leaves `out` as it was on an error.
pub fn write_content(content: &[u8], out: &mut Vec<u8>) -> Result<(), BareLineEnd> {
    let has_dots = look(content)?;
    out.reserve(content.len() + 64);
    let mut copied = 0;
    if content.first() == Some(&b'.') {
        out.push(b'.');
    }
    // Most messages have none.
    if has_dots {
        for at in memmem::find_iter(content, b"\n.") {
            out.extend_from_slice(content.get(copied..=at).unwrap_or_default());
            out.push(b'.');
            copied = at + 1;
        }
    }
    out.extend_from_slice(content.get(copied..).unwrap_or_default());
    out.extend_from_slice(if content.is_empty() || content.ends_with(b"\r\n") {
        b".\r\n"
    } else {
        b"\r\n.\r\n"
    });
    Ok(())
}

/// Whether a line but the first begins with a dot; an error when a CR or LF stands alone. Without a
/// branch, so that the compiler takes many bytes at a time.
fn look(content: &[u8]) -> Result<bool, BareLineEnd> {
    let (mut alone, mut dots) = (0, 0);
    for (&one, &next) in content.iter().zip(content.get(1..).unwrap_or_default()) {
        alone |= u8::from(one == b'\r') ^ u8::from(next == b'\n');
        dots |= u8::from(one == b'\n') & u8::from(next == b'.');
    }
    if alone != 0 || content.first() == Some(&b'\n') || content.last() == Some(&b'\r') {
        return Err(BareLineEnd);
    }
    Ok(dots != 0)
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
