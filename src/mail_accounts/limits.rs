//! What an owner has set for the mail account: how fast, how fast to one domain, and over how many
//! connections. What `LOUPE_SMTP_URL` says is what holds without it, and the most that can be set.

use super::account_queries::Limits;
use crate::channels::email::smtp::Account;

/// Fastest rate that can be asked for, in messages a second.
pub const FASTEST: i64 = 100_000;

/// What holds for an account now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectiveLimits {
    pub rate: Option<i64>,
    /// To one recipient domain.
    pub domain_rate: Option<i64>,
    pub connections: usize,
}

impl EffectiveLimits {
    /// What was set, within what the URL allows.
    pub fn of(limits: Limits, account: &Account) -> Self {
        let fastest = account.rate.map(i64::from);
        let rate = match (limits.rate, fastest) {
            (Some(set), Some(fastest)) => Some(set.min(fastest)),
            (set, fastest) => set.or(fastest),
        };
        let connections = limits
            .connections
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(account.connections)
            .clamp(1, account.most_connections);
        Self {
            rate,
            domain_rate: limits.domain_rate,
            connections,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(url: &str, rate: Option<i64>, connections: Option<i64>) -> Option<(Option<i64>, usize)> {
        let account = Account::parse(url).ok()?;
        let limits = Limits {
            rate,
            domain_rate: None,
            connections,
        };
        let holds = EffectiveLimits::of(limits, &account);
        Some((holds.rate, holds.connections))
    }

    #[test]
    fn what_is_set_holds_within_what_the_url_allows() {
        assert_eq!(holds("smtp://127.0.0.1", None, None), Some((None, 4)));
        assert_eq!(holds("smtp://127.0.0.1", Some(14), Some(32)), Some((Some(14), 32)));
        let url = "smtp://127.0.0.1?rate=80&connections=8";
        assert_eq!(holds(url, None, None), Some((Some(80), 8)));
        assert_eq!(holds(url, Some(14), Some(2)), Some((Some(14), 2)));
        assert_eq!(holds(url, Some(1000), Some(64)), Some((Some(80), 8)));
    }
}
