//! Our SMTP client against a server that misbehaves.

use std::{collections::HashMap, sync::Arc, time::Duration};

use loupe::channels::{
    Outcome,
    email::{
        EmailAddress,
        check::{check_account, send_one},
        smtp::{Account, ConnectProblem, Connection, Envelope, Lost, Offered, Step, Waits},
    },
};
use tokio_rustls::rustls::{self, pki_types::PrivateKeyDer};

use super::support::sink::{Fault, Keep, Received, Rule, Settings, Sink, When};

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn account(sink: &Sink, options: &str) -> Account {
    let mut account = Account::parse(&format!("{}{options}", sink.url())).unwrap();
    let short = Duration::from_millis(400);
    account.waits = Waits {
        connect: short,
        command: short,
        content: short,
    };
    account
}

async fn start(settings: Settings) -> Sink {
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
async fn three(account: &Account) -> Vec<Outcome> {
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

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { .. } => "accepted".to_owned(),
        Outcome::Deferred { code, .. } => format!("deferred {code}"),
        Outcome::Rejected { code, .. } => format!("rejected {code}"),
        Outcome::Unknown { .. } => "unknown".to_owned(),
        Outcome::NotSent { .. } => "not sent".to_owned(),
    }
}

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
        (Fault::HangUpInContent, "unknown", false, 2),
        (Fault::HangUpAfterDot, "unknown", true, 2),
        (Fault::ResetAfterAccept, "accepted", true, 2),
        (Fault::SlowDot(Duration::from_millis(100)), "accepted", true, 1),
        (Fault::SlowDot(Duration::from_millis(900)), "unknown", true, 2),
        (Fault::Dot(451), "deferred 451", false, 1),
        (Fault::Dot(554), "rejected 554", false, 1),
        (Fault::ClosingAfterDot, "deferred 421", false, 2),
        (Fault::Nonsense, "unknown", true, 2),
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
async fn signing_in_works_and_fails_as_the_server_says() {
    for mechanism in ["PLAIN", "LOGIN"] {
        let login = Some(("shop@example.com".to_owned(), "s3same é".to_owned()));
        let sink = start(Settings {
            login,
            mechanism,
            ..Settings::default()
        })
        .await;
        let at = sink.address();
        let with = |userinfo: &str| Account::parse(&format!("smtp://{userinfo}@{at}")).unwrap();
        let offers = check_account(&with("shop%40example.com:s3same%20é")).await.unwrap();
        assert!(
            offers.pipelining && (offers.auth_plain, offers.auth_login) == (mechanism == "PLAIN", mechanism == "LOGIN")
        );
        let problem = check_account(&with("shop%40example.com:wrong")).await.unwrap_err();
        assert!(matches!(&problem, ConnectProblem::Login(reply) if reply.code == 535) && problem.needs_mending());
        assert!(!problem.to_string().contains("wrong\""), "{problem}");
    }
    let sink = start(Settings {
        login: Some(("u".into(), "p".into())),
        mechanism: "CRAM-MD5",
        ..Settings::default()
    })
    .await;
    let account = Account::parse(&format!("smtp://u:p@{}", sink.address())).unwrap();
    assert_eq!(check_account(&account).await, Err(ConnectProblem::NoLogin));
}

#[tokio::test]
async fn a_server_that_is_not_there_or_silent_is_told_apart() {
    let sink = start(Settings::default()).await;
    let gone = account(&sink, "");
    drop(sink);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(matches!(
        check_account(&gone).await,
        Err(ConnectProblem::Unreachable(_))
    ));
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut account = Account::parse(&format!("smtp://{}", silent.local_addr().unwrap())).unwrap();
    account.waits.command = Duration::from_millis(100);
    assert_eq!(
        check_account(&account).await,
        Err(ConnectProblem::Lost("no answer in time".to_owned()))
    );
}

fn certificate() -> (Arc<rustls::ServerConfig>, rustls::pki_types::CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), made.cert.der().clone())
}

#[tokio::test]
async fn secure_connections_carry_mail_and_refuse_strangers() {
    for implicit_tls in [false, true] {
        let (tls, issuer) = certificate();
        let login = Some(("u".to_owned(), "p".to_owned()));
        let sink = start(Settings {
            tls: Some(tls),
            implicit_tls,
            login,
            ..Settings::default()
        })
        .await;
        let port = sink.address().port();
        let url = if implicit_tls {
            format!("smtps://u:p@localhost:{port}")
        } else {
            format!("smtp://u:p@localhost:{port}?tls=starttls")
        };
        let stranger = Account::parse(&url).unwrap();
        assert!(matches!(check_account(&stranger).await, Err(ConnectProblem::Tls(_))));
        let trusted = stranger.trusting(issuer).unwrap();
        let outcomes: Vec<String> = three(&trusted).await.iter().map(word).collect();
        assert_eq!(outcomes, ["accepted", "accepted", "accepted"]);
        assert_eq!(sink.received().len(), 3);
    }
    let sink = start(Settings::default()).await;
    assert_eq!(
        check_account(&account(&sink, "?tls=starttls")).await,
        Err(ConnectProblem::NoStartTls)
    );
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
    account.waits.command = Duration::from_millis(300);
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
