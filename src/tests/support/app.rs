//! A whole application for a test: database, clock, router, a store with staff in every role.

use std::{collections::HashMap, net::SocketAddr};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
};
use chrono::{DateTime, Duration, Utc};
use tower::ServiceExt;

use loupe::{
    auth::queries as users,
    context::{AppState, Settings, actor::Role, settings::Given},
    db::{Backend, Db},
    ids::StoreId,
    server::router::router,
    stores::{
        self,
        model::{NewStore, Store},
    },
    time::Clock,
    tokens,
};

use super::sink::{self, Rule, Sink};

/// Sydney, an ordinary Friday morning: 1 May 2026, 10:00 am AEST.
pub const START: &str = "2026-05-01T00:00:00Z";

/// The application under test.
pub struct TestApp {
    pub state: AppState,
    pub router: Router,
    pub clock: Clock,
    pub store: Store,
    pub url: String,
    users: HashMap<Role, i64>,
    pub folder: tempfile::TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The cookie it sets, as a browser sends it back.
    pub fn cookie(&self) -> &str {
        let cookie = self.headers[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap()
    }

    pub fn location(&self) -> &str {
        self.headers
            .get(header::LOCATION)
            .map_or("", |v| v.to_str().unwrap_or_default())
    }
}

impl TestApp {
    pub async fn new(backend: Backend) -> Self {
        Self::with(backend, Given::default()).await
    }

    /// With some settings other than the defaults.
    pub async fn with(backend: Backend, given: Given) -> Self {
        let _ = tracing_subscriber::fmt()
            .with_test_writer()
            .with_max_level(tracing::Level::WARN)
            .try_init();
        let folder = tempfile::tempdir().expect("a folder");
        let (db, url) = super::db::fresh(backend, folder.path()).await;
        let clock = Clock::fixed(START.parse().expect("a moment"));
        let state = state_on(db, &url, clock.clone(), given);
        let store = open_store(&state.db, "aurelia", clock.now()).await;
        let users = hire(&state.db, store.id, "aurelia", clock.now()).await;
        Self {
            router: router(state.clone()),
            state,
            clock,
            store,
            url,
            users,
            folder,
        }
    }

    /// With a mail server of its own, which misbehaves by these rules and is used with these
    /// options of its URL.
    pub async fn mailing(backend: Backend, rules: Vec<Rule>, options: &str, given: Given) -> (Self, Sink) {
        let sink = Sink::start(sink::Settings {
            rules,
            ..sink::Settings::default()
        })
        .await
        .expect("a mail server");
        let given = Given {
            smtp_url: Some(format!("{}{options}", sink.url())),
            ..given
        };
        (Self::with(backend, given).await, sink)
    }

    /// The same installation before anybody set it up: no store, no staff.
    pub async fn emptied(self) -> Self {
        let mut tx = self.db().begin().await.unwrap();
        for table in ["sessions", "users", "segments", "templates", "stores"] {
            loupe::on_tx!(&mut tx, |conn| sqlx::query(sqlx::AssertSqlSafe(format!(
                "delete from {table}"
            )))
            .execute(&mut *conn)
            .await
            .map(|_| ()))
            .unwrap();
        }
        tx.commit().await.unwrap();
        self
    }

