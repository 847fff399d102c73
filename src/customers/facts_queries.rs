//! Purchases and repairs in the database, and the summary of them on the customer.

use chrono::{DateTime, Utc};

use crate::{
    db::{Db, Tx, dialect},
    ids::StoreId,
    on_db, on_tx,
};

/// Something bought.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PurchaseRow {
    pub id: i64,
    pub description: String,
    pub amount_cents: i64,
    pub bought_at: DateTime<Utc>,
}

/// Something brought in for repair.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RepairRow {
    pub id: i64,
    pub description: String,
    pub opened_at: DateTime<Utc>,
    /// Nothing while it is in the workshop.
    pub closed_at: Option<DateTime<Utc>>,
}

/// What a customer bought, latest first.
pub async fn purchases(db: &Db, store: StoreId, customer: i64) -> sqlx::Result<Vec<PurchaseRow>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, description, amount_cents, bought_at from purchases
          where store_id = $1 and customer_id = $2 order by bought_at desc, id desc"
    )
    .bind(store)
    .bind(customer)
    .fetch_all(pool)
    .await)
}

/// What a customer had repaired, latest first.
pub async fn repairs(db: &Db, store: StoreId, customer: i64) -> sqlx::Result<Vec<RepairRow>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, description, opened_at, closed_at from repairs
          where store_id = $1 and customer_id = $2 order by opened_at desc, id desc"
    )
    .bind(store)
    .bind(customer)
    .fetch_all(pool)
    .await)
}

/// Adds a purchase. [`refresh_facts`] must follow in the same transaction.
pub async fn add_purchase(
    tx: &mut Tx,
    store: StoreId,
    customer: i64,
    description: &str,
    amount_cents: i64,
    bought_at: DateTime<Utc>,
) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "insert into purchases (store_id, customer_id, description, amount_cents, bought_at)
         values ($1, $2, $3, $4, $5) returning id"
    )
    .bind(store)
    .bind(customer)
    .bind(description)
    .bind(amount_cents)
    .bind(bought_at)
    .fetch_one(&mut *conn)
    .await)
}

/// Adds a repair, open until closed. [`refresh_facts`] must follow in the same transaction.
pub async fn add_repair(
    tx: &mut Tx,
    store: StoreId,
    customer: i64,
    description: &str,
    opened_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "insert into repairs (store_id, customer_id, description, opened_at, closed_at)
         values ($1, $2, $3, $4, $5) returning id"
    )
    .bind(store)
    .bind(customer)
    .bind(description)
    .bind(opened_at)
    .bind(closed_at)
    .fetch_one(&mut *conn)
    .await)
}

/// Closes an open repair and answers what it was. [`refresh_facts`] must follow in the same
/// transaction.
pub async fn close_repair(
    tx: &mut Tx,
    store: StoreId,
    customer: i64,
    id: i64,
    at: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "update repairs set closed_at = $4
          where store_id = $1 and customer_id = $2 and id = $3 and closed_at is null returning description"
    )
    .bind(store)
    .bind(customer)
    .bind(id)
    .bind(at)
    .fetch_optional(&mut *conn)
    .await)
}

/// Whether it is a repair of this customer, open or not.
pub async fn has_repair(tx: &mut Tx, store: StoreId, customer: i64, id: i64) -> sqlx::Result<bool> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "select exists (select 1 from repairs where store_id = $1 and customer_id = $2 and id = $3)"
    )
    .bind(store)
    .bind(customer)
    .bind(id)
    .fetch_one(&mut *conn)
    .await)
}

const SUMMARY: &str = "update customers set
    spent_cents = spent_elsewhere_cents + coalesce(
        (select cast(sum(p.amount_cents) as bigint) from purchases p where p.customer_id = customers.id), 0),
    largest_purchase_cents = coalesce((select max(p.amount_cents) from purchases p where p.customer_id = customers.id), 0),
    last_purchase_at = (select max(p.bought_at) from purchases p where p.customer_id = customers.id),
    last_repair_at = (select max(coalesce(r.closed_at, r.opened_at)) from repairs r where r.customer_id = customers.id),
    open_repairs = (select count(*) from repairs r where r.customer_id = customers.id and r.closed_at is null)
  where store_id = $1";

/// Recomputes the summary of these customers.
pub async fn refresh_facts(tx: &mut Tx, store: StoreId, customers: &[i64]) -> sqlx::Result<()> {
    let ids = serde_json::Value::from(customers).to_string();
    let rows = dialect::json_ids(tx.backend(), "$2");
    let sql = format!("{SUMMARY} and id in (select value from {rows} v)");
    on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(&ids)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Recomputes the summary of every customer of the store: after filling it in bulk.
pub async fn refresh_all_facts(tx: &mut Tx, store: StoreId) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(SUMMARY.to_owned()))
        .bind(store)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}
