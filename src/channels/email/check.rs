//! Trying an account out, and one message on a connection of its own.

use super::smtp::{Account, ConnectProblem, Connection, Envelope, Offered, Offers};
use crate::channels::Outcome;

/// Connects, signs in and says goodbye; what the server offers.
pub async fn check_account(account: &Account) -> Result<Offers, ConnectProblem> {
    let connection = Connection::open(account).await?;
    let offers = connection.offers();
    connection.quit().await;
    Ok(offers)
}

/// Sends one message, for a test send.
pub async fn send_one(account: &Account, envelope: &Envelope<'_>, content: &[u8]) -> Outcome {
    let mut connection = match Connection::open(account).await {
        Ok(connection) => connection,
        Err(problem) => {
            return Outcome::NotSent {
                why: problem.to_string(),
            };
        }
    };
    let outcome = match connection.offer(envelope).await {
        Ok(Offered::Ready) => connection.deliver(content, None).await.outcome,
        Ok(Offered::Refused { reply, .. }) => reply.refusal(),
        Err(lost) => lost.into(),
    };
    connection.quit().await;
    outcome
}
