//! Our SMTP client against a server that misbehaves.

use std::{collections::HashMap, sync::Arc, time::Duration};

use loupe::channels::{
    Outcome,
    email::{
        EmailAddress,
        check::send_one,
        smtp::{Account, Connection, Envelope, Lost, Offered, Step, Waits},
    },
};

use crate::support::sink::{Fault, Keep, Received, Rule, Settings, Sink, When};

pub(crate) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(crate) fn account(sink: &Sink, options: &str) -> Account {
    let mut account = Account::parse(&format!("{}{options}", sink.url())).unwrap();
    let short = Duration::from_millis(400);
    account.waits = Waits {
        connect: short,
        command: short,
        content: short,
    };
    account
}

pub(crate) async fn start(settings: Settings) -> Sink {
    Sink::start(settings).await.unwrap()
}

fn failing(fault: Fault, pipelining: bool) -> Settings {
    Settings {
        pipelining,
        rules: vec![Rule::new(When::Nth(2), fault)],
        ..Settings::default()
    }
}

fn message(n: usize) -> Vec<u8> {
    format!("Message-ID: <{n}.k@example.com>\r\nSubject: {n}\r\n\r\n.\r\n..two\r\nbody {n}\r\n.end\r\n").into_bytes()
}

/// Sends three messages in a row as a sender would, the next offered along with each content.
/// An offer that got lost is made once more on a new connection: none of its content had left.
pub(crate) async fn three(account: &Account) -> Vec<Outcome> {
    let from = address("hello@aurelia.example.com");
    let to: Vec<EmailAddress> = (1..=3).map(|n| address(&format!("person{n}@example.com"))).collect();
    let envelope = |n: usize| to.get(n).map(|to| Envelope { from: &from, to });
    let mut connection = Connection::open(account).await.unwrap();
    let mut outcomes = Vec::new();
    let mut carried = None;
    for n in 0..3 {
        let mut offered = match carried.take() {
            Some(offered) => offered,
            None => {
                if !connection.is_open() {
                    connection = Connection::open(account).await.unwrap();
                }
                connection.offer(&envelope(n).unwrap()).await
            }
        };
        if offered.is_err() {
            assert!(!connection.is_open());
            connection = Connection::open(account).await.unwrap();
            offered = connection.offer(&envelope(n).unwrap()).await;
        }
        outcomes.push(match offered {
            Ok(Offered::Ready) => {
                let delivered = connection.deliver(&message(n + 1), envelope(n + 1).as_ref()).await;
                assert_eq!(delivered.next.is_some(), n < 2);
                carried = delivered.next;
                delivered.outcome
            }
            Ok(Offered::Refused { reply, .. }) => reply.refusal(),
            Err(lost) => lost.into(),
        });
    }
    connection.quit().await;
    outcomes
}

/// A server that gives these answers, one for each thing it hears, the first unasked; then it
/// stands still and takes nothing more.
pub(crate) async fn scripted(answers: &[&'static str]) -> (Account, tokio::task::JoinHandle<()>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut account = Account::parse(&format!("smtp://{}", listener.local_addr().unwrap())).unwrap();
    account.waits.command = Duration::from_secs(1);
    let answers = answers.to_vec();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 4096];
        for (at, answer) in answers.iter().enumerate() {
            if at > 0 && stream.read(&mut heard).await.unwrap_or(0) == 0 {
                return;
            }
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    });
    (account, server)
}

pub(crate) fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { .. } => "accepted".to_owned(),
        Outcome::Deferred { code, .. } => format!("deferred {code}"),
        Outcome::Rejected { code, .. } => format!("rejected {code}"),
        Outcome::Unconfirmed { .. } => "unconfirmed".to_owned(),
        Outcome::NotSent { .. } => "not sent".to_owned(),
    }
}

const TOO_SLOW: Fault = Fault::SlowDot(Duration::from_secs(2));

