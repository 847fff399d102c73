//! Signing in where the server and its offers do not agree, and with an access token.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    task::JoinHandle,
};

use loupe::channels::email::{
    check::check_account,
    smtp::{Account, ConnectProblem},
};

use super::{channels::smtp::start, support::sink::Settings};

/// A server that says these one after the other, the first unasked; what it heard.
async fn scripted(answers: &'static [&'static str], options: &str) -> (Account, JoinHandle<Vec<String>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let account = Account::parse(&format!("smtp://shop%40example.com:s3same@{at}{options}")).unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        let mut heard = Vec::new();
        for (n, answer) in answers.iter().enumerate() {
            if n > 0 {
                match lines.next_line().await {
                    Ok(Some(line)) => heard.push(line),
                    _ => break,
                }
            }
            writer.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
        heard
    });
    (account, server)
}

#[tokio::test]
async fn what_is_offered_and_refused_is_tried_the_other_way() {
    for (mechanism, refusal) in [
        ("LOGIN", "504 5.5.4 Unrecognized authentication type"),
        ("LOGIN", "535 5.7.8 Authentication failed"),
        ("LOGIN", "534 5.7.9 Authentication mechanism is too weak"),
        (
            "LOGIN",
            "538 5.7.11 Encryption required for requested authentication mechanism",
        ),
    ] {
        for offered in ["PLAIN LOGIN", "LOGIN PLAIN", "CRAM-MD5 PLAIN LOGIN"] {
            let sink = start(Settings {
                login: Some(("shop@example.com".into(), "s3same".into())),
                mechanism,
                offered: Some(offered),
                other_mechanisms: refusal,
                ..Settings::default()
            })
            .await;
            let with = |password: &str| {
                Account::parse(&format!("smtp://shop%40example.com:{password}@{}", sink.address())).unwrap()
            };
            check_account(&with("s3same")).await.unwrap();
            assert_eq!(sink.counts().connections, 1, "{refusal}: the same connection does");
            let problem = check_account(&with("wrong")).await.unwrap_err();
            assert!(
                matches!(&problem, ConnectProblem::Login(reply) if reply.code == 535),
                "{problem}"
            );
        }
    }
}

#[tokio::test]
async fn the_other_way_round_too() {
    let answers = &[
        "220 hi",
        "250-hi\r\n250 AUTH LOGIN",
        "504 5.7.4 Unrecognized authentication type",
    ];
    let (account, server) = scripted(answers, "").await;
    let problem = check_account(&account).await.unwrap_err();
    assert!(matches!(problem, ConnectProblem::LoginMethod(_)), "{problem}");
    assert_eq!(server.await.unwrap().last().unwrap(), "AUTH LOGIN");
    // PLAIN is the first choice; a server that takes neither is asked for both, once.
    let answers = &[
        "220 hi",
        "250-hi\r\n250 AUTH LOGIN PLAIN",
        "504 5.5.4 no",
        "504 5.5.4 no",
    ];
    let (account, server) = scripted(answers, "").await;
    let problem = check_account(&account).await.unwrap_err().to_string();
    assert!(
        problem.contains("this way") && !problem.contains("password"),
        "{problem}"
    );
    let heard = server.await.unwrap();
    assert!(
        heard[1].starts_with("AUTH PLAIN ") && heard[2] == "AUTH LOGIN",
        "{heard:?}"
    );
}

#[tokio::test]
async fn the_password_is_blamed_only_when_it_is_the_password() {
    let cases = [
        ("535 5.7.8 Username and Password not accepted", true),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant",
            false,
        ),
        ("534 5.7.9 Application-specific password required", false),
        ("538 5.7.11 Encryption required", false),
        ("504 5.5.4 no such mechanism", false),
        ("454 4.7.0 Too many login attempts, please try again later", false),
        ("451 Authentication failed: Maximum credits exceeded", false),
    ];
    for (answer, is_blamed) in cases {
        let sink = start(Settings {
            login: Some(("u".into(), "p".into())),
            mechanism: "LOGIN",
            offered: Some("PLAIN"),
            other_mechanisms: answer,
            ..Settings::default()
        })
        .await;
        let account = Account::parse(&format!("smtp://u:p@{}", sink.address())).unwrap();
        let problem = check_account(&account).await.unwrap_err();
        let words = problem.to_string();
        assert_eq!(words.contains("user name or password"), is_blamed, "{words}");
        assert!(words.contains(answer), "{words}");
        assert_eq!(problem.needs_mending(), answer.starts_with('5'), "{words}");
    }
}

#[tokio::test]
async fn an_access_token_signs_in() {
    let answers = &[
        "220 hi",
        "250-hi\r\n250 AUTH PLAIN LOGIN XOAUTH2",
        "235 2.7.0 Accepted",
        "221 bye",
    ];
    let (account, server) = scripted(answers, "?auth=xoauth2").await;
    check_account(&account).await.unwrap();
    let heard = server.await.unwrap();
    let secret = heard[1].strip_prefix("AUTH XOAUTH2 ").unwrap();
    let plain = String::from_utf8(STANDARD.decode(secret).unwrap()).unwrap();
    assert_eq!(plain, "user=shop@example.com\x01auth=Bearer s3same\x01\x01");
}

#[tokio::test]
async fn a_refused_token_is_told_with_its_status() {
    let answers = &[
        "220 hi",
        "250-hi\r\n250 AUTH XOAUTH2 PLAIN",
        // {"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}
        "334 eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==",
        "535 5.7.8 Username and Password not accepted",
    ];
    let (account, server) = scripted(answers, "?auth=xoauth2").await;
    let problem = check_account(&account).await.unwrap_err();
    let words = problem.to_string();
    assert!(
        words.starts_with("the mail server refused the access token, status 400: 535") && problem.needs_mending(),
        "{words}"
    );
    assert_eq!(
        server.await.unwrap().last().unwrap(),
        "",
        "an empty line asks for the answer"
    );

    let answers = &[
        "220 hi",
        "250-hi\r\n250 AUTH XOAUTH2",
        "535 5.7.3 Authentication unsuccessful",
    ];
    let (account, _server) = scripted(answers, "?auth=xoauth2").await;
    let words = check_account(&account).await.unwrap_err().to_string();
    assert!(
        words.starts_with("the mail server refused the access token: 535"),
        "{words}"
    );
}

#[tokio::test]
async fn a_token_is_never_given_to_a_server_that_does_not_take_one() {
    let sink = start(Settings {
        login: Some(("shop@example.com".into(), "s3same".into())),
        offered: Some("PLAIN LOGIN"),
        ..Settings::default()
    })
    .await;
    let url = format!("smtp://shop%40example.com:s3same@{}?auth=xoauth2", sink.address());
    let problem = check_account(&Account::parse(&url).unwrap()).await;
    assert_eq!(problem, Err(ConnectProblem::NoXoauth2));
}
