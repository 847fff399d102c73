//! Bare loops without a database: what the mail clients reach when they have nothing else to do.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope as LettreEnvelope,
    transport::smtp::{PoolConfig, client::AsyncSmtpConnection, extension::ClientId},
};
use tokio::{net::TcpStream, task::JoinSet};

use loupe::channels::{
    Outcome,
    email::{
        EmailAddress,
        smtp::{Account, Connection, Envelope, Offered},
    },
};

use crate::Error;

/// Messages rendered beforehand: recipient and bytes.
pub type Ready = Arc<Vec<(EmailAddress, Vec<u8>)>>;

/// lettre's connections with `TCP_NODELAY`, each sending one message after another.
pub async fn lettre(at: SocketAddr, connections: usize, ready: &Ready, from: &EmailAddress) -> Result<usize, Error> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (ready, next, from) = (Arc::clone(ready), Arc::clone(&next), from.clone());
        tasks.spawn(async move {
            let stream = TcpStream::connect(at).await.map_err(words)?;
            stream.set_nodelay(true).map_err(words)?;
            let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &ClientId::default())
                .await
                .map_err(words)?;
            let mut sent = 0;
            while let Some((to, bytes)) = ready.get(next.fetch_add(1, Ordering::Relaxed)) {
                connection.send(&envelope(&from, to)?, bytes).await.map_err(words)?;
                sent += 1;
            }
            let _ = connection.quit().await;
            Ok::<usize, String>(sent)
        });
    }
    gather(tasks).await
}

/// lettre's own pool, as its documentation has it.
pub async fn lettre_pool(
    at: SocketAddr,
    connections: usize,
    ready: &Ready,
    from: &EmailAddress,
) -> Result<usize, Error> {
    let size = u32::try_from(connections)?;
    let pool = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(at.ip().to_string())
        .port(at.port())
        .pool_config(PoolConfig::new().max_size(size))
        .build();
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (ready, next, from, pool) = (Arc::clone(ready), Arc::clone(&next), from.clone(), pool.clone());
        tasks.spawn(async move {
            let mut sent = 0;
            while let Some((to, bytes)) = ready.get(next.fetch_add(1, Ordering::Relaxed)) {
                pool.send_raw(&envelope(&from, to)?, bytes).await.map_err(words)?;
                sent += 1;
            }
            Ok::<usize, String>(sent)
        });
    }
    gather(tasks).await
}

fn envelope(from: &EmailAddress, to: &EmailAddress) -> Result<LettreEnvelope, String> {
    let address = |address: &EmailAddress| address.as_str().parse::<Address>().map_err(words);
    LettreEnvelope::new(Some(address(from)?), vec![address(to)?]).map_err(words)
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Our own client, pipelined. Refused recipients count as sent: they are done with.
pub async fn ours(account: &Account, ready: &Ready, from: &EmailAddress) -> Result<usize, Error> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..account.connections {
        let (ready, next, account, from) = (Arc::clone(ready), Arc::clone(&next), account.clone(), from.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(&account).await.map_err(words)?;
            let mut done = 0;
            let take = || ready.get(next.fetch_add(1, Ordering::Relaxed));
            let mut current = take();
            let mut offered = None;
            while let Some((to, bytes)) = current {
                let offer = match offered.take() {
                    Some(offer) => offer,
                    None => connection.offer(&Envelope { from: &from, to }).await.map_err(words)?,
                };
                let following = take();
                if offer == Offered::Ready {
                    let envelope = following.map(|(to, _)| Envelope { from: &from, to });
                    let delivered = connection.deliver(bytes, envelope.as_ref()).await;
                    if !matches!(delivered.outcome, Outcome::Accepted { .. }) {
                        return Err(format!("{:?}", delivered.outcome));
                    }
                    offered = delivered.next.transpose().map_err(words)?;
                }
                done += 1;
                current = following;
            }
            connection.quit().await;
            Ok::<usize, String>(done)
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