    pub fn db(&self) -> &Db {
        &self.state.db
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn user(&self, role: Role) -> i64 {
        self.users[&role]
    }

    /// A second store with staff of its own; answers the store and its users.
    pub async fn another_store(&self) -> (Store, HashMap<Role, i64>) {
        let store = open_store(self.db(), "zenith", self.now()).await;
        let users = hire(self.db(), store.id, "zenith", self.now()).await;
        (store, users)
    }

    /// A cookie of somebody in this role.
    pub async fn sign_in_as(&self, role: Role) -> String {
        self.session_of(self.user(role)).await
    }

    /// A cookie of this user.
    pub async fn session_of(&self, user: i64) -> String {
        let token = tokens::secret();
        let mut tx = self.db().begin().await.unwrap();
        let until = self.now() + Duration::days(14);
        users::begin_session(
            &mut tx,
            user,
            &tokens::hash(&token),
            self.now(),
            until,
            &loupe::context::response::Device::default(),
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        format!("sid={token}")
    }

    /// Loads a page.
    pub async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(
            Request::get(path)
                .header(header::COOKIE, cookie)
                .header(header::ACCEPT, "text/html")
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    /// Sends a form as a browser without JavaScript does, from the page `from`.
    pub async fn post_form(&self, path: &str, from: &str, fields: &[(&str, &str)], cookie: &str) -> Answer {
        self.post_form_text(path, from, encoded(fields), cookie).await
    }

    /// The same with the fields already encoded.
    pub async fn post_form_text(&self, path: &str, from: &str, fields: String, cookie: &str) -> Answer {
        self.send(
            Request::post(path)
                .header(header::COOKIE, cookie)
                .header(header::ACCEPT, "text/html,application/xhtml+xml")
                .header(header::REFERER, format!("http://loupe.test{from}"))
                .header("sec-fetch-site", "same-origin")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(fields))
                .unwrap(),
        )
        .await
    }

    /// Chooses a file to import.
    pub async fn upload(&self, name: &str, content: &[u8], cookie: &str) -> Answer {
        let mut body = format!(
            "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n"
        )
        .into_bytes();
        body.extend(content);
        body.extend(b"\r\n--cut--\r\n");
        self.send(
            Request::post("/customers/import")
                .header(header::COOKIE, cookie)
                .header("sec-fetch-site", "same-origin")
                .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
                .body(Body::from(body))
                .unwrap(),
        )
        .await
    }

    /// Loads a page and presses the button of its form with this action.
    pub async fn press(&self, page: &str, action: &str, cookie: &str) -> Answer {
        let fields = fields_of(&self.get(page, cookie).await.text, action);
        self.post_form(action, page, &borrowed(&fields), cookie).await
    }

    /// Calls a server function as an island does.
    pub async fn call(&self, path: &str, content_type: &str, body: impl Into<String>, cookie: &str) -> Answer {
        self.send(
            Request::post(path)
                .header(header::COOKIE, cookie)
                .header(header::ACCEPT, "application/json")
                .header("sec-fetch-site", "same-origin")
                .header(header::CONTENT_TYPE, content_type)
                .body(Body::from(body.into()))
                .unwrap(),
        )
        .await
    }

    /// The page a form leads to, with what it has to tell once.
    pub async fn follow(&self, answer: &Answer, cookie: &str) -> Answer {
        let flash = answer.headers.get(header::SET_COOKIE);
        let flash = flash.map_or("", |v| v.to_str().unwrap_or_default());
        let flash = flash.split(';').next().unwrap_or_default();
        self.get(answer.location(), &format!("{cookie}; {flash}")).await
    }

    /// Sends any request through the whole router.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 64 * 1024 * 1024).await.expect("a whole body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

/// What a program works with on this database.
pub fn state_on(db: Db, url: &str, clock: Clock, given: Given) -> AppState {
    let given = Given {
        database_url: Some(url.to_owned()),
        secret_key: Some("a secret key for tests, long enough".to_owned()),
        base_url: given.base_url.clone().or(Some("http://loupe.test".to_owned())),
        undo_seconds: given.undo_seconds.clone().or(Some("0".to_owned())),
        ..given
    };
    let settings = Settings::resolve(given, None).expect("settings");
    AppState::new(db, clock, settings)
}

/// The page as a person reads it: without tags, with single spaces.
pub fn words(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, after)| after));
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The fields that a page holds ready in its form with this action.
pub fn fields_of(html: &str, action: &str) -> Vec<(String, String)> {
    let form = html
        .split_once(&format!("action=\"{action}\""))
        .and_then(|(_, after)| after.split_once("</form>"))
        .unwrap_or_else(|| panic!("no form to {action}: {html}"));
    let value = |input: &str, name: &str| {
        let (_, after) = input.split_once(&format!("{name}=\""))?;
        after.split_once('"').map(|(value, _)| value.to_owned())
    };
    form.0
        .split("<input ")
        .skip(1)
        .filter_map(|input| {
            let input = input.split('>').next()?;
            Some((value(input, "name")?, value(input, "value")?))
        })
        .collect()
}

/// Fields as [`TestApp::post_form`] takes them.
pub fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()
}

/// Fields as a form sends them.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| loupe::paths::encode(text).replace('/', "%2F");
    fields
        .iter()
        .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
        .collect::<Vec<_>>()
        .join("&")
}

/// A store in Sydney that asks for opt-in.
pub async fn open_store(db: &Db, slug: &str, now: DateTime<Utc>) -> Store {
    let new = NewStore {
        slug: slug.to_owned(),
        name: "Aurelia".to_owned(),
        time_zone: "Australia/Sydney".to_owned(),
        country: "AU".to_owned(),
        currency: "AUD".to_owned(),
        from_name: "Aurelia Sydney".to_owned(),
        from_email: "hello@aurelia.example.com".to_owned(),
        footer: "Aurelia, 1 George Street, Sydney NSW 2000".to_owned(),
        is_demo: false,
    };
    let mut tx = db.begin().await.unwrap();
    let id: StoreId = stores::rules::open_store(&mut tx, &new, now).await.unwrap();
    tx.commit().await.unwrap();
    stores::queries::find(db, id).await.unwrap().unwrap()
}

async fn hire(db: &Db, store: StoreId, slug: &str, now: DateTime<Utc>) -> HashMap<Role, i64> {
    let mut staff = HashMap::new();
    let mut tx = db.begin().await.unwrap();
    for role in Role::ALL {
        let email = format!("{}@{slug}.example.com", role.key());
        let name = format!("{} Person", role.key());
        // Nobody signs in with this: tests that do, set a password first.
        let id = users::add_user(&mut tx, store, &email, &name, role, "no password", now)
            .await
            .unwrap();
        staff.insert(role, id);
    }
    tx.commit().await.unwrap();
    staff
}
