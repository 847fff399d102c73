//! How many connections there may be, from the descriptors the system allows this process.

/// Descriptors for the database (PostgreSQL's pool, or SQLite's readers with their files), the log,
/// names that are looked up, the metrics, and files in passing.
const KEPT: usize = 96;
/// A connection is a socket, and perhaps a file that goes over it.
const EACH: usize = 2;
/// However few descriptors there are, a page can be reached.
const LEAST: usize = 8;
/// However many there are, memory is not.
const MOST: usize = 4096;
/// Where the system names no limit.
const USUAL: usize = 1024;

/// Connections that leave enough descriptors for everything else, `mail` of them for the mail server.
pub fn most_connections(mail: usize) -> usize {
    fitting(descriptors(), mail)
}

fn fitting(descriptors: usize, mail: usize) -> usize {
    (descriptors.saturating_sub(KEPT + mail) / EACH).clamp(LEAST, MOST)
}

#[cfg(unix)]
fn descriptors() -> usize {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile)
        .current
        .map_or(USUAL, |most| usize::try_from(most).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
fn descriptors() -> usize {
    USUAL
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn the_database_and_the_mail_server_always_find_a_descriptor() {
        assert_eq!(fitting(256, 8), 76);
        assert_eq!(fitting(1024, 8), 460);
        for descriptors in [128, 256, 1024, 65_536, usize::MAX] {
            let connections = fitting(descriptors, 10);
            assert!(connections * 2 + 96 + 10 <= descriptors, "{descriptors}");
        }
        assert_eq!(fitting(0, 10), 8, "a page can be reached all the same");
    }
}
