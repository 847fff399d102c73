//! Only our own names are answered to. A name that somebody else points at this machine would let
//! their pages read what is meant for this network (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header, request::Parts, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::context::AppState;

/// Refuses what asks for another site with 421.
pub(crate) async fn own_names_only(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let base = &state.settings.base_url;
    if names(&parts, &state).is_some_and(|names| names.iter().all(|name| is_ours(name, base))) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let words = format!("This isn't the address of this Loupe. Open {base} instead.");
    (StatusCode::MISDIRECTED_REQUEST, words).into_response()
}

/// What the request calls this site: in its first line, and in its header. A proxy of ours says in a
/// header of its own what it was called. Nothing when there is more than one name in a place.
fn names(parts: &Parts, state: &AppState) -> Option<Vec<String>> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let is_proxied = peer.is_some_and(|peer| state.settings.trusted_proxies.trusts(peer.0.ip().to_canonical()));
    let forwarded = parts.headers.get("x-forwarded-host").filter(|_| is_proxied);
    let mut names: Vec<String> = parts.uri.authority().iter().map(ToString::to_string).collect();
    match forwarded {
        Some(name) => names.push(name.to_str().ok()?.to_owned()),
        None => {
            let mut all = parts.headers.get_all(header::HOST).iter();
            if let Some(name) = all.next() {
                names.push(name.to_str().ok()?.to_owned());
            }
            if all.next().is_some() {
                return None;
            }
        }
    }
    Some(names)
}

/// Whether a name, with or without a port, is the one of the base address. Where that is this machine
/// itself, all its own names are; where it is every address of it, every number is, because numbers
/// can't be pointed elsewhere.
pub(crate) fn is_ours(name: &str, base_url: &str) -> bool {
    let base = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let (Some(name), Some(base)) = (bare(name), bare(base)) else {
        return false;
    };
    let number = |text: &str| text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
    let is_local = |text: &str| text == "localhost" || number(text).is_some_and(|ip| ip.is_loopback());
    if number(&base).is_some_and(|ip| ip.is_unspecified()) {
        return is_local(&name) || number(&name).is_some();
    }
    name == base || (is_local(&base) && is_local(&name))
}

/// Without port and brackets, in small letters.
fn bare(name: &str) -> Option<String> {
    let authority: Authority = name.trim().parse().ok().filter(|_| !name.contains('@'))?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_our_own_names_are_answered_to() {
        let site = "https://loupe.example.com";
        for name in ["loupe.example.com", "LOUPE.example.com:443", "loupe.example.com."] {
            assert!(is_ours(name, site), "{name}");
        }
        for name in [
            "evil.example.com",
            "loupe.example.com.evil.example.com",
            "127.0.0.1:3000",
            "localhost",
            "evil@loupe.example.com",
            "loupe.example.com, evil.example.com",
            "",
            ":3000",
        ] {
            assert!(!is_ours(name, site), "{name}");
        }
    }

    #[test]
    fn this_machine_has_several_names() {
        for base in ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"] {
            for name in [
                "127.0.0.1:3000",
                "localhost:3000",
                "LocalHost",
                "[::1]:3000",
                "127.0.0.1:8080",
            ] {
                assert!(is_ours(name, base), "{name} {base}");
            }
            for name in ["rebound.example.com:3000", "192.0.2.1:3000", "localhost.example.com"] {
                assert!(!is_ours(name, base), "{name} {base}");
            }
        }
        for name in ["192.0.2.1:3000", "[2001:db8::1]:3000", "localhost:3000"] {
            assert!(
                is_ours(name, "http://0.0.0.0:3000") && is_ours(name, "http://[::]:3000"),
                "{name}"
            );
        }
        assert!(!is_ours("rebound.example.com:3000", "http://0.0.0.0:3000"));
    }
}
