//! Imports in the database: their own rows, and the few statements a batch is made of. Whole
//! batches are bound as one JSON text, so that a batch costs the same few round trips however
//! many rows it has.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{
    book::Person,
    report::{Counts, Told, ToldKind},
};
use crate::{
    auth::model::StoreId,
    consent::model::ConsentState,
    customers::{
        details::{Details, Email},
        model::YearlyDate,
        phone::Phone,
    },
    db::{
        Db, Tx,
        dialect::{self, Column},
    },
    on_db, on_tx,
};

/// A run as the book remembers it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ImportRow {
    pub id: i64,
    pub file_name: String,
    /// JSON of the [`super::Mapping`].
    pub mapping: String,
    pub started_by: String,
    pub started_at: DateTime<Utc>,
    /// When the last batch was done.
    pub progress_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it ended early, in words.
    pub problem: Option<String>,
    #[sqlx(flatten)]
    pub counts: Counts,
}

/// Notes that a run begins, and answers its id.
pub(super) async fn begin(
    tx: &mut Tx,
    store: StoreId,
    file_name: &str,
    sha256: &str,
    mapping: &str,
    actor: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "insert into imports (store_id, file_name, file_sha256, mapping, started_by, started_at, progress_at)
         values ($1, $2, $3, $4, $5, $6, $6) returning id"
    )
    .bind(store)
    .bind(file_name)
    .bind(sha256)
    .bind(mapping)
    .bind(actor)
    .bind(now)
    .fetch_one(&mut *conn)
    .await)
}

/// Notes how far a run is.
pub(super) async fn progress(tx: &mut Tx, id: i64, counts: &Counts, now: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "update imports set rows_read = $2, added = $3, updated = $4, unchanged = $5, refused = $6, kept_back = $7,
                noted = $8, progress_at = $9
          where id = $1"
    )
    .bind(id)
    .bind(counts.rows_read)
    .bind(counts.added)
    .bind(counts.updated)
    .bind(counts.unchanged)
    .bind(counts.refused)
    .bind(counts.kept_back)
    .bind(counts.noted)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Notes that a run is over, with what ended it early if something did.
pub(super) async fn finish(tx: &mut Tx, id: i64, problem: Option<&str>, now: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "update imports set finished_at = $2, problem = $3 where id = $1 and finished_at is null"
    )
    .bind(id)
    .bind(now)
    .bind(problem)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// A run of the store.
pub async fn find(db: &Db, store: StoreId, id: i64) -> sqlx::Result<Option<ImportRow>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, file_name, mapping, started_by, started_at, progress_at, finished_at, problem, rows_read, added,
                updated, unchanged, refused, kept_back, noted
           from imports where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .fetch_optional(pool)
    .await)
}

/// The latest runs of the store, latest first.
pub async fn latest(db: &Db, store: StoreId) -> sqlx::Result<Vec<ImportRow>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, file_name, mapping, started_by, started_at, progress_at, finished_at, problem, rows_read, added,
                updated, unchanged, refused, kept_back, noted
           from imports where store_id = $1 order by id desc limit 10"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

/// Rows to look at: those after `after` (an id of this table, 0 for the start) with their ids,
/// at most `limit`. Either those kept back, or the others.
pub async fn told(
    db: &Db,
    store: StoreId,
    import: i64,
    kept_back: bool,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<(i64, Told)>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: i64,
        #[sqlx(flatten)]
        told: Told,
    }
    let rows: Vec<Row> = on_db!(db, |pool| sqlx::query_as(
        "select e.id, e.line, e.kind, e.field, e.reason, e.record
           from import_errors e join imports i on i.id = e.import_id
          where i.store_id = $1 and e.import_id = $2 and e.id > $3 and (e.kind = 'kept_back') = $4
          order by e.id limit $5"
    )
    .bind(store)
    .bind(import)
    .bind(after)
    .bind(kept_back)
    .bind(limit)
    .fetch_all(pool)
    .await)?;
    Ok(rows.into_iter().map(|r| (r.id, r.told)).collect())
}

