//! Whether somebody does the work at all: a mail server in this process reads what comes.

use std::collections::HashSet;

use super::Sender;
use crate::{
    Error, courier,
    sink::{Received, Settings, Sink},
};

/// Between these a message may weigh, in bytes.
const SIZE: std::ops::Range<usize> = 8_000..20_000;

/// Sends to a book of `people` and reads every message.
pub async fn prove(sender: &Sender, database: &str, people: i64) -> Result<(), Error> {
    let sink = Sink::start(Settings::default()).await?;
    let sent = match sender {
        Sender::Loupe => {
            let smtp = format!("{}?connections=4", sink.url());
            courier::send(database, &smtp, 1).await?.accepted
        }
        Sender::Peer(_, Some(program)) => program.send(database, sink.address()).await?.0,
        Sender::Peer(_, None) => return Err("not installed".into()),
    };
    let received = sink.received();
    let recipients: HashSet<&str> = received.iter().map(|message| message.recipient.as_str()).collect();
    let everybody = usize::try_from(people)?;
    if sent != people || received.len() != everybody || recipients.len() != everybody {
        return Err(format!(
            "{sent} marked as sent, {} messages for {} of {people}",
            received.len(),
            recipients.len()
        )
        .into());
    }
    received.iter().try_for_each(is_theirs)
}

/// The greeting carries the name of whom it went to, nothing is left to fill in, and it is as big
/// as everybody else's.
fn is_theirs(message: &Received) -> Result<(), Error> {
    let (recipient, size) = (&message.recipient, message.bytes.len());
    let number = recipient
        .strip_prefix('p')
        .and_then(|rest| rest.strip_suffix("@example.com"))
        .ok_or("a stranger")?;
    // Lines that were folded for the journey are whole again.
    let text = String::from_utf8_lossy(&message.bytes).replace("=\r\n", "");
    let greeting = format!("Dear Person{number},");
    if text.contains(&greeting) && !text.contains("{{") && SIZE.contains(&size) {
        Ok(())
    } else {
        Err(format!("what {recipient} got is not theirs, or is {size} bytes").into())
    }
}