#[tokio::test]
async fn every_fault_has_its_outcome_and_harms_no_other_message() {
    // What the second of three becomes, whether the server has its content, connections used.
    let table = [
        (Fault::Rcpt(450), "deferred 450", false, 1),
        (Fault::Rcpt(550), "rejected 550", false, 1),
        (Fault::Mail(451), "deferred 451", false, 1),
        (Fault::Mail(550), "rejected 550", false, 1),
        (Fault::Data(452), "deferred 452", false, 1),
        (Fault::Closing, "deferred 421", false, 2),
        (Fault::HangUpBeforeData, "accepted", true, 2),
        (Fault::HangUpInContent, "unconfirmed", false, 2),
        (Fault::HangUpAfterDot, "unconfirmed", true, 2),
        (Fault::ResetAfterAccept, "accepted", true, 2),
        (Fault::SlowDot(Duration::from_millis(100)), "accepted", true, 1),
        (TOO_SLOW, "unconfirmed", true, 2),
        (Fault::Dot(451), "deferred 451", false, 1),
        (Fault::Dot(554), "rejected 554", false, 1),
        (Fault::ClosingAfterDot, "deferred 421", false, 2),
        (Fault::Nonsense, "unconfirmed", true, 2),
    ];
    for (fault, expected, has_it, connections) in table {
        for pipelining in [true, false] {
            let sink = start(failing(fault, pipelining)).await;
            let outcomes: Vec<String> = three(&account(&sink, "")).await.iter().map(word).collect();
            assert_eq!(
                outcomes.first().map(String::as_str),
                Some("accepted"),
                "{fault:?} {pipelining}"
            );
            assert_eq!(
                outcomes.get(1).map(String::as_str),
                Some(expected),
                "{fault:?} {pipelining}"
            );
            assert_eq!(
                outcomes.get(2).map(String::as_str),
                Some("accepted"),
                "{fault:?} {pipelining}"
            );
            let counts = sink.counts();
            assert_eq!(counts.connections, connections, "{fault:?} {pipelining}");
            assert_eq!(counts.sent_ahead, 0, "{fault:?}");
            let copies = sink.copies();
            assert_eq!(
                copies.get("<2.k@example.com>").copied().unwrap_or(0),
                u32::from(has_it),
                "{fault:?} {pipelining}"
            );
            assert!(copies.values().all(|n| *n == 1), "{fault:?}: {copies:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_names_its_step_and_keeps_the_connection() {
    for (fault, step) in [
        (Fault::Mail(550), Step::Mail),
        (Fault::Rcpt(550), Step::Rcpt),
        (Fault::Data(550), Step::Data),
    ] {
        let sink = start(Settings {
            rules: vec![Rule::new(When::To("bad".into()), fault)],
            ..Settings::default()
        })
        .await;
        if step == Step::Mail {
            sink.set_rules(vec![Rule::new(When::Nth(1), fault)]);
        }
        let (from, bad, good) = (
            address("a@example.com"),
            address("bad@example.com"),
            address("good@example.com"),
        );
        let mut connection = Connection::open(&account(&sink, "")).await.unwrap();
        let offered = connection.offer(&Envelope { from: &from, to: &bad }).await.unwrap();
        let Offered::Refused { at, reply } = offered else {
            panic!("{offered:?}")
        };
        assert_eq!(
            (at, reply.enhanced, reply.text.as_str()),
            (step, Some((5, 7, 1)), "not taken")
        );
        assert!(connection.is_open());
        assert_eq!(
            connection.offer(&Envelope { from: &from, to: &good }).await,
            Ok(Offered::Ready)
        );
        assert!(matches!(
            connection.deliver(b"x", None).await.outcome,
            Outcome::Accepted { .. }
        ));
        let counts = sink.counts();
        assert_eq!((counts.connections, counts.resets, counts.accepted), (1, 1, 1));
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_before_the_content_has_none_of_it() {
    for (pipelining, fault) in [
        (true, Fault::HangUpBeforeData),
        (false, Fault::HangUpBeforeData),
        (true, Fault::Closing),
    ] {
        let rules = vec![Rule::new(When::Always, fault)];
        let sink = start(Settings {
            pipelining,
            rules,
            ..Settings::default()
        })
        .await;
        let (from, to) = (address("a@example.com"), address("b@example.com"));
        let outcome = send_one(&account(&sink, ""), &Envelope { from: &from, to: &to }, b"x").await;
        assert_eq!(
            word(&outcome),
            if fault == Fault::Closing {
                "deferred 421"
            } else {
                "not sent"
            }
        );
        assert_eq!((sink.counts().offered, sink.received()), (1, vec![]));
    }
}

#[tokio::test]
async fn a_server_that_wants_content_for_nobody_gets_none() {
    let sink = start(Settings {
        rules: vec![Rule::new(When::Nth(1), Fault::RcptButData(550))],
        ..Settings::default()
    })
    .await;
    let (from, to) = (address("a@example.com"), address("b@example.com"));
    let envelope = Envelope { from: &from, to: &to };
    let mut connection = Connection::open(&account(&sink, "")).await.unwrap();
    assert!(matches!(
        connection.offer(&envelope).await,
        Ok(Offered::Refused { at: Step::Rcpt, .. })
    ));
    assert_eq!(connection.offer(&envelope).await, Ok(Offered::Ready));
    assert!(matches!(
        connection.deliver(b"Message-ID: <1>\r\n\r\nx", None).await.outcome,
        Outcome::Accepted { .. }
    ));
    assert_eq!(sink.counts().accepted, 1);
    assert_eq!(
        sink.received()
            .iter()
            .filter(|m| m.answered == 250)
            .map(|m| m.bytes.as_slice())
            .collect::<Vec<_>>(),
        [b"Message-ID: <1>\r\n\r\nx\r\n"]
    );
}

#[tokio::test]
async fn two_thousand_messages_arrive_once_each_and_byte_for_byte() {
    for options in ["", "?pipelining=off"] {
        let sink = start(Settings::default()).await;
        let account = account(&sink, options);
        let from = Arc::new(address("hello@aurelia.example.com"));
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..8 {
            let (account, from) = (account.clone(), Arc::clone(&from));
            senders.spawn(async move {
                let mine: Vec<(usize, EmailAddress)> = (0..250)
                    .map(|n| sender * 250 + n)
                    .map(|n| (n, address(&format!("p{n}@example.com"))))
                    .collect();
                let mut connection = Connection::open(&account).await.unwrap();
                let first = mine.first().map(|(_, to)| Envelope { from: &from, to }).unwrap();
                assert_eq!(connection.offer(&first).await, Ok(Offered::Ready));
                for (at, (n, _)) in mine.iter().enumerate() {
                    let next = mine.get(at + 1).map(|(_, to)| Envelope { from: &from, to });
                    connection.send(&message(*n), next.as_ref()).await.unwrap();
                    let delivered = connection.settle().await;
                    assert!(matches!(delivered.outcome, Outcome::Accepted { .. }), "{delivered:?}");
                    assert_eq!(delivered.next, next.map(|_| Ok(Offered::Ready)));
                }
                connection.quit().await;
            });
        }
        while let Some(done) = senders.join_next().await {
            done.unwrap();
        }
        let received: HashMap<String, Received> =
            sink.received().into_iter().map(|m| (m.message_id.clone(), m)).collect();
        assert_eq!((received.len(), sink.received().len()), (2000, 2000));
        for n in 0..2000 {
            let one = received.get(&format!("<{n}.k@example.com>")).unwrap();
            assert_eq!(one.bytes, message(n));
            assert_eq!(
                (one.recipient.as_str(), one.sender.as_str()),
                (format!("p{n}@example.com").as_str(), from.as_str())
            );
        }
        assert_eq!(sink.counts().connections, 8);
        assert!(sink.copies().values().all(|copies| *copies == 1));
    }
}

#[tokio::test]
async fn an_answer_nobody_asked_for_is_never_taken_for_a_messages_own() {
    let (from, to) = (address("a@example.com"), address("b@example.com"));
    let envelope = Envelope { from: &from, to: &to };
    // One 250 too many: read as the next answer it would say that everything is fine.
    let table = [
        (
            ["220 hi", "250 hi\r\n250 extra", "250 ok", "250 ok", "354 go", "554 no"],
            "the connection is not free",
        ),
        (
            ["220 hi", "250 hi", "250 ok", "250 ok", "354 go\r\n250 extra", "554 no"],
            "the connection is not ready for content",
        ),
    ];
    for (answers, why) in table {
        let (account, server) = scripted(&answers).await;
        let outcome = send_one(&account, &envelope, b"x").await;
        assert_eq!(outcome, Outcome::NotSent { why: why.to_owned() });
        server.abort();
    }
}

#[tokio::test]
async fn a_connection_out_of_step_is_not_used() {
    let sink = start(Settings::default()).await;
    let (from, to) = (address("a@example.com"), address("b@example.com"));
    let envelope = Envelope { from: &from, to: &to };
    let mut connection = Connection::open(&account(&sink, "")).await.unwrap();
    assert!(matches!(connection.send(b"x", None).await, Err(Lost::NotSent { .. })));
    assert!(!connection.is_open());
    assert!(matches!(connection.offer(&envelope).await, Err(Lost::NotSent { .. })));
    // Nobody waited for the end of this offer.
    let slow = start(Settings {
        delay: Duration::from_millis(200),
        ..Settings::default()
    })
    .await;
    let mut connection = Connection::open(&account(&slow, "")).await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(20), connection.offer(&envelope))
            .await
            .is_err()
    );
    assert!(!connection.is_open());
}

#[tokio::test]
async fn refusals_open_no_connections() {
    let sink = start(Settings {
        keep: Keep::Ids,
        rules: vec![Rule::new(When::Every(5), Fault::Rcpt(550))],
        ..Settings::default()
    })
    .await;
    let from = address("a@example.com");
    let people: Vec<EmailAddress> = (0..500).map(|n| address(&format!("p{n}@example.com"))).collect();
    let mut connection = Connection::open(&account(&sink, "")).await.unwrap();
    let mut carried = None;
    let (mut accepted, mut refused) = (0, 0);
    for (n, to) in people.iter().enumerate() {
        let offered = match carried.take() {
            Some(offered) => offered,
            None => connection.offer(&Envelope { from: &from, to }).await,
        };
        if offered.unwrap() == Offered::Ready {
            let next = people.get(n + 1).map(|to| Envelope { from: &from, to });
            let delivered = connection.deliver(&message(n), next.as_ref()).await;
            assert_eq!(word(&delivered.outcome), "accepted");
            carried = delivered.next;
            accepted += 1;
        } else {
            refused += 1;
        }
    }
    assert_eq!((accepted, refused, sink.counts().connections), (400, 100, 1));
    assert_eq!(sink.copies().len(), 400);
}