/// Adds rows to look at.
pub(super) async fn tell(tx: &mut Tx, import: i64, told: &[Told]) -> sqlx::Result<()> {
    if told.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = told
        .iter()
        .enumerate()
        .map(|(n, t)| {
            json!({
                "n": n, "line": t.line, "kind": t.kind.key(), "field": t.column, "reason": t.reason, "record": t.record,
            })
        })
        .collect();
    let source = dialect::json_rows(
        tx.backend(),
        "$2",
        &[
            ("n", Column::Number),
            ("line", Column::Number),
            ("kind", Column::Text),
            ("field", Column::Text),
            ("reason", Column::Text),
            ("record", Column::Text),
        ],
    );
    let sql = format!(
        "insert into import_errors (import_id, line, kind, field, reason, record)
         select $1, r.line, r.kind, r.field, r.reason, r.record from {source} r order by r.n"
    );
    execute(tx, sql, import, &rows).await
}

async fn execute(tx: &mut Tx, sql: String, first: i64, rows: &[Value]) -> sqlx::Result<()> {
    let rows = Value::from(rows).to_string();
    on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(first)
        .bind(&rows)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

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

#[derive(sqlx::FromRow)]
struct KnownRow {
    id: i64,
    external_id: Option<String>,
    name: String,
    first_name: String,
    last_name: String,
    email: Option<String>,
    email_norm: Option<String>,
    email_valid: bool,
    phone: Option<String>,
    phone_typed: Option<String>,
    is_vip: bool,
    birthday_month: Option<i64>,
    birthday_day: Option<i64>,
    birthday_year: Option<i64>,
    partner_name: String,
    partner_birthday_month: Option<i64>,
    partner_birthday_day: Option<i64>,
    anniversary_month: Option<i64>,
    anniversary_day: Option<i64>,
    anniversary_year: Option<i64>,
    do_not_contact: bool,
    notes: String,
    email_consent: ConsentState,
    whatsapp_consent: ConsentState,
    bounced: bool,
    complained: bool,
    spent_elsewhere_cents: i64,
    last_visit_at: Option<DateTime<Utc>>,
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
        "select c.id, c.external_id, c.name, c.first_name, c.last_name, c.email, c.email_norm, c.email_valid, c.phone,
                c.phone_typed, c.is_vip, c.birthday_month, c.birthday_day, c.birthday_year, c.partner_name,
                c.partner_birthday_month, c.partner_birthday_day, c.anniversary_month, c.anniversary_day,
                c.anniversary_year, c.do_not_contact, c.notes, c.email_consent, c.whatsapp_consent,
                c.email_bounced_at is not null as bounced, c.email_complained_at is not null as complained,
                c.spent_elsewhere_cents, c.last_visit_at
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
    let rows: Vec<KnownRow> = on_tx!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
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

fn person(row: KnownRow, tags: BTreeSet<String>) -> Person {
    Person {
        id: Some(row.id),
        external_id: row.external_id,
        details: Details {
            name: row.name,
            first_name: row.first_name,
            last_name: row.last_name,
            email: row.email.map(|typed| Email {
                typed,
                norm: row.email_norm.unwrap_or_default(),
                valid: row.email_valid,
            }),
            phone: row.phone_typed.map(|typed| Phone { typed, e164: row.phone }),
            is_vip: row.is_vip,
            birthday: YearlyDate::from_columns(row.birthday_month, row.birthday_day, row.birthday_year),
            partner_name: row.partner_name,
            partner_birthday: YearlyDate::from_columns(row.partner_birthday_month, row.partner_birthday_day, None),
            anniversary: YearlyDate::from_columns(row.anniversary_month, row.anniversary_day, row.anniversary_year),
            do_not_contact: row.do_not_contact,
        },
        notes: row.notes,
        tags,
        email_consent: row.email_consent,
        whatsapp_consent: row.whatsapp_consent,
        bounced: row.bounced,
        complained: row.complained,
        spent_elsewhere_cents: row.spent_elsewhere_cents,
        last_visit_at: row.last_visit_at,
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

/// The columns a person is written with, beside `n` (the order) and what adding and changing
/// each need.
const WRITTEN: [(&str, Column); 27] = [
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
    ("since", Column::Moment),
    ("n", Column::Number),
];

fn written(person: &Person, n: usize) -> Value {
    let d = &person.details;
    let time = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, false));
    json!({
        "n": n,
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
        "last_visit_at": time(person.last_visit_at),
        "since": time(person.since),
    })
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
            let mut row = written(person, n);
            row["token"] = Value::from(token.as_str());
            row
        })
        .collect();
    let mut columns = WRITTEN.to_vec();
    columns.push(("token", Column::Text));
    let sql = format!(
        "insert into customers (store_id, external_id, name, name_key, first_name, last_name, email, email_norm,
                email_valid, phone, phone_typed, is_vip, birthday_month, birthday_day, birthday_year, partner_name,
                partner_birthday_month, partner_birthday_day, anniversary_month, anniversary_day, anniversary_year,
                notes, email_consent, whatsapp_consent, spent_cents, spent_elsewhere_cents, last_visit_at,
                unsubscribe_token, created_at, updated_at)
         select $1, r.external_id, r.name, r.name_key, r.first_name, r.last_name, r.email, r.email_norm,
                r.email_valid, r.phone, r.phone_typed, r.is_vip, r.birthday_month, r.birthday_day, r.birthday_year,
                r.partner_name, r.partner_birthday_month, r.partner_birthday_day, r.anniversary_month,
                r.anniversary_day, r.anniversary_year, r.notes, r.email_consent, r.whatsapp_consent,
                r.spent_elsewhere_cents, r.spent_elsewhere_cents, r.last_visit_at, r.token, coalesce(r.since, $3), $3
           from {} r order by r.n
         returning unsubscribe_token, id",
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
        .enumerate()
        .map(|(n, (before, after))| {
            let mut row = written(after, n);
            row["id"] = Value::from(after.id);
            row["unbounced"] = Value::from(before.bounced && !after.bounced);
            row
        })
        .collect();
    let mut columns = WRITTEN.to_vec();
    columns.extend([("id", Column::Number), ("unbounced", Column::Flag)]);
    let sql = format!(
        "update customers set external_id = r.external_id, name = r.name, name_key = r.name_key,
                first_name = r.first_name, last_name = r.last_name, email = r.email, email_norm = r.email_norm,
                email_valid = r.email_valid, phone = r.phone, phone_typed = r.phone_typed, is_vip = r.is_vip,
                birthday_month = r.birthday_month, birthday_day = r.birthday_day, birthday_year = r.birthday_year,
                partner_name = r.partner_name, partner_birthday_month = r.partner_birthday_month,
                partner_birthday_day = r.partner_birthday_day, anniversary_month = r.anniversary_month,
                anniversary_day = r.anniversary_day, anniversary_year = r.anniversary_year, notes = r.notes,
                email_consent = r.email_consent, whatsapp_consent = r.whatsapp_consent,
                spent_cents = customers.spent_cents - customers.spent_elsewhere_cents + r.spent_elsewhere_cents,
                spent_elsewhere_cents = r.spent_elsewhere_cents, last_visit_at = r.last_visit_at,
                email_bounced_at = case when r.unbounced then null else customers.email_bounced_at end,
                email_bounce_reason = case when r.unbounced then null else customers.email_bounce_reason end,
                updated_at = $3
           from {} r
          where customers.store_id = $1 and customers.id = r.id",
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
    let rows: Vec<Value> = tags.iter().map(|(id, tag)| json!({ "id": id, "tag": tag })).collect();
    let sql = format!(
        "insert into customer_tags (store_id, customer_id, tag) select $1, r.id, r.tag from {} r where true
         on conflict do nothing",
        dialect::json_rows(tx.backend(), "$2", &[("id", Column::Number), ("tag", Column::Text)])
    );
    execute(tx, sql, store.0, &rows).await
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

impl Told {
    pub(super) fn new(line: u64, kind: ToldKind, column: &str, reason: &str, cells: &[String]) -> Self {
        // PostgreSQL keeps no zero characters, not even as an escape in JSON.
        let cells: Vec<String> = cells.iter().map(|c| c.replace('\0', "\u{FFFD}")).collect();
        Self {
            line: i64::try_from(line).unwrap_or(i64::MAX),
            kind,
            column: column.replace('\0', "\u{FFFD}"),
            reason: reason.to_owned(),
            record: Value::from(cells).to_string(),
        }
    }
}
