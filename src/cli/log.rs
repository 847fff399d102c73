//! The log: lines for people on a terminal, JSON for machines otherwise. It goes to standard
//! error and holds no message bodies and no addresses. Nothing here writes one down; what mail
//! servers say may hold an address, so each line is looked through on its way out. What a panic
//! says may hold anything: only its place is told.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
    panic::{self, PanicHookInfo},
};

use tracing_subscriber::{
    EnvFilter,
    filter::{LevelFilter, ParseError},
    fmt::MakeWriter,
};

use super::Failure;
use crate::context::Settings;

/// What stands where an address was.
const ADDRESS: &str = "[address]";

/// PostgreSQL remarks at every start that the table of migrations is there already.
const QUIETER: &str = "sqlx::postgres::notice=warn";

/// Starts logging with `LOUPE_LOG`.
pub(super) fn start(settings: &Settings) -> Result<(), Failure> {
    let filter = filter(&settings.log).map_err(|e| Failure::setting("LOUPE_LOG", format!("{e}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LookThrough(io::stderr));
    let started = if io::stderr().is_terminal() {
        lines.with_target(false).try_init()
    } else {
        lines.json().flatten_event(true).try_init()
    };
    started.map_err(|e| Failure::said(format!("The log can't be started: {e}")))?;
    panic::set_hook(Box::new(tell_where));
    Ok(())
}

/// A panic's words often quote what could not be worked on, such as a message.
fn tell_where(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "a part of the program broke");
}

/// What is asked for, without PostgreSQL's remarks unless it asks for those by name.
fn filter(asked: &str) -> Result<EnvFilter, ParseError> {
    let filter: EnvFilter = asked.parse()?;
    if filter.max_level_hint().is_some_and(|most| most <= LevelFilter::WARN) {
        return Ok(filter);
    }
    format!("{QUIETER},{asked}").parse()
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

    /// What of PostgreSQL's words, and of our own, is in the log with this setting.
    fn told(asked: &str) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter(asked).unwrap_or_else(|_| EnvFilter::new("off")))
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(lines, || {
            tracing::info!(target: "sqlx::postgres::notice", "a remark");
            tracing::warn!(target: "sqlx::postgres::notice", "a warning");
            tracing::info!(target: "loupe", "our own");
        });
        kept.text()
    }

    #[test]
    fn remarks_of_postgresql_are_told_only_when_asked_for_by_name() {
        for (asked, remark, warning, own) in [
            ("info", false, true, true),
            ("debug", false, true, true),
            ("error", false, false, false),
            ("info,sqlx::postgres::notice=info", true, true, true),
            ("warn,sqlx::postgres::notice=off", false, false, false),
        ] {
            let text = told(asked);
            let found = ["a remark", "a warning", "our own"].map(|words| text.contains(words));
            assert_eq!(found, [remark, warning, own], "{asked}: {text}");
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        fn text(&self) -> String {
            let kept = self.0.lock().map(|kept| String::from_utf8_lossy(&kept).into_owned());
            kept.unwrap_or_default()
        }
    }

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
        let text = kept.text();
        assert!(text.contains("is over quota") && text.contains("later"), "{text}");
        assert!(!text.contains("amara") && !text.contains("example.com"), "{text}");
    }
}
