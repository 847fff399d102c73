//! The log: lines for people on a terminal, JSON for machines otherwise. It goes to standard
//! error and holds no message bodies and no addresses. Nothing here writes one down; what mail
//! servers and panics say may hold one, so each line is looked through on its way out.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use super::Failure;
use crate::server::Settings;

/// What stands where an address was.
const ADDRESS: &str = "[address]";

/// Starts logging with `LOUPE_LOG`.
pub(super) fn start(settings: &Settings) -> Result<(), Failure> {
    let filter: EnvFilter = settings
        .log
        .parse()
        .map_err(|e| Failure::setting("LOUPE_LOG", format!("{e}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LookThrough(io::stderr));
    let started = if io::stderr().is_terminal() {
        lines.with_target(false).try_init()
    } else {
        lines.json().flatten_event(true).try_init()
    };
    started.map_err(|e| Failure::said(format!("The log can't be started: {e}")))
}

/// Writes each line without the addresses in it.
#[derive(Clone, Copy, Debug)]
struct LookThrough<M>(M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for LookThrough<M> {
    type Writer = Lines<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines(self.0.make_writer())
    }
}

/// Is given a whole line at a time.
struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0
            .write_all(without_addresses(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with every `somebody@somewhere` taken out.
fn without_addresses(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let before_at = |c: char| c.is_alphanumeric() || "!#$%&*+-/=?^_`|~.".contains(c);
    let after_at = |c: char| c.is_alphanumeric() || "-.".contains(c);
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('@');
    out.push_str(parts.next().unwrap_or_default());
    for after in parts {
        let kept = out.trim_end_matches(before_at).len();
        let rest = after.trim_start_matches(after_at);
        if kept == out.len() || rest.len() == after.len() {
            out.push('@');
            out.push_str(after);
        } else {
            out.truncate(kept);
            out.push_str(ADDRESS);
            out.push_str(rest);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn an_address_leaves_no_trace_and_its_neighbours_stay() {
        for (line, told) in [
            (
                "550 5.1.1 <amara@example.com>: no such user",
                "550 5.1.1 <[address]>: no such user",
            ),
            ("a@x.example, b@y.example", "[address], [address]"),
            ("zoë.oneill+vip@bücher.example said", "[address] said"),
            ("a@b.example@c.example", "[address]@c.example"),
            ("no address @ all", "no address @ all"),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(without_addresses(line), told);
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().map_or(Ok(0), |mut kept| kept.write(bytes))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_mail_server_says_about_somebody_is_not_in_the_log() {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = tracing_subscriber::fmt()
            .json()
            .with_writer(LookThrough(move || writer.clone()))
            .finish();
        tracing::subscriber::with_default(lines, || {
            tracing::warn!(problem = %"450 <amara@example.com> is over quota", "paused: try amara@example.com later");
        });
        let text = kept
            .0
            .lock()
            .map(|k| String::from_utf8_lossy(&k).into_owned())
            .unwrap_or_default();
        assert!(text.contains("is over quota") && text.contains("later"), "{text}");
        assert!(!text.contains("amara") && !text.contains("example.com"), "{text}");
    }
}
