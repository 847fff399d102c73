//! The accept loop of every listener. Connections that stand still are closed, and there are never
//! so many that the database and the mail server get no descriptor any more.

mod activity;
mod capacity;
mod connection;

use std::{future::Future, io::ErrorKind, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

pub use capacity::most_connections;

/// Accepting failed, most likely for want of descriptors: pause before the next try.
const BREATHER: Duration = Duration::from_secs(1);

/// What one listener puts up with.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// Without progress of a body, be it that nothing comes or that nothing is taken.
    pub progress: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// The same while three quarters of the places are taken.
    pub idle_when_crowded: Duration,
    pub connections: usize,
}

impl Limits {
    /// The usual waits, for so many connections.
    pub fn of(connections: usize) -> Self {
        Self {
            head: Duration::from_secs(10),
            progress: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            idle_when_crowded: Duration::from_secs(5),
            connections,
        }
    }
}

/// The places for connections of one listener.
#[derive(Clone, Debug)]
struct Places {
    free: Arc<Semaphore>,
    all: usize,
}

impl Places {
    fn new(all: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(all)),
            all,
        }
    }

    fn are_scarce(&self) -> bool {
        self.free.available_permits() * 4 <= self.all
    }
}

/// Serves until `stopped`, then lets every connection finish the request it is at.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stopped: impl Future<Output = ()>) {
    let places = Places::new(limits.connections);
    let leaving = CancellationToken::new();
    let mut open = JoinSet::new();
    let mut stopped = pin!(stopped);
    loop {
        let (stream, peer, place) = tokio::select! {
            () = &mut stopped => break,
            Some(_) = open.join_next() => continue,
            accepted = next(&listener, &places) => accepted,
        };
        let connection = connection::Connection {
            peer,
            router: router.clone(),
            limits,
            places: places.clone(),
            leaving: leaving.clone(),
        };
        open.spawn(async move {
            connection.serve(stream).await;
            drop(place);
        });
    }
    drop(listener);
    leaving.cancel();
    while open.join_next().await.is_some() {}
}

/// Waits for a free place, then for somebody who takes it. Whoever comes before there is one waits
/// in the system's own queue.
async fn next(listener: &TcpListener, places: &Places) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let Ok(place) = Arc::clone(&places.free).acquire_owned().await else {
        // Nobody closes it.
        return std::future::pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::error!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}
