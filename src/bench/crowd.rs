//! A store full of people who differ from each other, quickly: some are made up one by one, and
//! those are copied.

use std::ops::Range;

use loupe::{
    db::{Backend, Db, Tx},
    ids::StoreId,
    on_tx,
    time::Clock,
};

use crate::{
    Error,
    books::{self, Dice, Roughness},
};

/// At most so many are made up; the rest are copies.
const ORIGINALS: u64 = 50_000;

/// Customers are made up in transactions of this many.
const AT_ONCE: u64 = 2_000;

/// Writes so many people into a store that has none.
pub async fn fill(db: &Db, store: StoreId, people: u64) -> Result<(), Error> {
    let parts = people.div_ceil(ORIGINALS).max(1);
    let originals = people / parts;
    let last = make_up(db, store, 0..originals).await?;
    // Derived columns are copied with the rest: what keeps them would only do it again.
    let mut tx = db.begin().await?;
    let triggers = switch_off(&mut tx).await?;
    let columns = columns(&mut tx).await?;
    for part in 1..parts {
        copy(&mut tx, store, last, part, &columns).await?;
    }
    execute(&mut tx, triggers).await?;
    tx.commit().await?;
    make_up(db, store, originals..originals + people % parts).await?;
    Ok(())
}

/// Answers the last one's id.
async fn make_up(db: &Db, store: StoreId, numbers: Range<u64>) -> Result<i64, Error> {
    let (now, mut dice, mut last) = (Clock::System.now(), Dice(7), 0);
    let rough = Roughness {
        trouble: 8,
        shared: 4,
        tagged: 40,
    };
    for start in numbers.clone().step_by(usize::try_from(AT_ONCE)?) {
        let mut tx = db.begin().await?;
        let some: Vec<_> = (start..(start + AT_ONCE).min(numbers.end))
            .map(|i| books::somebody(&mut dice, i, rough, now))
            .collect();
        last = books::write(&mut tx, store, &some)
            .await?
            .last()
            .copied()
            .unwrap_or(last);
        tx.commit().await?;
    }
    Ok(last)
}

/// Everybody up to `last` once more, with tags, another address and what was said for it, and another token.
async fn copy(tx: &mut Tx, store: StoreId, last: i64, part: u64, columns: &[String]) -> Result<(), Error> {
    let values: Vec<String> = columns
        .iter()
        .map(|column| match column.as_str() {
            "email" | "email_norm" | "unsubscribe_token" => format!("'c{part}-' || {column}"),
            same => same.to_owned(),
        })
        .collect();
    let people = format!(
        "insert into customers ({}) select {} from customers where store_id = $1 and id <= $2 order by id",
        columns.join(", "),
        values.join(", ")
    );
    let tags = format!(
        "insert into customer_tags (store_id, customer_id, tag)
         select t.store_id, n.id, t.tag from customer_tags t join customers c on c.id = t.customer_id
           join customers n on n.unsubscribe_token = 'c{part}-' || c.unsubscribe_token
          where c.store_id = $1 and c.id <= $2"
    );
    let said = format!(
        "insert into suppressions (store_id, channel, address, unsubscribed_at, complained_at, bounced_at, bounce_reason)
         select distinct s.store_id, s.channel, 'c{part}-' || s.address, s.unsubscribed_at, s.complained_at, s.bounced_at,
                s.bounce_reason
           from suppressions s join customers c on c.store_id = s.store_id and c.email_norm = s.address
          where c.store_id = $1 and c.id <= $2"
    );
    for statement in [people, tags, said] {
        on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(store)
            .bind(last)
            .execute(&mut *conn)
            .await
            .map(|_| ()))?;
    }
    Ok(())
}

/// All that can be written, but for the id.
async fn columns(tx: &mut Tx) -> Result<Vec<String>, Error> {
    let statement = match tx.backend() {
        Backend::Sqlite => "select name from pragma_table_info('customers') where name <> 'id'",
        Backend::Postgres => {
            "select cast(column_name as text) from information_schema.columns
              where table_schema = current_schema() and table_name = 'customers' and is_generated = 'NEVER'
                and column_name <> 'id'"
        }
    };
    Ok(on_tx!(tx, |conn| sqlx::query_scalar(statement)
        .fetch_all(&mut *conn)
        .await)?)
}

/// Answers what switches them on again.
async fn switch_off(tx: &mut Tx) -> Result<Vec<String>, Error> {
    let mut off = vec![
        "alter table customers disable trigger user".to_owned(),
        "alter table customer_tags disable trigger user".to_owned(),
        "alter table suppressions disable trigger user".to_owned(),
    ];
    let mut on: Vec<String> = off
        .iter()
        .map(|statement| statement.replace("disable", "enable"))
        .collect();
    if tx.backend() == Backend::Sqlite {
        let triggers: Vec<(String, String)> = on_tx!(tx, |conn| sqlx::query_as(
            "select name, sql from sqlite_master
              where type = 'trigger' and tbl_name in ('customers', 'customer_tags', 'suppressions')"
        )
        .fetch_all(&mut *conn)
        .await)?;
        off = triggers
            .iter()
            .map(|(name, _)| format!("drop trigger {name}"))
            .collect();
        on = triggers.into_iter().map(|(_, sql)| sql).collect();
    }
    execute(tx, off).await?;
    Ok(on)
}

async fn execute(tx: &mut Tx, statements: Vec<String>) -> Result<(), Error> {
    for statement in statements {
        on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *conn)
            .await
            .map(|_| ()))?;
    }
    Ok(())
}
