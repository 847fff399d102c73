//! What other mail servers find about the domain messages come from: SPF, DKIM and DMARC. Without
//! them the big mailbox providers turn bulk mail away.

use crate::channels::email::dns::{NoAnswer, Resolver, Texts};

/// What there is to mend about a domain, in words; none when it is fine.
pub(super) async fn to_mend(resolver: &Resolver, domain: &str) -> Result<Vec<String>, NoAnswer> {
    let own = resolver.texts(domain).await?;
    if own == Texts::NoSuchName {
        return Ok(vec![format!(
            "{domain} doesn't exist: nobody can answer, and servers turn it away"
        )]);
    }
    let mut words = Vec::new();
    match own.beginning("v=spf1").len() {
        0 => words.push(format!(
            "{domain} has no SPF record: add a TXT record that begins with v=spf1 and names your mail server"
        )),
        1 => {}
        n => words.push(format!("{domain} has {n} SPF records, which counts as none: leave one")),
    }
    // The selector is the mail server's own, so only whether there is any key can be seen.
    if resolver.texts(&format!("_domainkey.{domain}")).await? == Texts::NoSuchName {
        words.push(format!(
            "{domain} has no DKIM key: add the record your mail server gives you"
        ));
    }
    if !has_dmarc(resolver, domain).await? {
        words.push(format!(
            "{domain} has no DMARC record: add a TXT record to _dmarc.{domain}, such as v=DMARC1; p=none"
        ));
    }
    Ok(words)
}

/// A domain's policy, or that of the domain it belongs to.
async fn has_dmarc(resolver: &Resolver, domain: &str) -> Result<bool, NoAnswer> {
    let mut asked = Some(domain);
    while let Some(name) = asked.filter(|name| name.contains('.')) {
        let found = resolver.texts(&format!("_dmarc.{name}")).await?;
        if !found.beginning("v=DMARC1").is_empty() {
            return Ok(true);
        }
        asked = name.split_once('.').map(|(_, parent)| parent);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;

    /// Answers for these names and says of all others that they don't exist.
    async fn resolver(known: &'static [(&'static str, &'static [&'static str])]) -> Resolver {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap_or_else(|e| panic!("{e}"));
        let at = socket.local_addr().unwrap_or_else(|e| panic!("{e}"));
        tokio::spawn(async move {
            let mut asked = [0; 512];
            loop {
                let Ok((n, from)) = socket.recv_from(&mut asked).await else {
                    break;
                };
                let asked = asked.get(..n).unwrap_or_default();
                let _ = socket.send_to(&answer(asked, known), from).await;
            }
        });
        Resolver::at(at)
    }

    fn answer(asked: &[u8], known: &[(&str, &[&str])]) -> Vec<u8> {
        let wire = |name: &str| {
            let labels = name.split('.').flat_map(|label| {
                let length = u8::try_from(label.len()).unwrap_or_default();
                std::iter::once(length).chain(label.bytes())
            });
            labels.chain([0]).collect::<Vec<u8>>()
        };
        let name = asked.get(12..).unwrap_or_default();
        let texts = known.iter().find(|(known, _)| name.starts_with(&wire(known)));
        let mut out = asked.get(..2).unwrap_or_default().to_vec();
        let count = u8::try_from(texts.map_or(0, |(_, texts)| texts.len())).unwrap_or_default();
        let code = if texts.is_some() { 0x80 } else { 0x83 };
        out.extend_from_slice(&[0x81, code, 0, 0, 0, count, 0, 0, 0, 0]);
        for text in texts.map_or(&[][..], |(_, texts)| texts) {
            let length = u8::try_from(text.len()).unwrap_or_default();
            out.extend_from_slice(&[0, 0, 16, 0, 1, 0, 0, 0, 60, 0, length + 1, length]);
            out.extend_from_slice(text.as_bytes());
        }
        out
    }

    #[tokio::test]
    async fn a_domain_with_everything_has_nothing_to_mend() {
        let good = resolver(&[
            ("mail.aurelia.example", &["other", "v=spf1 include:example.net -all"]),
            ("_domainkey.mail.aurelia.example", &[]),
            // Of the domain above: it holds for those below.
            ("_dmarc.aurelia.example", &["v=DMARC1; p=none"]),
        ])
        .await;
        assert_eq!(to_mend(&good, "mail.aurelia.example").await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn what_is_missing_is_named_with_what_to_add() {
        let bare = resolver(&[("aurelia.example", &["v=spf1 -all", "v=spf1 a -all"])]).await;
        let words = to_mend(&bare, "aurelia.example").await.unwrap_or_default().join("\n");
        for part in ["2 SPF records", "no DKIM key", "_dmarc.aurelia.example"] {
            assert!(words.contains(part), "{words}");
        }
        let gone = to_mend(&bare, "elsewhere.example").await.unwrap_or_default().join("\n");
        assert!(gone.contains("doesn't exist"), "{gone}");
        let plain = resolver(&[("aurelia.example", &["hello"])]).await;
        let words = to_mend(&plain, "aurelia.example").await.unwrap_or_default().join("\n");
        assert!(words.contains("no SPF record"), "{words}");
    }
}
