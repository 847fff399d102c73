//! Which machines between the internet and this server are believed about who is behind them.

use std::{net::IpAddr, str::FromStr};

/// The proxies that are believed: networks such as `10.0.0.0/8`, or single addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Networks behind commas; none when the text is empty. The error is the part that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().map_err(|_| part.to_owned()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether this machine is one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whose request it is, seen from the machine at the other end of the connection and what
    /// `X-Forwarded-For` says. Each proxy appends who spoke to it, so only the right end can be
    /// believed: the first address from there that is not one of ours is the client, and whatever
    /// stands left of it is the client's own invention.
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a [u8]>) -> IpAddr {
        let mut client = peer.to_canonical();
        for hop in forwarded.flat_map(|line| line.split(|byte| *byte == b',')).rev() {
            if !self.trusts(client) {
                break;
            }
            match address_in(hop) {
                Some(before) => client = before,
                None => break,
            }
        }
        client
    }
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn address_in(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bare = match hop.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => match hop.split_once(':') {
            Some((v4, port)) if !port.contains(':') => v4,
            _ => hop,
        },
    };
    bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    base: IpAddr,
    prefix: u32,
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                same_start(u32::from(base).into(), u32::from(ip).into(), u32::BITS - self.prefix)
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => same_start(base.into(), ip.into(), u128::BITS - self.prefix),
            _ => false,
        }
    }
}

/// Whether two addresses differ in nothing but the last bits.
fn same_start(one: u128, other: u128, free_bits: u32) -> bool {
    let differ = one ^ other;
    differ.checked_shr(free_bits).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| ())?;
        let bits = if base.is_ipv4() { u32::BITS } else { u128::BITS };
        let prefix = prefix.map_or(Ok(bits), |p| p.parse().map_err(|_| ()))?;
        if prefix > bits {
            return Err(());
        }
        Ok(Self { base, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whose request it is behind proxies of 10.0.0.0/8 and 2001:db8:1::/48.
    fn client(peer: &str, forwarded: &[&str]) -> Option<String> {
        let proxies = TrustedProxies::parse("10.0.0.0/8, 2001:db8:1::/48,192.0.2.7").ok()?;
        Some(
            proxies
                .client(peer.parse().ok()?, forwarded.iter().map(|line| line.as_bytes()))
                .to_string(),
        )
    }

    fn is(peer: &str, forwarded: &[&str], client_is: &str) {
        assert_eq!(
            client(peer, forwarded).as_deref(),
            Some(client_is),
            "{peer} {forwarded:?}"
        );
    }

    #[test]
    fn only_our_proxies_are_believed() {
        // Somebody who speaks to us directly can claim nothing.
        is("203.0.113.5", &["198.51.100.1"], "203.0.113.5");
        is("10.1.2.3", &["198.51.100.1"], "198.51.100.1");
        is("::ffff:10.1.2.3", &["198.51.100.1"], "198.51.100.1");
        is("2001:db8:1::9", &["2001:db8:2::1"], "2001:db8:2::1");
        is("192.0.2.7", &["198.51.100.1"], "198.51.100.1");
        is("192.0.2.8", &["198.51.100.1"], "192.0.2.8");
        is("10.1.2.3", &[], "10.1.2.3");
    }

    #[test]
    fn what_the_client_wrote_itself_is_left_of_what_our_proxy_saw() {
        is("10.0.0.1", &["1.1.1.1, 10.9.9.9, 198.51.100.1"], "198.51.100.1");
        // Two proxies of ours in a row, on one line or on two.
        is("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1");
        is("10.0.0.1", &["1.1.1.1", "198.51.100.1", "10.0.0.2"], "198.51.100.1");
        // Everybody is one of ours: somebody of our own network.
        is("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3");
    }

    #[test]
    fn ports_and_brackets_are_no_hindrance_and_rubbish_ends_the_search() {
        is("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1");
        is("10.0.0.1", &["[2001:db8:2::1]:4711"], "2001:db8:2::1");
        is("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1");
        is("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1");
        is("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2");
        is("10.0.0.1", &["1.1.1.1", "\u{e9}, 198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn networks_are_read_or_named() {
        assert_eq!(TrustedProxies::parse(""), Ok(TrustedProxies::default()));
        assert!(TrustedProxies::parse("0.0.0.0/0,::/0").is_ok());
        for wrong in ["10.0.0.0/33", "::/129", "proxy.example.com", "10.0.0.0/", "10.0.0/8"] {
            assert_eq!(TrustedProxies::parse(wrong), Err(wrong.to_owned()));
        }
        let anyone = TrustedProxies::parse("0.0.0.0/0").unwrap_or_default();
        assert!(anyone.trusts(IpAddr::from([203, 0, 113, 9])));
    }
}
