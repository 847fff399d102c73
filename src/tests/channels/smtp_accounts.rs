//! Getting onto a mail server: signing in, secure connections, servers that are not there.

use std::{sync::Arc, time::Duration};

use tokio_rustls::rustls::{self, pki_types::PrivateKeyDer};

use loupe::channels::email::{
    check::check_account,
    smtp::{Account, ConnectProblem, Tls},
};

use super::smtp::{account, scripted, start, three, word};
use crate::support::sink::Settings;

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
async fn nothing_slipped_in_before_the_secure_part_is_believed() {
    let (mut account, server) = scripted(&["220 hi", "250-hi\r\n250 STARTTLS", "220 go\r\n250 slipped in"]).await;
    account.tls = Tls::StartTls;
    let problem = check_account(&account).await.unwrap_err();
    assert_eq!(
        problem,
        ConnectProblem::Tls("something was slipped in before it".to_owned())
    );
    server.abort();
}
