//! Signing in.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret;

use super::{
    account::{AuthMethod, Login},
    connection::{ConnectProblem, Connection},
    reply::Reply,
};

/// Ways to hand over a user name and password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Login,
}

pub(super) async fn sign_in(connection: &mut Connection, login: &Login) -> Result<(), ConnectProblem> {
    match login.method {
        AuthMethod::Password => with_password(connection, login).await,
        AuthMethod::Xoauth2 => with_token(connection, login).await,
    }
}

/// Tries what the server offers: some offer a mechanism that they then refuse.
async fn with_password(connection: &mut Connection, login: &Login) -> Result<(), ConnectProblem> {
    let offers = connection.offers();
    let offered = [
        (offers.auth_plain, Mechanism::Plain),
        (offers.auth_login, Mechanism::Login),
    ];
    let mut refused: Option<Reply> = None;
    for (_, mechanism) in offered.into_iter().filter(|(is_offered, _)| *is_offered) {
        let reply = match (say_password(connection, login, mechanism).await, &refused) {
            (Ok(reply), _) => reply,
            // It hung up on the second try: what it said to the first stands.
            (Err(_), Some(_)) => break,
            (Err(lost), None) => return Err(lost),
        };
        if reply.code == 235 {
            return Ok(());
        }
        let goes_on = may_take_another(&reply);
        // Of two answers the one about the password is the one that helps.
        if refused.as_ref().is_none_or(is_about_method) {
            refused = Some(reply);
        }
        if !goes_on {
            break;
        }
    }
    Err(match refused {
        None => ConnectProblem::NoLogin,
        Some(reply) if !reply.is_permanent() => ConnectProblem::LoginLater(reply),
        Some(reply) if is_about_method(&reply) => ConnectProblem::LoginMethod(reply),
        Some(reply) => ConnectProblem::Login(reply),
    })
}

async fn say_password(
    connection: &mut Connection,
    login: &Login,
    mechanism: Mechanism,
) -> Result<Reply, ConnectProblem> {
    let password = login.password.expose_secret();
    match mechanism {
        Mechanism::Plain => {
            let secret = STANDARD.encode(format!("\0{}\0{password}", login.user));
            say(connection, &format!("AUTH PLAIN {secret}")).await
        }
        Mechanism::Login => {
            let asked = say(connection, "AUTH LOGIN").await?;
            if asked.code != 334 {
                return Ok(asked);
            }
            let asked = say(connection, &STANDARD.encode(&login.user)).await?;
            if asked.code != 334 {
                return Ok(asked);
            }
            say(connection, &STANDARD.encode(password)).await
        }
    }
}

/// Whether another mechanism may be what the server wants.
fn may_take_another(reply: &Reply) -> bool {
    matches!(reply.code, 500..=504 | 534 | 535 | 538)
}

/// Whether a refusal is not about the user name or password: unknown mechanism, too weak, needs
/// something else, turned off.
fn is_about_method(reply: &Reply) -> bool {
    let said = reply.text.to_lowercase();
    reply.code != 535
        || matches!(reply.enhanced, Some((5, 7, 9 | 11 | 139)))
        || [
            "disabled",
            "mechanism",
            "not supported",
            "unsupported",
            "encryption required",
        ]
        .iter()
        .any(|words| said.contains(words))
}

/// XOAUTH2, as Google and Microsoft describe it. A refusal comes in two parts: a status as JSON, and
/// when that is answered by an empty line, the reply.
async fn with_token(connection: &mut Connection, login: &Login) -> Result<(), ConnectProblem> {
    if !connection.offers().auth_xoauth2 {
        return Err(ConnectProblem::NoXoauth2);
    }
    let token = login.password.expose_secret();
    let secret = STANDARD.encode(format!("user={}\x01auth=Bearer {token}\x01\x01", login.user));
    let mut reply = say(connection, &format!("AUTH XOAUTH2 {secret}")).await?;
    let mut status = None;
    if reply.code == 334 {
        status = read_status(&reply.text);
        reply = say(connection, "").await?;
    }
    match reply.code {
        235 => Ok(()),
        400..500 => Err(ConnectProblem::LoginLater(reply)),
        504 => Err(ConnectProblem::LoginMethod(reply)),
        _ => Err(ConnectProblem::Token { status, reply }),
    }
}

/// What `eyJzdGF0dXMiOiI0MDEifQ==` says: 401.
fn read_status(text: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(&STANDARD.decode(text.trim()).ok()?).ok()?;
    let status = json.get("status")?;
    let status = status.as_str().map_or_else(|| status.to_string(), str::to_owned);
    let is_short = status.len() <= 40 && status.chars().all(|c| c.is_ascii_alphanumeric() || "-_ .".contains(c));
    is_short.then_some(status)
}

async fn say(connection: &mut Connection, line: &str) -> Result<Reply, ConnectProblem> {
    let wait = connection.waits.command;
    connection
        .command(format!("{line}\r\n").as_bytes(), wait)
        .await
        .map_err(ConnectProblem::Lost)
}
