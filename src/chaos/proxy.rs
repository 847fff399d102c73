//! A wire between the workers and the mail server that can be slow, cut, dead or gone.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// How the wire behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// Nothing gets through and nobody is told.
    Dead,
    /// New connections are hung up on.
    Gone,
}

#[derive(Clone, Copy, Debug)]
struct Wish {
    mode: Mode,
    latency: Duration,
    /// Every change cuts what is connected.
    cuts: u64,
}

/// A running proxy; it stops when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    wish: watch::Sender<Wish>,
    open: Arc<AtomicU64>,
    cut: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub async fn start(server: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (wish, wishes) = watch::channel(Wish {
            mode: Mode::Pass,
            latency: Duration::ZERO,
            cuts: 0,
        });
        let (open, cut) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let counters = (Arc::clone(&open), Arc::clone(&cut));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (wishes, (open, cut)) = (wishes.clone(), counters.clone());
                tokio::spawn(async move {
                    open.fetch_add(1, Relaxed);
                    if carry(client, server, wishes).await {
                        cut.fetch_add(1, Relaxed);
                    }
                    open.fetch_sub(1, Relaxed);
                });
            }
        });
        Ok(Self {
            address,
            wish,
            open,
            cut,
            task,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set_mode(&self, mode: Mode) {
        self.wish.send_modify(|wish| wish.mode = mode);
    }

    pub fn set_latency(&self, latency: Duration) {
        self.wish.send_modify(|wish| wish.latency = latency);
    }

    /// Cuts every open connection with a reset; answers how many there were.
    pub fn cut(&self) -> u64 {
        self.wish.send_modify(|wish| wish.cuts += 1);
        self.open.load(Relaxed)
    }

    /// Connections cut so far.
    pub fn cuts(&self) -> u64 {
        self.cut.load(Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// True when it was cut by us.
async fn carry(client: TcpStream, server: SocketAddr, mut wishes: watch::Receiver<Wish>) -> bool {
    let begun = wishes.borrow().cuts;
    if wishes.borrow().mode == Mode::Gone {
        let _reset = client.set_zero_linger();
        return false;
    }
    let Ok(server) = TcpStream::connect(server).await else {
        return false;
    };
    let _both = (client.set_nodelay(true), server.set_nodelay(true));
    // What is cut goes with a reset on both sides.
    let _both = (client.set_zero_linger(), server.set_zero_linger());
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let there = pump(from_client, to_server, wishes.clone());
    let back = pump(from_server, to_client, wishes.clone());
    let was_cut = async {
        let _gone = wishes.wait_for(|wish| wish.cuts != begun).await;
    };
    tokio::select! {
        () = there => false,
        () = back => false,
        () = was_cut => true,
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut wishes: watch::Receiver<Wish>) {
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(n) = from.read(&mut buffer).await {
        if wishes.wait_for(|wish| wish.mode != Mode::Dead).await.is_err() {
            return;
        }
        let latency = wishes.borrow().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let read = buffer.get(..n).unwrap_or_default();
        if n == 0 || to.write_all(read).await.is_err() {
            // What was written before still arrives.
            let _over = to.shutdown().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            return;
        }
    }
}
