//! The few statements a batch is made of. Whole batches are bound as one JSON text, so that a batch
//! costs the same few round trips however many rows it has.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::merge::Person;
use crate::{
    consent::model::ConsentState,
    customers::{
        queries::{COLUMNS, Customer},
        tags_queries::{hold_sets, settle_sets},
    },
    db::{
        Tx,
        dialect::{self, Column},
    },
    ids::StoreId,
    on_tx,
};

/// Lets one import of a store at a time work on a batch: two with the same new person would
/// otherwise both add them.
pub(super) async fn one_at_a_time(tx: &mut Tx, store: StoreId) -> sqlx::Result<()> {
    let sql = format!(
        "select id from stores where id = $1 {}",
        dialect::for_change(tx.backend())
    );
    on_tx!(tx, |conn| sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .fetch_optional(&mut *conn)
        .await
        .map(|_| ()))
}

/// Everyone of the store whom rows with these ids, addresses, or names without an address may be
/// about, oldest first; nobody else changes them until the transaction ends.
pub(super) async fn known(
    tx: &mut Tx,
    store: StoreId,
    externals: &[&str],
    emails: &[&str],
    names: &[String],
) -> sqlx::Result<Vec<Person>> {
    let list = |n: &str| dialect::json_texts(tx.backend(), n);
    // A union of ids: three conditions in one `or` would keep the indexes from being used.
    let sql = format!(
        "select {COLUMNS}
           from customers c
          where c.store_id = $1 and c.id in (
                select i.id from customers i where i.store_id = $1 and i.external_id in (select value from {} v)
                union
                select i.id from customers i where i.store_id = $1 and i.email_norm in (select value from {} v)
                union
                select i.id from customers i
                 where i.store_id = $1 and i.email_norm is null and i.name_key in (select value from {} v))
          order by c.id {}",
        list("$2"),
        list("$3"),
        list("$4"),
        dialect::for_change(tx.backend())
    );
    let (externals, emails, names) = (
        Value::from(externals).to_string(),
        Value::from(emails).to_string(),
        Value::from(names).to_string(),
    );
    let rows: Vec<Customer> = on_tx!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(&externals)
        .bind(&emails)
        .bind(&names)
        .fetch_all(&mut *conn)
        .await)?;
    let ids: Vec<i64> = rows.iter().map(|r| r.id).collect();
    let mut tags = tags_of(tx, store, &ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let tags = tags.remove(&row.id).unwrap_or_default();
            person(row, tags)
        })
        .collect())
}

fn person(customer: Customer, tags: BTreeSet<String>) -> Person {
    Person {
        id: Some(customer.id),
        details: customer.details(),
        external_id: customer.external_id,
        notes: customer.notes,
        tags,
        email_consent: customer.email_consent,
        whatsapp_consent: customer.whatsapp_consent,
        bounced: customer.email_bounced_at.is_some(),
        complained: customer.email_complained_at.is_some(),
        spent_elsewhere_cents: customer.spent_elsewhere_cents,
        last_visit_at: customer.last_visit_at,
        since: None,
    }
}

async fn tags_of(tx: &mut Tx, store: StoreId, ids: &[i64]) -> sqlx::Result<HashMap<i64, BTreeSet<String>>> {
    let list = Value::from(ids).to_string();
    let sql = format!(
        "select customer_id, tag from customer_tags
          where store_id = $1 and customer_id in (select value from {} v)",
        dialect::json_ids(tx.backend(), "$2")
    );
    let rows: Vec<(i64, String)> = on_tx!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(&list)
        .fetch_all(&mut *conn)
        .await)?;
    let mut tags: HashMap<i64, BTreeSet<String>> = HashMap::new();
    for (id, tag) in rows {
        tags.entry(id).or_default().insert(tag);
    }
    Ok(tags)
}

/// The columns a person is written with, as in [`written`]; adding and changing each need some more.
const WRITTEN: [(&str, Column); 25] = [
    ("external_id", Column::Text),
    ("name", Column::Text),
    ("name_key", Column::Text),
    ("first_name", Column::Text),
    ("last_name", Column::Text),
    ("email", Column::Text),
    ("email_norm", Column::Text),
    ("email_valid", Column::Flag),
    ("phone", Column::Text),
    ("phone_typed", Column::Text),
    ("is_vip", Column::Flag),
    ("birthday_month", Column::Number),
    ("birthday_day", Column::Number),
    ("birthday_year", Column::Number),
    ("partner_name", Column::Text),
    ("partner_birthday_month", Column::Number),
    ("partner_birthday_day", Column::Number),
    ("anniversary_month", Column::Number),
    ("anniversary_day", Column::Number),
    ("anniversary_year", Column::Number),
    ("notes", Column::Text),
    ("email_consent", Column::Text),
    ("whatsapp_consent", Column::Text),
    ("spent_elsewhere_cents", Column::Number),
    ("last_visit_at", Column::Moment),
];

/// Every written column as `each` says it, with commas between.
fn listed(each: impl Fn(&str) -> String) -> String {
    WRITTEN.map(|(column, _)| each(column)).join(", ")
}

