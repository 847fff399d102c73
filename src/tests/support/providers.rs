//! Mail providers, as they post what became of messages.

use axum::{body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use sha2::Sha256;

use loupe::{
    channels::email::events::Provider,
    context::actor::Role,
    mail_accounts::provider_queries::{self, StoredProvider},
    on_db, tokens,
};

use super::app::TestApp;

/// What the owner has entered, by provider.
pub fn secret_of(provider: Provider) -> &'static str {
    match provider {
        Provider::Mailgun | Provider::Postmark => "a-key-for-events-of-tests",
        Provider::Resend => "whsec_YSBrZXkgZm9yIGV2ZW50cyBvZiB0ZXN0cw==",
    }
}

/// An owner enters whose the mail server is. Answers what is kept.
pub async fn belongs_to(app: &TestApp, provider: Provider) -> StoredProvider {
    let cookie = app.sign_in_as(Role::Owner).await;
    let fields = [("provider", provider.key()), ("events_password", secret_of(provider))];
    let saved = app
        .post_form("/api/settings/mail-provider", "/settings", &fields, &cookie)
        .await;
    assert_eq!(saved.location(), "/settings?ok=mail-provider", "{}", saved.text);
    kept(app).await.expect("a provider")
}

/// What is kept of the mail account's provider.
pub async fn kept(app: &TestApp) -> Option<StoredProvider> {
    let account = app.state.settings.smtp.as_ref().expect("a mail server").key();
    provider_queries::of_account(app.db(), &account).await.unwrap()
}

/// Our id of a message, as a provider knows it.
pub async fn message_id(app: &TestApp, message: i64) -> String {
    let left_as: Option<Option<String>> = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select installation from messages where id = $1"
    )
    .bind(message)
    .fetch_optional(pool)
    .await)
    .unwrap();
    let installation = match left_as.flatten() {
        Some(installation) => installation,
        None => loupe::context::installation::id(app.db()).await.unwrap(),
    };
    format!("{message}.{installation}@aurelia.example.com")
}

fn signed(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// An event as its provider posts it.
#[derive(Clone, Debug)]
pub struct Post {
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Post {
    /// Of this kind, about the message with this Message-ID, signed so many seconds ago.
    pub fn of(app: &TestApp, provider: Provider, kind: &str, id: &str, ago: i64) -> Self {
        let at = (app.now().timestamp() - ago).to_string();
        let secret = secret_of(provider);
        match provider {
            Provider::Mailgun => {
                let token = tokens::secret();
                let proof = hex::encode(signed(secret.as_bytes(), format!("{at}{token}").as_bytes()));
                let body = json!({
                    "signature": { "timestamp": at, "token": token, "signature": proof },
                    "event-data": {
                        "event": kind,
                        "reject": { "reason": "Old\r\n\u{202e}address\u{2066}\u{61c}" },
                        "message": { "headers": { "message-id": id } }
                    }
                });
                Self::bare(body)
            }
            Provider::Postmark => {
                let bare = id.split('@').next().unwrap();
                let mut post = Self::bare(json!({ "RecordType": kind, "Metadata": { "loupe-message": bare } }));
                let login = STANDARD.encode(format!("loupe:{secret}"));
                post.headers.push(("authorization", format!("Basic {login}")));
                post
            }
            Provider::Resend => {
                let mut post = Self::bare(json!({
                    "type": kind,
                    "data": { "message_id": format!("<{id}>"), "failed": { "reason": "quota" } }
                }));
                let key = STANDARD.decode(&secret["whsec_".len()..]).unwrap();
                let proof = signed(&key, format!("msg_1.{at}.{}", post.body).as_bytes());
                post.headers.push(("svix-id", "msg_1".to_owned()));
                post.headers.push(("svix-timestamp", at));
                // Beside the one of a secret that is being replaced.
                let proofs = format!("v1,{} v1,{}", STANDARD.encode([7; 32]), STANDARD.encode(proof));
                post.headers.push(("svix-signature", proofs));
                post
            }
        }
    }

    pub fn bare(body: Value) -> Self {
        Self {
            headers: Vec::new(),
            body: body.to_string(),
        }
    }

    pub fn without(mut self, header: &str) -> Self {
        self.headers.retain(|(name, _)| *name != header);
        self
    }

    pub fn with_body(mut self, from: &str, to: &str) -> Self {
        assert!(self.body.contains(from), "{}", self.body);
        self.body = self.body.replace(from, to);
        self
    }

    pub async fn to(self, app: &TestApp, kept: &StoredProvider) -> u16 {
        self.post_to(app, &format!("/hooks/email/{}", kept.hook_token)).await
    }

    pub async fn post_to(self, app: &TestApp, address: &str) -> u16 {
        let mut request = Request::post(address).header("content-type", "application/json");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        app.send(request.body(Body::from(self.body)).unwrap())
            .await
            .status
            .as_u16()
    }
}
