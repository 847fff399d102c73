//! Signing in.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret;

use super::{
    account::Login,
    connection::{ConnectProblem, Connection},
    reply::Reply,
};

pub(super) async fn sign_in(connection: &mut Connection, login: &Login) -> Result<(), ConnectProblem> {
    let offers = connection.offers();
    let password = login.password.expose_secret();
    let reply = if offers.auth_plain {
        let secret = STANDARD.encode(format!("\0{}\0{password}", login.user));
        say(connection, &format!("AUTH PLAIN {secret}")).await?
    } else if offers.auth_login {
        let asked = say(connection, "AUTH LOGIN").await?;
        if asked.code != 334 {
            return Err(ConnectProblem::Login(asked));
        }
        let asked = say(connection, &STANDARD.encode(&login.user)).await?;
        if asked.code != 334 {
            return Err(ConnectProblem::Login(asked));
        }
        say(connection, &STANDARD.encode(password)).await?
    } else {
        return Err(ConnectProblem::NoLogin);
    };
    if reply.code == 235 {
        Ok(())
    } else {
        Err(ConnectProblem::Login(reply))
    }
}

async fn say(connection: &mut Connection, line: &str) -> Result<Reply, ConnectProblem> {
    let wait = connection.waits.command;
    connection
        .command(format!("{line}\r\n").as_bytes(), wait)
        .await
        .map_err(ConnectProblem::Lost)
}