fn written(person: &Person) -> Value {
    let d = &person.details;
    json!({
        "external_id": person.external_id,
        "name": d.name,
        "name_key": d.name_key(),
        "first_name": d.first_name,
        "last_name": d.last_name,
        "email": d.email.as_ref().map(|e| &e.typed),
        "email_norm": d.email.as_ref().map(|e| &e.norm),
        "email_valid": d.email.as_ref().is_some_and(|e| e.valid),
        "phone": d.phone.as_ref().and_then(|p| p.e164.as_ref()),
        "phone_typed": d.phone.as_ref().map(|p| &p.typed),
        "is_vip": d.is_vip,
        "birthday_month": d.birthday.map(|b| b.month),
        "birthday_day": d.birthday.map(|b| b.day),
        "birthday_year": d.birthday.and_then(|b| b.year),
        "partner_name": d.partner_name,
        "partner_birthday_month": d.partner_birthday.map(|b| b.month),
        "partner_birthday_day": d.partner_birthday.map(|b| b.day),
        "anniversary_month": d.anniversary.map(|a| a.month),
        "anniversary_day": d.anniversary.map(|a| a.day),
        "anniversary_year": d.anniversary.and_then(|a| a.year),
        "notes": person.notes,
        "email_consent": person.email_consent.key(),
        "whatsapp_consent": person.whatsapp_consent.key(),
        "spent_elsewhere_cents": person.spent_elsewhere_cents,
        "last_visit_at": moment(person.last_visit_at),
    })
}

fn moment(at: Option<DateTime<Utc>>) -> Value {
    Value::from(at.map(dialect::moment_text))
}

/// Adds people, each with a token for their link, and answers the ids by token.
pub(super) async fn insert(
    tx: &mut Tx,
    store: StoreId,
    people: &[(&Person, String)],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<String, i64>> {
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Value> = people
        .iter()
        .enumerate()
        .map(|(n, (person, token))| {
            let mut row = written(person);
            row["n"] = Value::from(n);
            row["token"] = Value::from(token.as_str());
            row["since"] = moment(person.since);
            row
        })
        .collect();
    let mut columns = WRITTEN.to_vec();
    columns.extend([
        ("n", Column::Number),
        ("token", Column::Text),
        ("since", Column::Moment),
    ]);
    let sql = format!(
        "insert into customers (store_id, {}, spent_cents, unsubscribe_token, created_at, updated_at, email_suppression)
         select $1, {}, r.spent_elsewhere_cents, r.token, coalesce(r.since, $3), $3,
                coalesce((select s.marks from suppressions s
                           where s.store_id = $1 and s.channel = 'email' and s.address = r.email_norm), 0)
           from {} r order by r.n
         returning unsubscribe_token, id",
        listed(str::to_owned),
        listed(|column| format!("r.{column}")),
        dialect::json_rows(tx.backend(), "$2", &columns)
    );
    let rows = Value::from(rows).to_string();
    let ids: Vec<(String, i64)> = on_tx!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(&rows)
        .bind(now)
        .fetch_all(&mut *conn)
        .await)?;
    Ok(ids.into_iter().collect())
}

/// Writes people who changed; the first of each pair is how they were.
pub(super) async fn update(
    tx: &mut Tx,
    store: StoreId,
    people: &[(&Person, &Person)],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if people.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = people
        .iter()
        .map(|(before, after)| {
            let mut row = written(after);
            row["id"] = Value::from(after.id);
            row["unbounced"] = Value::from(before.bounced && !after.bounced);
            row
        })
        .collect();
    let mut columns = WRITTEN.to_vec();
    columns.extend([("id", Column::Number), ("unbounced", Column::Flag)]);
    let sql = format!(
        "update customers set {}, updated_at = $3,
                spent_cents = customers.spent_cents - customers.spent_elsewhere_cents + r.spent_elsewhere_cents,
                email_bounced_at = case when r.unbounced then null else customers.email_bounced_at end,
                email_bounce_reason = case when r.unbounced then null else customers.email_bounce_reason end
           from {} r
          where customers.store_id = $1 and customers.id = r.id",
        listed(|column| format!("{column} = r.{column}")),
        dialect::json_rows(tx.backend(), "$2", &columns)
    );
    let rows = Value::from(rows).to_string();
    on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(&rows)
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Adds tags to people.
pub(super) async fn add_tags(tx: &mut Tx, store: StoreId, tags: &[(i64, &str)]) -> sqlx::Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<i64> = tags.iter().map(|(id, _)| *id).collect();
    let held = hold_sets(tx, &ids.into_iter().collect::<Vec<_>>()).await?;
    let rows: Vec<Value> = tags.iter().map(|(id, tag)| json!({ "id": id, "tag": tag })).collect();
    let sql = format!(
        "insert into customer_tags (store_id, customer_id, tag) select $1, r.id, r.tag from {} r where true
         on conflict do nothing",
        dialect::json_rows(tx.backend(), "$2", &[("id", Column::Number), ("tag", Column::Text)])
    );
    let rows = Value::from(rows).to_string();
    on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(&rows)
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
    settle_sets(tx, held).await
}

/// Adds lines to the consent ledger: (customer, channel, state it led to, evidence).
pub(super) async fn add_to_ledger(
    tx: &mut Tx,
    store: StoreId,
    lines: &[(i64, &str, ConsentState, &str)],
    actor: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = lines
        .iter()
        .enumerate()
        .map(|(n, (id, channel, state, evidence))| {
            json!({ "n": n, "id": id, "channel": channel, "change": state.key(), "evidence": evidence })
        })
        .collect();
    let columns = [
        ("n", Column::Number),
        ("id", Column::Number),
        ("channel", Column::Text),
        ("change", Column::Text),
        ("evidence", Column::Text),
    ];
    let sql = format!(
        "insert into consent_events (store_id, customer_id, channel, change, source, evidence, actor, happened_at)
         select $1, r.id, r.channel, r.change, 'import', r.evidence, $3, $4 from {} r order by r.n",
        dialect::json_rows(tx.backend(), "$2", &columns)
    );
    let rows = Value::from(rows).to_string();
    on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(&rows)
        .bind(actor)
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}
