//! Bare loops without a database: what the mail clients reach when they have nothing else to do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use lettre::{
    Address,
    address::Envelope as LettreEnvelope,
    transport::smtp::{client::AsyncSmtpConnection, extension::ClientId},
};
use loupe::channels::{
    Outcome,
    email::{
        EmailAddress,
        smtp::{Account, Connection, Envelope, Offered},
    },
};
use tokio::{net::TcpStream, task::JoinSet};

use crate::Error;

/// Messages rendered beforehand: recipient and bytes.
pub type Ready = Arc<Vec<(EmailAddress, Vec<u8>)>>;

/// lettre's connections with `TCP_NODELAY` (its own pool waits for a delayed acknowledgement at
/// every message), each sending one message after another.
pub async fn lettre(at: std::net::SocketAddr, connections: usize, ready: &Ready, from: &str) -> Result<usize, Error> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (ready, next) = (Arc::clone(ready), Arc::clone(&next));
        let from: Address = from.parse()?;
        tasks.spawn(async move {
            let stream = TcpStream::connect(at).await.map_err(|e| e.to_string())?;
            stream.set_nodelay(true).map_err(|e| e.to_string())?;
            let hello = ClientId::default();
            let wait = Some(Duration::from_secs(60));
            let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello)
                .await
                .map_err(|e| e.to_string())?;
            let _ = wait;
            let mut sent = 0;
            while let Some((to, bytes)) = ready.get(next.fetch_add(1, Ordering::Relaxed)) {
                let to: Address = to.as_str().parse().map_err(|_| "address".to_owned())?;
                let envelope = LettreEnvelope::new(Some(from.clone()), vec![to]).map_err(|e| e.to_string())?;
                connection.send(&envelope, bytes).await.map_err(|e| e.to_string())?;
                sent += 1;
            }
            let _ = connection.quit().await;
            Ok::<usize, String>(sent)
        });
    }
    gather(tasks).await
}

/// Our own client, pipelined.
pub async fn ours(account: &Account, ready: &Ready, from: &EmailAddress) -> Result<usize, Error> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..account.connections {
        let (ready, next, account, from) = (Arc::clone(ready), Arc::clone(&next), account.clone(), from.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(&account).await.map_err(|e| e.to_string())?;
            let mut sent = 0;
            let take = || ready.get(next.fetch_add(1, Ordering::Relaxed));
            let mut current = take();
            let mut offered = false;
            while let Some((to, bytes)) = current {
                if !offered {
                    let first = connection
                        .offer(&Envelope { from: &from, to })
                        .await
                        .map_err(|e| e.to_string())?;
                    if first != Offered::Ready {
                        return Err(format!("{first:?}"));
                    }
                }
                let following = take();
                let envelope = following.map(|(to, _)| Envelope { from: &from, to });
                let delivered = connection.deliver(bytes, envelope.as_ref()).await;
                if !matches!(delivered.outcome, Outcome::Accepted { .. }) {
                    return Err(format!("{:?}", delivered.outcome));
                }
                sent += 1;
                offered = matches!(delivered.next, Some(Ok(Offered::Ready)));
                current = following;
            }
            connection.quit().await;
            Ok::<usize, String>(sent)
        });
    }
    gather(tasks).await
}

async fn gather(mut tasks: JoinSet<Result<usize, String>>) -> Result<usize, Error> {
    let mut sent = 0;
    while let Some(task) = tasks.join_next().await {
        sent += task??;
    }
    Ok(sent)
}
