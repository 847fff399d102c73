//! Content that is large, malformed or cut short on its way.

use std::time::Duration;

use loupe::channels::{
    Outcome,
    email::{
        check::send_one,
        smtp::{Account, Connection, Envelope, Offered},
    },
};

use super::{
    smtp::{account, address, start, word},
    support::sink::{Fault, Rule, Settings, When},
};

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
    assert_eq!(word(&outcome), "unknown");
    assert_eq!(sink.received(), vec![]);
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_the_content_is_an_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 4096];
        for answer in ["220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"] {
            stream.write_all(answer.as_bytes()).await.unwrap();
            assert!(stream.read(&mut heard).await.unwrap() > 0);
        }
        stream.write_all(b"552 5.3.4 too big\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let mut account = Account::parse(&format!("smtp://{at}")).unwrap();
    account.waits.command = Duration::from_secs(1);
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
