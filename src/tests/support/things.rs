//! A store with one thing of every kind in it.

use sqlx::AssertSqlSafe;

use loupe::{ids::StoreId, messages::tallies};

use super::app::TestApp;

/// One thing of every kind, in one store.
pub struct Things(Vec<(&'static str, i64)>);

impl Things {
    pub async fn of(app: &TestApp, store: StoreId) -> Self {
        let mut tx = app.db().begin().await.unwrap();
        let now = app.now();
        let s = store.0;
        let mut things = Vec::new();
        let mut add = async |kind: &'static str, sql: String| {
            let id: i64 = loupe::on_tx!(&mut tx, |conn| sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(now)
                .fetch_one(&mut *conn)
                .await)
            .unwrap_or_else(|e| panic!("{kind}: {e}"));
            things.push((kind, id));
            id
        };
        add(
            "user",
            format!(
                "insert into users (store_id, email, name, role, password_hash, created_at)
             values ({s}, 'spare{s}@example.com', 'Spare', 'workshop', 'none', $1) returning id"
            ),
        )
        .await;
        let customer = add(
            "customer",
            format!(
                "insert into customers (store_id, name, name_key, unsubscribe_token, created_at, updated_at)
             values ({s}, 'Secret{s}', 'secret{s}', 'c{s}', $1, $1) returning id"
            ),
        )
        .await;
        add(
            "repair",
            format!(
                "insert into repairs (store_id, customer_id, description, opened_at)
             values ({s}, {customer}, 'Secret{s}', $1) returning id"
            ),
        )
        .await;
        let campaign = add(
            "campaign",
            format!(
                "insert into campaigns (store_id, name, subject, body, created_by, created_at, updated_by, updated_at)
             values ({s}, 'Secret{s}', 'Secret{s}', 'Secret{s}', 'x', $1, 'x', $1) returning id"
            ),
        )
        .await;
        let send = add("send", format!(
            "insert into sends (store_id, campaign_id, kind, token, label, subject, body, fallbacks, filter,
                                audience_words, from_name, from_email, store_name, footer, signature, state, hold_until,
                                started_by, started_at)
             values ({s}, {campaign}, 'campaign', 't{s}', 'Secret{s}', 'Secret{s}', 'Secret{s}', '{{}}',
                     '{{\"type\":\"all\"}}', 'All', 'A', 'a@example.com', 'A', 'F', 'S', 'done', $1, 'x', $1) returning id"
        )).await;
        add(
            "template",
            format!("select min(id) from templates where store_id = {s} and created_at <= $1"),
        )
        .await;
        add(
            "import",
            format!(
                "insert into imports (store_id, file_name, file_sha256, mapping, started_by, started_at, progress_at,
                                      finished_at)
                 values ({s}, 'Secret{s}.csv', 'x', '{{\"kind\":\"plain\",\"columns\":[],\"fields\":[]}}', 'x', $1, $1, $1)
                 returning id"
            ),
        )
        .await;
        add(
            "bulk",
            format!(
                "insert into sends (store_id, kind, token, label, subject, body, fallbacks, filter, audience_words,
                                    from_name, from_email, store_name, footer, signature, state, hold_until,
                                    started_by, started_at)
                 values ({s}, 'bulk', 'b{s}', 'Secret{s}', 'Secret{s}', 'Secret{s}', '{{}}', '{{\"type\":\"all\"}}', 'All',
                         'A', 'a@example.com', 'A', 'F', 'S', 'done', $1, 'x', $1) returning id"
            ),
        )
        .await;
        let message = add(
            "message",
            format!(
                "insert into messages (store_id, send_id, customer_id, channel, state, name, first_name, last_name,
                                   address, addr_norm, unsubscribe_token, created_at, settled_at)
             values ({s}, {send}, {customer}, 'email', 'accepted', 'Secret{s}', 'S', 'T', 's@example.com',
                     's@example.com', 'tok{s}', $1, '2000-01-01T00:00:00+00:00') returning id"
            ),
        )
        .await;
        add(
            "outbox",
            format!(
                "insert into outbox (store_id, message_id, recipient, subject, source, accepted_at)
             values ({s}, {message}, 's@example.com', 'Secret{s}', 'Content-Type: text/html\n\n<p>Secret{s}</p>', $1)
             returning id"
            ),
        )
        .await;
        tallies::count(&mut tx, send).await.unwrap();
        tx.commit().await.unwrap();
        Self(things)
    }

    /// Adds what a text may stand for.
    pub fn add(&mut self, kind: &'static str, id: i64) {
        self.0.push((kind, id));
    }

    /// The text with `{customer}` and its like filled in.
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (kind, id)| {
            text.replace(&format!("{{{kind}}}"), &id.to_string())
        })
    }

    /// Whether a text asks for one of them.
    pub fn named_in(&self, text: &str) -> bool {
        self.fill(text) != text
    }
}
