//! Somebody at the pages: signed in, and pressing what stands there, through the whole router.

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{Request, StatusCode, header},
};
use chrono::TimeDelta;
use tower::ServiceExt as _;

use loupe::{
    auth::queries as users,
    context::{AppState, actor::Role},
    db::Db,
    ids::StoreId,
    on_db,
    server::router::router,
    tokens,
};

use super::Error;

/// An owner of the store.
#[derive(Debug)]
pub struct Person {
    router: Router,
    cookie: String,
}

/// What came of a press.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// Where it leads.
    pub location: String,
    pub text: String,
}

impl Person {
    /// Signs the store's owner in; hires one where there is none.
    pub async fn sign_in(state: AppState, store: StoreId) -> Result<Self, Error> {
        let owner = match owner(&state.db, store).await? {
            Some(owner) => owner,
            None => hire(&state, store).await?,
        };
        let (token, now) = (tokens::secret(), state.clock.now());
        let mut tx = state.db.begin().await?;
        let until = now + TimeDelta::days(14);
        let device = loupe::context::response::Device::default();
        users::begin_session(&mut tx, owner, &tokens::hash(&token), now, until, &device).await?;
        tx.commit().await?;
        Ok(Self {
            router: router(state),
            cookie: format!("sid={token}"),
        })
    }

    /// Sends a form as a browser without JavaScript does. A failure of the server is an error.
    pub async fn press(&self, path: &str, fields: &str) -> Result<Answer, Error> {
        let mut request = Request::post(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT, "text/html")
            .header(header::REFERER, "http://localhost/marketing/campaigns")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(fields.to_owned()))?;
        let somewhere = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000)));
        request.extensions_mut().insert(somewhere);
        let (parts, body) = self.router.clone().oneshot(request).await?.into_parts();
        let bytes = to_bytes(body, 16 * 1024 * 1024).await?;
        let location = parts.headers.get(header::LOCATION);
        let answer = Answer {
            status: parts.status,
            location: location.map_or("", |l| l.to_str().unwrap_or_default()).to_owned(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        };
        match answer.status.is_server_error() {
            true => Err(format!("{path} with {fields}: {answer:?}").into()),
            false => Ok(answer),
        }
    }
}

async fn owner(db: &Db, store: StoreId) -> sqlx::Result<Option<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select id from users where store_id = $1 and role = 'owner' order by id limit 1"
    )
    .bind(store)
    .fetch_optional(pool)
    .await)
}

async fn hire(state: &AppState, store: StoreId) -> Result<i64, Error> {
    let mut tx = state.db.begin().await?;
    let (email, name, now) = ("priya@aurelia.example.com", "Priya Nair", state.clock.now());
    let id = users::add_user(&mut tx, store, email, name, Role::Owner, "no password", now).await?;
    tx.commit().await?;
    Ok(id)
}
