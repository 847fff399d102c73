//! What a mail server answered.

use std::fmt;

use super::scope::Scope;
use crate::{channels::Outcome, rendering::clean_line_to};

/// A reply longer than this is no reply.
const LONGEST: usize = 64 * 1024;
/// Characters of it that are worth keeping on a row.
const LONGEST_KEPT: usize = 500;

/// One whole reply, cleaned: one line, at most 500 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// The status of RFC 3463, such as 5.1.1.
    pub enhanced: Option<(u8, u16, u16)>,
    pub text: String,
}

impl Reply {
    /// Try again later.
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// Trying again will not help.
    pub fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// The server hangs up after this one.
    pub fn is_closing(&self) -> bool {
        self.code == 421
    }

    /// Whom it is about.
    pub fn scope(&self) -> Scope {
        Scope::of(&self.to_string())
    }

    /// Whether it is the connection's end and says nothing of the message at hand: it has brought so
    /// many messages, and brings no more. The first one of a connection gets no such answer.
    pub fn is_connection_limit(&self, taken: u32) -> bool {
        taken > 0
            && match self.scope() {
                Scope::Connection => true,
                Scope::Recipient => false,
                _ => matches!(self.code, 421 | 452),
            }
    }

    /// What a refusal means for the message that was offered: nothing of it had been sent.
    pub fn refusal(&self) -> Outcome {
        let (code, reply) = (self.code, self.to_string());
        if self.is_permanent() {
            Outcome::Rejected { code, reply }
        } else if self.is_transient() {
            Outcome::Deferred {
                code,
                reply,
                retry_after: None,
            }
        } else {
            Outcome::NotSent {
                why: format!("unexpected answer: {reply}"),
            }
        }
    }

    /// What the answer to a whole message means for it.
    pub(super) fn verdict(&self) -> Outcome {
        match self.code {
            200..300 => Outcome::Accepted {
                reply: self.to_string(),
            },
            400..600 => self.refusal(),
            _ => Outcome::Unconfirmed {
                why: format!("unexpected answer: {self}"),
            },
        }
    }

    pub(super) fn read(lines: &[u8]) -> Self {
        let code = read_code(lines).unwrap_or(0);
        let mut enhanced = None;
        let mut text = String::new();
        for line in lines.split(|b| *b == b'\n') {
            let line = String::from_utf8_lossy(line.get(4..).unwrap_or_default());
            let mut words = line.trim();
            if let Some((status, rest)) = read_enhanced(words) {
                enhanced = enhanced.or(Some(status));
                words = rest;
            }
            if !words.is_empty() {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(words);
            }
        }
        let text = match clean_line_to(LONGEST_KEPT, &text) {
            std::borrow::Cow::Borrowed(same) if same.len() == text.len() => text,
            cleaned => cleaned.into_owned(),
        };
        Self { code, enhanced, text }
    }
}

/// `550 5.1.1 No such user`
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        if self.text.is_empty() {
            Ok(())
        } else {
            write!(f, " {}", self.text)
        }
    }
}

/// Something that is not SMTP came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAReply;

/// The code and the length of the reply that `bytes` starts with, once all of it is there.
pub(super) fn whole_reply(bytes: &[u8]) -> Result<Option<(u16, usize)>, NotAReply> {
    let mut start = 0;
    loop {
        let rest = bytes.get(start..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', rest) else {
            return if bytes.len() > LONGEST {
                Err(NotAReply)
            } else {
                Ok(None)
            };
        };
        let line = rest.get(..end).unwrap_or_default();
        let code = read_code(line).ok_or(NotAReply)?;
        start += end + 1;
        match line.get(3) {
            Some(b'-') if start <= LONGEST => {}
            Some(b' ' | b'\r') | None => return Ok(Some((code, start))),
            _ => return Err(NotAReply),
        }
    }
}

fn read_code(line: &[u8]) -> Option<u16> {
    let digits = line.get(..3)?;
    let code = digits.iter().try_fold(0u16, |code, b| {
        b.is_ascii_digit().then(|| code * 10 + u16::from(b - b'0'))
    })?;
    (200..600).contains(&code).then_some(code)
}

fn read_enhanced(words: &str) -> Option<((u8, u16, u16), &str)> {
    let (status, rest) = words.split_once(' ').unwrap_or((words, ""));
    let mut parts = status.split('.');
    let class = parts
        .next()
        .filter(|class| matches!(*class, "2" | "4" | "5"))?
        .parse()
        .ok()?;
    let subject = parts.next()?.parse().ok()?;
    let detail = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(((class, subject, detail), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_when_all_of_it_is_there() {
        assert_eq!(whole_reply(b"250-a\r\n250 b"), Ok(None));
        assert_eq!(whole_reply(b"250-a\r\n250 b\r\n354 go\r\n"), Ok(Some((250, 14))));
        assert_eq!(whole_reply(b"250\r\n"), Ok(Some((250, 5))));
        assert_eq!(whole_reply(b"HTTP/1.1 400\r\n"), Err(NotAReply));
        assert_eq!(whole_reply(b"999 x\r\n"), Err(NotAReply));
        assert_eq!(whole_reply(&vec![b'2'; LONGEST + 1]), Err(NotAReply));
        assert_eq!(whole_reply("250-x\r\n".repeat(10_000).as_bytes()), Err(NotAReply));
    }

    #[test]
    fn the_words_are_the_providers_on_one_clean_line() {
        let reply = Reply::read(b"550-5.1.1 No such\r\n550 5.1.1 user \x1b[31m\xe9 here\r\n");
        assert_eq!(reply.to_string(), "550 5.1.1 No such user  [31m\u{fffd} here");
        assert!(reply.is_permanent() && !reply.is_transient());
        assert!(matches!(reply.refusal(), Outcome::Rejected { code: 550, .. }));
        let long = Reply::read(format!("451 {}\r\n", "é".repeat(2000)).as_bytes());
        assert_eq!(long.text.chars().count(), LONGEST_KEPT);
        assert!(matches!(long.verdict(), Outcome::Deferred { code: 451, .. }));
        assert!(matches!(
            Reply::read(b"354 what\r\n").verdict(),
            Outcome::Unconfirmed { .. }
        ));
    }

    #[test]
    fn a_connections_end_is_told_from_a_refusal() {
        let is_limit = |line: &[u8], taken| Reply::read(line).is_connection_limit(taken);
        for line in [
            b"421 Connection closed by server. Maximum message count per session reached.\r\n".as_slice(),
            b"452 4.5.3 Too many recipients in this session\r\n",
            b"421 4.3.2 closing down\r\n",
            b"452 not now\r\n",
            b"550 too many messages in this connection\r\n",
        ] {
            assert!(is_limit(line, 1), "{}", String::from_utf8_lossy(line));
            assert!(!is_limit(line, 0), "{}", String::from_utf8_lossy(line));
        }
        for line in [
            b"452 4.2.2 The email account that you tried to reach is over quota\r\n".as_slice(),
            b"451 4.3.0 not now\r\n",
            b"550 5.1.1 no such user\r\n",
        ] {
            assert!(!is_limit(line, 7), "{}", String::from_utf8_lossy(line));
        }
    }
}
