//! Somebody who looks at the campaign's page while it is being sent, through the whole router.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{Request, header},
};
use serde::{Deserialize, Serialize};

use tokio::task::JoinHandle;

use tokio_util::sync::CancellationToken;

use tower::ServiceExt;

use loupe::{auth::queries as users, context::actor::Role, server::router::router, tokens};

use crate::{Error, book::Book, measure};

/// How often somebody looks.
const EVERY: Duration = Duration::from_millis(500);

/// One look.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Look {
    /// Milliseconds for the page.
    pub page: f64,
    /// Milliseconds for what the page asks for while it is open.
    pub progress: f64,
    /// Memory of the process then, in MB.
    pub resident_mb: f64,
}

/// Looks until told to end.
#[derive(Debug)]
pub struct Onlooker {
    stop: CancellationToken,
    task: JoinHandle<Result<Vec<Look>, String>>,
}

impl Onlooker {
    pub async fn begin(book: &Book, campaign: i64, send: i64) -> Result<Self, Error> {
        let cookie = sign_in(book).await?;
        let router = router(book.state.clone());
        let stop = CancellationToken::new();
        let ended = stop.clone();
        let task = tokio::spawn(async move {
            let mut looks = Vec::new();
            let page = format!("/marketing/campaigns/{campaign}");
            let asked = format!("{{\"send_id\":{send}}}");
            while !ended.is_cancelled() {
                let request = Request::get(&page).header(header::ACCEPT, "text/html");
                let page = timed(&router, request.body(Body::empty()), &cookie).await?;
                let request = Request::post("/api/sends/progress")
                    .header(header::CONTENT_TYPE, "application/json")
                    .header("sec-fetch-site", "same-origin");
                let progress = timed(&router, request.body(Body::from(asked.clone())), &cookie).await?;
                looks.push(Look {
                    page,
                    progress,
                    resident_mb: measure::resident_mb(),
                });
                tokio::select! {
                    () = ended.cancelled() => {}
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
            Ok(looks)
        });
        Ok(Self { stop, task })
    }

    pub async fn end(self) -> Result<Vec<Look>, Error> {
        self.stop.cancel();
        Ok(self.task.await??)
    }
}

/// Milliseconds from the request to the last byte of the answer.
async fn timed(router: &Router, request: axum::http::Result<Request<Body>>, cookie: &str) -> Result<f64, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let mut request = request.map_err(|e| words(&e))?;
    let cookie = cookie.parse().map_err(|e| words(&e))?;
    request.headers_mut().insert(header::COOKIE, cookie);
    let here = SocketAddr::from(([127, 0, 0, 1], 1));
    request.extensions_mut().insert(ConnectInfo(here));
    let begin = Instant::now();
    let Ok(answer) = router.clone().oneshot(request).await;
    let status = answer.status();
    to_bytes(answer.into_body(), 16 * 1024 * 1024)
        .await
        .map_err(|e| words(&e))?;
    if !status.is_success() {
        return Err(format!("the page answered {status}"));
    }
    Ok(begin.elapsed().as_secs_f64() * 1000.0)
}

async fn sign_in(book: &Book) -> Result<String, Error> {
    let now = book.state.clock.now();
    let token = tokens::secret();
    let mut tx = book.state.db.begin().await?;
    let email = format!("bench-{}@example.com", tokens::public());
    let user = users::add_user(
        &mut tx,
        book.store.id,
        &email,
        "Bench",
        Role::Owner,
        "nobody signs in",
        now,
    )
    .await?;
    let until = now + chrono::Duration::days(1);
    users::begin_session(
        &mut tx,
        user,
        &tokens::hash(&token),
        now,
        until,
        &loupe::context::response::Device::default(),
    )
    .await?;
    tx.commit().await?;
    Ok(format!("sid={token}"))
}
