//! Reading a kept message: enough of MIME to show what Loupe itself writes. What can't be read is
//! not shown; the exact source always is.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Parts inside parts are followed this far.
const DEEPEST: usize = 5;

/// The HTML part of a message, decoded.
pub fn html(source: &str) -> Option<String> {
    part(source, "text/html", 0)
}

/// The plain-text part of a message, decoded.
pub fn text(source: &str) -> Option<String> {
    part(source, "text/plain", 0)
}

/// The source with every letter of a token as an `x`, also where a line was broken inside it: staff read
/// messages, and whoever has the token acts for the customer.
pub fn masked(source: &str, token: &str) -> String {
    let (text, token) = (source.as_bytes(), token.as_bytes());
    let mut masked = text.to_vec();
    for at in 0..text.len() {
        for letter in letters_of(text, at, token).unwrap_or_default() {
            if let Some(byte) = masked.get_mut(letter) {
                *byte = b'x';
            }
        }
    }
    String::from_utf8_lossy(&masked).into_owned()
}

/// Where the letters of a token are that begins here, if one does.
fn letters_of(text: &[u8], mut at: usize, token: &[u8]) -> Option<Vec<usize>> {
    const BREAKS: [&[u8]; 4] = [b"=\r\n", b"=\n", b"\r\n ", b"\n "];
    let (first, rest) = token.split_first()?;
    if text.get(at) != Some(first) {
        return None;
    }
    let mut letters = vec![at];
    for letter in rest {
        at += 1;
        while let Some(broken) = BREAKS.iter().find(|b| text.get(at..).is_some_and(|t| t.starts_with(b))) {
            at += broken.len();
        }
        if text.get(at) != Some(letter) {
            return None;
        }
        letters.push(at);
    }
    Some(letters)
}

fn part(source: &str, wanted: &str, depth: usize) -> Option<String> {
    let (headers, body) = split(source);
    let content_type = header(&headers, "content-type").unwrap_or_else(|| "text/plain".to_owned());
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if kind.starts_with("multipart/") && depth < DEEPEST {
        let boundary = parameter(&content_type, "boundary")?;
        return parts(body, &boundary)
            .into_iter()
            .find_map(|inner| part(inner, wanted, depth + 1));
    }
    if kind != wanted {
        return None;
    }
    let encoding = header(&headers, "content-transfer-encoding").unwrap_or_default();
    let bytes = match encoding.trim().to_ascii_lowercase().as_str() {
        "quoted-printable" => quoted_printable(body),
        "base64" => base64(body)?,
        _ => body.as_bytes().to_vec(),
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Headers with their folds undone, and the body.
fn split(source: &str) -> (Vec<String>, &str) {
    let mut headers: Vec<String> = Vec::new();
    let mut rest = source;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            break;
        }
        match headers.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => headers.push(line.to_owned()),
        }
    }
    (headers, rest)
}

fn header(headers: &[String], name: &str) -> Option<String> {
    headers.iter().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        found
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn parts<'a>(body: &'a str, boundary: &str) -> Vec<&'a str> {
    let delimiter = format!("--{boundary}");
    let mut found = Vec::new();
    let mut begun: Option<usize> = None;
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        let bare = line.trim_end();
        if bare == delimiter || bare.strip_suffix("--") == Some(&delimiter) {
            if let Some(inner) = begun.and_then(|from| body.get(from..at)) {
                let inner = inner.strip_suffix('\n').unwrap_or(inner);
                found.push(inner.strip_suffix('\r').unwrap_or(inner));
            }
            begun = (bare == delimiter).then_some(at + line.len());
        }
        at += line.len();
    }
    found
}

fn quoted_printable(body: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive('\n') {
        let ends = line.ends_with('\n');
        let text = line.trim_end_matches(['\n', '\r', ' ', '\t']);
        let (text, soft) = text.strip_suffix('=').map_or((text, false), |text| (text, true));
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let hex = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
            if byte != b'=' {
                out.push(byte);
            } else if let (Some(high), Some(low)) = (hex(bytes.next()), hex(bytes.next())) {
                out.push((high * 16 + low) as u8);
            }
        }
        if ends && !soft {
            out.push(b'\n');
        }
    }
    out
}

fn base64(body: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let letters: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    GeneralPurpose::new(&STANDARD, lenient).decode(letters).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &str = "From: Aurelia <hello@example.com>\r\nContent-Type: multipart/alternative;\r\n boundary=\"b1\"\r\n\r\n\
        --b1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8g\r\n8J+Sjg==\r\n\
        --b1\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        <p>Caf=C3=A9 =3D a long =\r\nline</p>\r\n--b1--\r\n";

    #[test]
    fn both_parts_are_read() {
        assert_eq!(text(LETTER).as_deref(), Some("Hello 💎"));
        assert_eq!(html(LETTER).as_deref(), Some("<p>Café = a long line</p>"));
    }

    #[test]
    fn a_token_is_masked_wherever_its_line_was_broken() {
        let source = "List-Unsubscribe: <https://x/u/a-B_9>\r\n\r\nhttps://x/u/a-=\r\nB_9 é a-B_8\r\n";
        assert_eq!(
            masked(source, "a-B_9"),
            "List-Unsubscribe: <https://x/u/xxxxx>\r\n\r\nhttps://x/u/xx=\r\nxxx é a-B_8\r\n"
        );
        assert_eq!(masked(source, ""), source);
        assert_eq!(masked("a-B", "a-B_9"), "a-B");
    }

    #[test]
    fn what_is_no_message_reads_as_nothing_or_itself() {
        assert_eq!(html(""), None);
        assert_eq!(html("Content-Type: multipart/mixed\r\n\r\nx"), None);
        assert_eq!(html("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b"), None);
        assert_eq!(
            html("Content-Type: text/html\r\n\r\n<p>a=b</p>").as_deref(),
            Some("<p>a=b</p>")
        );
        assert_eq!(text("\r\nplain").as_deref(), Some("plain"));
        let mut nested = String::from("x");
        for i in 0..50 {
            nested = format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n{nested}\r\n--b{i}--\r\n");
        }
        assert_eq!(html(&nested), None);
    }
}
