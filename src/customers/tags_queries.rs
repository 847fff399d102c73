//! Tags in the database.

use crate::{
    db::{Db, Tx, dialect},
    ids::StoreId,
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
    let held = hold_sets(tx, &[customer]).await?;
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
    let new = insert(tx, store, customer, &list).await?;
    settle_sets(tx, held).await?;
    Ok(new || gone > 0)
}

/// Adds tags, already folded. Answers whether any was new.
pub async fn add_tags(tx: &mut Tx, store: StoreId, customer: i64, tags: &[String]) -> sqlx::Result<bool> {
    let held = hold_sets(tx, &[customer]).await?;
    let new = insert(tx, store, customer, &serde_json::Value::from(tags).to_string()).await?;
    settle_sets(tx, held).await?;
    Ok(new)
}

async fn insert(tx: &mut Tx, store: StoreId, customer: i64, list: &str) -> sqlx::Result<bool> {
    let rows = dialect::json_texts(tx.backend(), "$3");
    let sql = format!(
        "insert into customer_tags (store_id, customer_id, tag) select $1, $2, value from {rows} v where true
         on conflict do nothing"
    );
    let new = on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(customer)
        .bind(list)
        .execute(&mut *conn)
        .await
        .map(|d| d.rows_affected()))?;
    Ok(new > 0)
}

/// Customers whose set of tags is not looked for until [`settle_sets`].
#[derive(Debug)]
#[must_use = "their sets are wrong until they are settled"]
pub(super) struct HeldSets(Option<(String, String)>);

/// Lets the tags of these customers change as one.
pub(super) async fn hold_sets(tx: &mut Tx, customers: &[i64]) -> sqlx::Result<HeldSets> {
    let Some([hold, settle]) = dialect::around_tags(tx.backend(), "$1") else {
        return Ok(HeldSets(None));
    };
    let ids = serde_json::Value::from(customers).to_string();
    run(tx, hold, &ids).await?;
    Ok(HeldSets(Some((settle, ids))))
}

/// Looks for the sets of tags that those customers now have.
pub(super) async fn settle_sets(tx: &mut Tx, held: HeldSets) -> sqlx::Result<()> {
    match held.0 {
        Some((settle, ids)) => run(tx, settle, &ids).await,
        None => Ok(()),
    }
}

async fn run(tx: &mut Tx, sql: String, ids: &str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(ids)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Removes at most `limit` sets of tags that nobody is in. Answers how many; nothing is removed while
/// somebody's tags are being changed, because they may be about to be in one.
pub async fn sweep_sets(db: &Db, limit: i64) -> sqlx::Result<u64> {
    const UNUSED: &str = "select s.id from tag_sets s
        where not exists (select 1 from customers c where c.store_id = s.store_id and c.tag_set = s.id)
        order by s.id limit $1";
    let mut tx = db.begin().await?;
    if let Some(lock) = dialect::alone_or_not_at_all(tx.backend(), "tag_sets") {
        let locked = on_tx!(&mut tx, |conn| sqlx::query(sqlx::AssertSqlSafe(lock))
            .execute(&mut *conn)
            .await
            .map(|_| ()));
        match locked {
            Err(sqlx::Error::Database(_)) => return Ok(0),
            Err(error) => return Err(error),
            Ok(()) => {}
        }
    }
    let unused: Vec<i64> = on_tx!(&mut tx, |conn| sqlx::query_scalar(UNUSED)
        .bind(limit)
        .fetch_all(&mut *conn)
        .await)?;
    if unused.is_empty() {
        return Ok(0);
    }
    let ids = serde_json::Value::from(unused.as_slice()).to_string();
    let list = dialect::json_ids(tx.backend(), "$1");
    run(
        &mut tx,
        format!("delete from tag_set_tags where tag_set in (select value from {list} v)"),
        &ids,
    )
    .await?;
    run(
        &mut tx,
        format!("delete from tag_sets where id in (select value from {list} v)"),
        &ids,
    )
    .await?;
    tx.commit().await?;
    Ok(u64::try_from(unused.len()).unwrap_or_default())
}
