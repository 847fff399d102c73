//! Whom a refusal is about, by what mail servers really say.

use std::collections::BTreeSet;

use loupe::channels::email::smtp::Scope;

const ANSWERS: &str = include_str!("fixtures/smtp_refusals.txt");

fn scope(word: &str) -> Scope {
    match word {
        "account" => Scope::Account,
        "connection" => Scope::Connection,
        "recipient" => Scope::Recipient,
        "sender" => Scope::Sender,
        "unclear" => Scope::Unclear,
        other => panic!("nothing is about {other}"),
    }
}

#[test]
fn every_provider_is_understood() {
    let mut accounts = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in ANSWERS.lines().filter(|line| !line.starts_with('#')) {
        let [provider, stage, about, answer] = line.splitn(4, " | ").collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        assert!(["auth", "mail", "rcpt", "data", "dot"].contains(&stage), "{line}");
        if about == "account" {
            accounts.insert(provider);
        }
        let found = Scope::of(answer);
        if found != scope(about) {
            wrong.push(format!("{found:?}: {line}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    for provider in [
        "Amazon SES",
        "Brevo",
        "Gmail",
        "Mailgun",
        "Microsoft 365",
        "OVH",
        "Postmark",
        "SendGrid",
        "Yahoo",
        "Zoho",
    ] {
        assert!(accounts.contains(provider), "{provider}");
    }
}
