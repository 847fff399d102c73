//! The bytes of a message, read back by a parser that is not ours.

use std::collections::BTreeMap;

use chrono::DateTime;
use mail_parser::{MessageParser, MimeHeaders};

use proptest::prelude::*;

use loupe::{
    channels::email::{Addressee, EmailAddress, MimeProblem, Prepared, Sender, write_id},
    rendering::{Person, Source, compile},
};

const OUT: &str = "https://loupe.example.com/u/abc=1";

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn prepared(subject: &str, body: &str, from_name: &str) -> Prepared {
    let compiled = compile(Source {
        subject,
        body,
        fallbacks: &BTreeMap::from([("first_name".to_owned(), "friend".to_owned())]),
        store_name: "Aurelia",
        footer: "12 George St",
        signature: "Mia",
        lang: "en-AU",
    })
    .unwrap();
    let (from, reply) = (
        address("hello@aurelia.example.com"),
        address("replies@aurelia.example.com"),
    );
    Prepared::new(
        compiled,
        Sender {
            name: from_name,
            address: &from,
            reply_to: Some(&reply),
        },
    )
}

fn written(prepared: &Prepared, name: &str, person: Person<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let to = address("amara@example.com");
    let date = DateTime::from_timestamp(1_795_393_805, 0).unwrap();
    prepared
        .write(
            &Addressee {
                message_id: 41,
                installation: "k7-<>3",
                name,
                address: &to,
                date,
                person,
            },
            &mut out,
        )
        .unwrap();
    out
}

fn person<'a>(first_name: &'a str, last_name: &'a str) -> Person<'a> {
    Person {
        first_name,
        last_name,
        next_anniversary: "12 June",
        unsubscribe_url: OUT,
    }
}

/// Each header once, in any order; nothing else before the blank line.
fn header_names(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap().to_owned();
    head.split("\r\n")
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect()
}

const HEADERS: [&str; 10] = [
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "MIME-Version",
    "Content-Type",
];

#[test]
fn a_message_reads_back_as_it_was_written() {
    let prepared = prepared(
        "Happy anniversary, {{first_name}}: 真珠の指輪",
        "Dear {{first_name}} {{last_name}},\n\n**Zażółć** gęślą jaźń — {{next_anniversary}}.\n\n.a dot\n\nطوق",
        "Aurelia, Sydney “Joaillerie”",
    );
    let bytes = written(&prepared, "Ægir \"Þ\" Núñez", person("Ægir", "Núñez"));
    assert!(bytes.is_ascii());
    assert_eq!(header_names(&bytes), HEADERS);
    for line in String::from_utf8(bytes.clone()).unwrap().split("\r\n") {
        assert!(line.len() <= 78 && !line.contains(['\n', '\r']), "{line:?}");
    }

    let message = MessageParser::default().parse(&bytes).unwrap();
    let mailbox = |a: Option<&mail_parser::Address<'_>>| {
        let first = a.unwrap().first().unwrap().clone();
        (first.name.unwrap().into_owned(), first.address.unwrap().into_owned())
    };
    assert_eq!(
        mailbox(message.from()),
        (
            "Aurelia, Sydney “Joaillerie”".into(),
            "hello@aurelia.example.com".into()
        )
    );
    assert_eq!(mailbox(message.reply_to()).1, "replies@aurelia.example.com");
    assert_eq!(
        mailbox(message.to()),
        ("Ægir \"Þ\" Núñez".into(), "amara@example.com".into())
    );
    assert_eq!(message.subject(), Some("Happy anniversary, Ægir: 真珠の指輪"));
    assert_eq!(message.message_id(), Some("41.k73@aurelia.example.com"));
    assert_eq!(prepared.message_id(41, "k7-<>3"), "<41.k73@aurelia.example.com>");
    assert_eq!(message.date().unwrap().to_timestamp(), 1_795_393_805);
    assert_eq!(
        message.header_raw("List-Unsubscribe").map(str::trim),
        Some("<https://loupe.example.com/u/abc=1>")
    );
    assert_eq!(
        message.header_raw("List-Unsubscribe-Post").map(str::trim),
        Some("List-Unsubscribe=One-Click")
    );
    assert!(
        message.content_type().unwrap().ctype() == "multipart"
            && message.content_type().unwrap().subtype() == Some("alternative")
    );

    let shown = prepared.compiled().render(&person("Ægir", "Núñez"));
    assert_eq!(message.text_body_count(), 1);
    assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n"), shown.text);
    assert_eq!(message.body_html(0).unwrap().replace("\r\n", "\n"), shown.html);
    assert!(
        shown
            .text
            .starts_with("Dear Ægir Núñez,\n\nZażółć gęślą jaźń — 12 June.\n\n.a dot")
    );
}

