//! Content that is large, malformed or cut short on its way.

use loupe::channels::{
    Outcome,
    email::{
        check::send_one,
        smtp::{Connection, Envelope, Offered},
    },
};

use super::smtp::{account, address, scripted, start, word};
use crate::support::sink::{Fault, Rule, Settings, When};

#[tokio::test]
async fn a_large_message_fits_whatever_the_buffers_are() {
    let sink = start(Settings::default()).await;
    let line = format!(".{}\r\n", "x".repeat(74));
    let content = format!("Message-ID: <big>\r\n\r\n{}", line.repeat(60_000)).into_bytes();
    let (from, to) = (address("a@example.com"), address("b@example.com"));
    let envelope = Envelope { from: &from, to: &to };
    let mut connection = Connection::open(&account(&sink, "")).await.unwrap();
    assert_eq!(connection.offer(&envelope).await, Ok(Offered::Ready));
    let delivered = connection.deliver(&content, Some(&envelope)).await;
    assert!(matches!(delivered.outcome, Outcome::Accepted { .. }) && delivered.next == Some(Ok(Offered::Ready)));
    assert!(sink.received().first().is_some_and(|one| one.bytes == content));
}

#[tokio::test]
async fn content_with_a_bare_line_end_is_never_sent() {
    let sink = start(Settings::default()).await;
    let (from, to) = (address("a@example.com"), address("b@example.com"));
    let envelope = Envelope { from: &from, to: &to };
    let outcome = send_one(
        &account(&sink, ""),
        &envelope,
        b"Subject: x\r\n\r\n\n.\nMAIL FROM:<evil@example.com>\r\n",
    )
    .await;
    assert_eq!(word(&outcome), "not sent");
    assert_eq!(sink.received(), vec![]);
}

#[tokio::test]
async fn content_cut_in_the_middle_is_never_called_unsent() {
    let sink = start(Settings {
        rules: vec![Rule::new(When::Always, Fault::HangUpInContent)],
        ..Settings::default()
    })
    .await;
    let (from, to) = (address("a@example.com"), address("b@example.com"));
    let content = "x".repeat(70).repeat(400_000).into_bytes();
    let outcome = send_one(&account(&sink, ""), &Envelope { from: &from, to: &to }, &content).await;
    assert_eq!(word(&outcome), "unconfirmed");
    assert_eq!(sink.received(), vec![]);
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_the_content_is_an_answer() {
    let answers = ["220 hi", "250 hi", "250 ok", "250 ok", "354 go", "552 5.3.4 too big"];
    let (account, server) = scripted(&answers).await;
    let (from, to) = (address("a@example.com"), address("b@example.com"));
    let content = "x".repeat(70).repeat(400_000).into_bytes();
    let outcome = send_one(&account, &Envelope { from: &from, to: &to }, &content).await;
    assert_eq!(
        outcome,
        Outcome::Rejected {
            code: 552,
            reply: "552 5.3.4 too big".to_owned()
        }
    );
    server.abort();
}
