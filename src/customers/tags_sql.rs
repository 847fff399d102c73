//! Tags in the database.

use crate::{
    auth::model::StoreId,
    db::{Db, Tx, dialect},
    on_db, on_tx,
};

/// A customer's tags, in order.
pub async fn tags_of(db: &Db, store: StoreId, customer: i64) -> sqlx::Result<Vec<String>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select tag from customer_tags where store_id = $1 and customer_id = $2 order by tag"
    )
    .bind(store)
    .bind(customer)
    .fetch_all(pool)
    .await)
}

/// Every tag of the store with how many customers carry it, archived ones left out.
pub async fn all_tags(db: &Db, store: StoreId) -> sqlx::Result<Vec<(String, i64)>> {
    on_db!(db, |pool| sqlx::query_as(
        "select t.tag, count(*) from customer_tags t join customers c on c.id = t.customer_id
          where t.store_id = $1 and c.archived_at is null group by t.tag order by t.tag"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

/// Makes these the customer's tags. Answers whether anything changed.
pub async fn set_tags(tx: &mut Tx, store: StoreId, customer: i64, tags: &[String]) -> sqlx::Result<bool> {
    let list = serde_json::Value::from(tags).to_string();
    let rows = dialect::json_texts(tx.backend(), "$3");
    let sql = format!(
        "delete from customer_tags where store_id = $1 and customer_id = $2 and tag not in (select value from {rows} v)"
    );
    let gone = on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(customer)
        .bind(&list)
        .execute(&mut *conn)
        .await
        .map(|d| d.rows_affected()))?;
    Ok(add_tags(tx, store, customer, tags).await? || gone > 0)
}

/// Adds tags, already folded. Answers whether any was new.
pub async fn add_tags(tx: &mut Tx, store: StoreId, customer: i64, tags: &[String]) -> sqlx::Result<bool> {
    let list = serde_json::Value::from(tags).to_string();
    let rows = dialect::json_texts(tx.backend(), "$3");
    let sql = format!(
        "insert into customer_tags (store_id, customer_id, tag) select $1, $2, value from {rows} v where true
         on conflict do nothing"
    );
    let new = on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(customer)
        .bind(&list)
        .execute(&mut *conn)
        .await
        .map(|d| d.rows_affected()))?;
    Ok(new > 0)
}