#[test]
fn one_click_is_offered_over_https_only() {
    let prepared = prepared("Hi", "Hi", "Aurelia");
    let plain = Person {
        unsubscribe_url: "http://127.0.0.1:3000/u/abc",
        ..person("A", "B")
    };
    let bytes = written(&prepared, "A", plain);
    let message = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(
        message.header_raw("List-Unsubscribe").map(str::trim),
        Some("<http://127.0.0.1:3000/u/abc>")
    );
    assert_eq!(message.header_raw("List-Unsubscribe-Post"), None);
}

#[test]
fn a_poisoned_row_fails_alone() {
    let prepared = prepared("Hi", "Hi", "Aurelia");
    let to = address("amara@example.com");
    let mut out = Vec::new();
    for url in [
        "",
        "javascript:x",
        "https://x.example.com/\r\nBcc: y@example.com",
        "https://x.example.com/>",
        "https://x.example.com/é",
    ] {
        let person = Person {
            unsubscribe_url: url,
            ..person("A", "B")
        };
        let to = Addressee {
            message_id: 1,
            installation: "k",
            name: "A",
            address: &to,
            date: DateTime::UNIX_EPOCH,
            person,
        };
        assert_eq!(prepared.write(&to, &mut out), Err(MimeProblem::UnsubscribeUrl));
        assert!(out.is_empty());
    }
}

#[test]
fn a_subject_that_looks_encoded_is_shown_as_it_is() {
    let prepared = prepared("=?utf-8?Q?x?= {{first_name}}", "x", "A");
    let bytes = written(&prepared, "=?utf-8?Q?y?=", person("=?utf-8?Q?z?=", ""));
    let message = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(message.subject(), Some("=?utf-8?Q?x?= =?utf-8?Q?z?="));
    assert_eq!(
        message.to().unwrap().first().unwrap().name.as_deref(),
        Some("=?utf-8?Q?y?=")
    );
}

proptest! {
    #[test]
    fn no_name_reaches_beyond_its_own_header(name in any::<String>(), first in any::<String>(), last in "[\\r\\n\u{85}\u{2028}\u{202e}:A-Za-z \u{0}-\u{1f}é指]{0,60}") {
        let prepared = prepared("{{first_name}} {{last_name}}", "{{first_name}}\n\n{{last_name}}", "Aurelia");
        let bytes = written(&prepared, &name, person(&first, &last));
        prop_assert!(bytes.is_ascii());
        prop_assert_eq!(header_names(&bytes), HEADERS);
        let text = String::from_utf8(bytes.clone()).unwrap();
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 300 && !line.contains(['\r', '\n', '\0'])));
        let message = MessageParser::default().parse(&bytes).unwrap();
        let shown = prepared.compiled().render(&person(&first, &last));
        prop_assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n"), shown.text);
        prop_assert_eq!(message.body_html(0).unwrap().replace("\r\n", "\n"), shown.html);
        let words = |s: &str| s.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(words(message.subject().unwrap_or_default()), words(&shown.subject));
    }
}

proptest! {
    #[test]
    fn whatever_staff_write_stays_in_its_place(subject in "\\PC{0,300}|.{0,300}", body in "(\\PC|[\\.\\n]){1,300}", from in any::<String>()) {
        let compiled = compile(Source {
            subject: &subject,
            body: &body,
            fallbacks: &BTreeMap::new(),
            store_name: "Aurelia",
            footer: "12 George St",
            signature: "Mia",
            lang: "en-AU",
        });
        // Merge fields that don't exist are refused before anything is written.
        prop_assume!(compiled.is_ok());
        let sender = address("hello@aurelia.example.com");
        let prepared = Prepared::new(
            compiled.unwrap(),
            Sender { name: &from, address: &sender, reply_to: None },
        );
        let bytes = written(&prepared, "Amara", person("Amara", "Okafor"));
        prop_assert!(bytes.is_ascii());
        let mut wanted = HEADERS.to_vec();
        wanted.retain(|name| *name != "Reply-To");
        prop_assert_eq!(header_names(&bytes), wanted);
        let text = String::from_utf8(bytes.clone()).unwrap();
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n', '\0'])));
        let message = MessageParser::default().parse(&bytes).unwrap();
        let shown = prepared.compiled().render(&person("Amara", "Okafor"));
        prop_assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n"), shown.text);
        prop_assert_eq!(message.body_html(0).unwrap().replace("\r\n", "\n"), shown.html);
        let words = |s: &str| s.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(words(message.subject().unwrap_or_default()), words(&shown.subject));
        prop_assert_eq!(message.attachment_count(), 0);
    }
}

#[test]
fn our_id_is_the_same_in_its_field_and_in_the_message_id() {
    let prepared = prepared("Hello", "Dear you.", "Aurelia");
    let mut field = Vec::new();
    write_id("X-Ours", 41, "k7-<>3", &mut field);
    let field = String::from_utf8(field).unwrap();
    let id = field
        .strip_prefix("X-Ours: ")
        .and_then(|id| id.strip_suffix("\r\n"))
        .unwrap();
    assert!(
        prepared.message_id(41, "k7-<>3").starts_with(&format!("<{id}@")),
        "{field}"
    );
}
