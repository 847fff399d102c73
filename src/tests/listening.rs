//! Connections that stand still are given up, on every listener, and those that work are not.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{sleep, timeout},
};

use tokio_util::sync::CancellationToken;

use loupe::server::listen::{self, Limits};

const LIMITS: Limits = Limits {
    head: Duration::from_millis(400),
    progress: Duration::from_millis(600),
    idle: Duration::from_millis(900),
    idle_when_crowded: Duration::from_millis(300),
    connections: 8,
};

struct Listening {
    at: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Listening {
    async fn start(limits: Limits) -> Self {
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route(
                "/slow",
                get(|| async {
                    sleep(Duration::from_millis(1500)).await;
                    "at last"
                }),
            )
            .route("/large", get(|| async { vec![b'x'; 64 * 1024 * 1024] }))
            .route(
                "/take",
                post(|body: Body| async { to_bytes(body, usize::MAX).await.map_or(0, |b| b.len()).to_string() }),
            );
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (at, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(listen::serve(listener, router, limits, stopped));
        Self { at, stop, task }
    }

    async fn connect(&self, first: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(first.as_bytes()).await.unwrap();
        stream
    }
}

const ASK: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// What comes until the other end closes, and how long that took.
async fn until_closed(mut stream: TcpStream) -> (String, Duration) {
    let (begun, mut all) = (Instant::now(), Vec::new());
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await;
    assert!(read.is_ok(), "never closed");
    (String::from_utf8_lossy(&all).into_owned(), begun.elapsed())
}

async fn answer_on(stream: &mut TcpStream) -> String {
    let mut piece = [0; 4096];
    let read = timeout(Duration::from_secs(20), stream.read(&mut piece)).await;
    let n = read.expect("an answer").unwrap();
    String::from_utf8_lossy(&piece[..n]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_still_is_closed() {
    let site = Listening::start(LIMITS).await;
    let post = "POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    for (what, first, least) in [
        ("nothing", String::new(), LIMITS.idle),
        ("half a head", "GET / HTTP/1.1\r\nHos".to_owned(), LIMITS.head),
        ("a body that never comes", post.to_owned(), LIMITS.progress),
        ("half a body", format!("{post}{}", "x".repeat(50_000)), LIMITS.progress),
        ("idle after an answer", ASK.to_owned(), LIMITS.idle),
    ] {
        let (_, took) = until_closed(site.connect(&first).await).await;
        assert!(took >= least - Duration::from_millis(50), "{what}: {took:?}");
    }
    // A head that comes drop by drop is half a head.
    let mut drip = site.connect("GET / HTTP/1.1\r\n").await;
    let begun = Instant::now();
    let dripping = async {
        while drip.write_all(b"x: y\r\n").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(timeout(Duration::from_secs(20), dripping).await.is_ok());
    assert!(begun.elapsed() >= LIMITS.head);
    // Nobody takes the answer.
    let deaf = site.connect("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    sleep(LIMITS.progress * 4).await;
    let (text, _) = until_closed(deaf).await;
    assert!(text.len() < 64 * 1024 * 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_work_and_slow_uploads_are_fine() {
    let site = Listening::start(LIMITS).await;
    let mut slow = site.connect("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer_on(&mut slow).await.ends_with("at last"));
    let mut upload = site
        .connect("POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 40000\r\n\r\n")
        .await;
    for _ in 0..20 {
        sleep(Duration::from_millis(150)).await;
        upload.write_all(&[b'x'; 2000]).await.unwrap();
    }
    assert!(answer_on(&mut upload).await.ends_with("40000"));
    // The same connection goes on.
    upload.write_all(ASK.as_bytes()).await.unwrap();
    assert!(answer_on(&mut upload).await.ends_with("here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_never_more_than_the_places_and_everybody_gets_a_turn() {
    let limits = Limits {
        idle: Duration::from_secs(600),
        head: Duration::from_millis(800),
        ..LIMITS
    };
    let site = Listening::start(limits).await;
    let mut taken = Vec::new();
    for _ in 0..limits.connections {
        taken.push(site.connect("GET / HTTP/1.1\r\nHos").await);
    }
    let begun = Instant::now();
    let mut waiting = site.connect(ASK).await;
    assert!(answer_on(&mut waiting).await.ends_with("here"));
    assert!(begun.elapsed() > limits.head / 2, "a place had to become free first");
    // Places that nobody uses are given to those who wait, long before their time.
    let mut idle = Vec::new();
    for _ in 0..limits.connections * 2 {
        let mut stream = site.connect(ASK).await;
        assert!(answer_on(&mut stream).await.ends_with("here"));
        idle.push(stream);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_is_under_way_and_takes_nothing_new() {
    let site = Listening::start(LIMITS).await;
    let mut slow = site.connect("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut idle = site.connect(ASK).await;
    assert!(answer_on(&mut idle).await.ends_with("here"));
    sleep(Duration::from_millis(300)).await;
    site.stop.cancel();
    let (_, took) = until_closed(idle).await;
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert!(answer_on(&mut slow).await.ends_with("at last"));
    timeout(Duration::from_secs(5), site.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(site.at).await.is_err());
}
