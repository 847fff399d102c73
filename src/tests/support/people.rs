//! Customers by the hundred.

use chrono::{DateTime, Utc};
use loupe::{db::Db, ids::StoreId, on_tx};

/// Adds `n` customers who agreed to email, `p000001@example.com` and on, with these tags; answers
/// their ids.
pub async fn crowd(db: &Db, store: StoreId, n: usize, tags: &[&str], now: DateTime<Utc>) -> Vec<i64> {
    let mut ids = Vec::with_capacity(n);
    let mut tx = db.begin().await.expect("a transaction");
    for i in 1..=n {
        let email = format!("p{i:06}@example.com");
        ids.push(add(&mut tx, store, &format!("Person {i}"), Some(&email), now).await);
        for tag in tags {
            tag_one(&mut tx, store, ids[i - 1], tag).await;
        }
    }
    tx.commit().await.expect("a commit");
    ids
}

/// Adds one customer who agreed to email.
pub async fn one(db: &Db, store: StoreId, name: &str, email: Option<&str>, tags: &[&str], now: DateTime<Utc>) -> i64 {
    let mut tx = db.begin().await.expect("a transaction");
    let id = add(&mut tx, store, name, email, now).await;
    for tag in tags {
        tag_one(&mut tx, store, id, tag).await;
    }
    tx.commit().await.expect("a commit");
    id
}

async fn add(tx: &mut loupe::db::Tx, store: StoreId, name: &str, email: Option<&str>, now: DateTime<Utc>) -> i64 {
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    on_tx!(tx, |conn| sqlx::query_scalar(
        "insert into customers (store_id, name, name_key, first_name, last_name, email, email_norm, email_valid,
                                email_consent, unsubscribe_token, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'granted', $9, $10, $10) returning id"
    )
    .bind(store)
    .bind(name)
    .bind(name.to_lowercase())
    .bind(first)
    .bind(last)
    .bind(email)
    .bind(email.map(str::to_lowercase))
    .bind(email.is_some())
    .bind(loupe::tokens::public())
    .bind(now)
    .fetch_one(&mut *conn)
    .await)
    .expect("a customer")
}

async fn tag_one(tx: &mut loupe::db::Tx, store: StoreId, customer: i64, tag: &str) {
    on_tx!(tx, |conn| sqlx::query(
        "insert into customer_tags (store_id, customer_id, tag) values ($1, $2, $3)"
    )
    .bind(store)
    .bind(customer)
    .bind(tag)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .expect("a tag");
}

/// Gives a customer a tag.
pub async fn tag(db: &Db, store: StoreId, customer: i64, tag: &str) {
    let mut tx = db.begin().await.expect("a transaction");
    tag_one(&mut tx, store, customer, tag).await;
    tx.commit().await.expect("a commit");
}

/// Runs one statement on one row.
pub async fn change(db: &Db, sql: &'static str, id: i64) {
    let mut tx = db.begin().await.expect("a transaction");
    on_tx!(&mut tx, |conn| sqlx::query(sql)
        .bind(id)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
    .expect(sql);
    tx.commit().await.expect("a commit");
}
