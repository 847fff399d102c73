//! The runs of imports in the database, and what is told of single rows.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::report::{Counts, RowIssue, RowIssueKind};
use crate::{
    db::{
        Db, Tx,
        dialect::{self, Column},
    },
    ids::StoreId,
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
) -> sqlx::Result<Vec<(i64, RowIssue)>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: i64,
        #[sqlx(flatten)]
        told: RowIssue,
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
pub(super) async fn tell(tx: &mut Tx, import: i64, told: &[RowIssue]) -> sqlx::Result<()> {
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
    let rows = Value::from(rows).to_string();
    on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(import)
        .bind(&rows)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

impl RowIssue {
    pub(super) fn new(line: u64, kind: RowIssueKind, column: &str, reason: &str, cells: &[String]) -> Self {
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
