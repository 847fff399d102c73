//! The list of customers: search, filters, pages.

use chrono::{DateTime, Utc};

use super::names::name_key;
use crate::{
    db::{
        Db,
        search::{literal, wanted},
    },
    ids::StoreId,
    on_db,
};

/// How many customers a page of the list shows.
pub const PAGE: i64 = 50;

/// Who of them can be written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contactable {
    #[default]
    Anyone,
    /// Marketing email may go to them.
    ByEmail,
    /// It may not, for whichever reason.
    NotByEmail,
}

/// What the list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// Part of a name, an address or a phone number; empty for everyone.
    pub text: String,
    /// Carries this tag; empty for any.
    pub tag: String,
    pub contactable: Contactable,
    /// Archived customers only, instead of the others.
    pub archived: bool,
    /// The store's own rule for email without an agreement.
    pub requires_opt_in: bool,
}

/// One line of the list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ListRow {
    pub id: i64,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub phone_typed: Option<String>,
    pub is_vip: bool,
    pub email_standing: i64,
    pub last_contacted_at: Option<DateTime<Utc>>,
    pub birthday_month: Option<i64>,
    pub birthday_day: Option<i64>,
    pub anniversary_month: Option<i64>,
    pub anniversary_day: Option<i64>,
}

/// $1 store, $2 text, $3 digits of the text, $4 tag.
fn condition(filter: &ListFilter) -> String {
    let mut sql = "c.store_id = $1".to_owned();
    sql.push_str(if filter.archived {
        " and c.archived_at is not null"
    } else {
        " and c.archived_at is null"
    });
    // The columns are folded, so that comparing means the same on both databases.
    sql.push_str(
        " and ($2 = '' or c.name_key like $2 escape '!' or c.email_norm like $2 escape '!'
               or ($3 <> '' and (c.phone like $3 or c.phone_typed like $3)))
          and ($4 = '' or c.id in (select t.customer_id from customer_tags t where t.store_id = $1 and t.tag = $4))",
    );
    let sendable = if filter.requires_opt_in {
        "c.email_standing = 0"
    } else {
        "c.email_standing in (0, 8)"
    };
    match filter.contactable {
        Contactable::Anyone => {}
        Contactable::ByEmail => sql.push_str(&format!(" and {sendable}")),
        Contactable::NotByEmail => sql.push_str(&format!(" and not ({sendable})")),
    }
    sql
}

/// Text and digits as patterns that match any part of a value.
fn patterns(text: &str) -> (String, String) {
    let folded = name_key(wanted(text));
    let like = literal(&folded);
    let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
    // "0412…" is kept as "+61412…".
    let digits = digits.trim_start_matches('0');
    let around = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("%{text}%")
        }
    };
    let phone = if digits.len() >= 3 && !folded.contains('@') {
        around(digits)
    } else {
        String::new()
    };
    (around(&like), phone)
}

/// How many customers the filter leaves.
pub async fn count(db: &Db, store: StoreId, filter: &ListFilter) -> sqlx::Result<i64> {
    let sql = format!("select count(*) from customers c where {}", condition(filter));
    let (text, digits) = patterns(&filter.text);
    on_db!(db, |pool| sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(&text)
        .bind(&digits)
        .bind(&filter.tag)
        .fetch_one(pool)
        .await)
}

/// One page of them by name; the first page is 1.
pub async fn page(db: &Db, store: StoreId, filter: &ListFilter, number: i64) -> sqlx::Result<Vec<ListRow>> {
    let sql = format!(
        "select c.id, c.name, c.email, c.phone, c.phone_typed, c.is_vip, c.email_standing, c.last_contacted_at,
                c.birthday_month, c.birthday_day, c.anniversary_month, c.anniversary_day
           from customers c where {} order by c.name_key, c.id limit $5 offset $6",
        condition(filter)
    );
    let (text, digits) = patterns(&filter.text);
    on_db!(db, |pool| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(&text)
        .bind(&digits)
        .bind(&filter.tag)
        .bind(PAGE)
        .bind((number.max(1) - 1) * PAGE)
        .fetch_all(pool)
        .await)
}

/// The tags of these customers, as (customer, tag).
pub async fn tags_of_page(db: &Db, store: StoreId, customers: &[i64]) -> sqlx::Result<Vec<(i64, String)>> {
    let ids = serde_json::Value::from(customers).to_string();
    let rows = crate::db::dialect::json_ids(db.backend(), "$2");
    let sql = format!(
        "select customer_id, tag from customer_tags
          where store_id = $1 and customer_id in (select value from {rows} v) order by customer_id, tag"
    );
    on_db!(db, |pool| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(&ids)
        .fetch_all(pool)
        .await)
}

#[cfg(test)]
mod tests {
    use super::patterns;

    #[test]
    fn wildcards_in_a_search_are_just_letters() {
        assert_eq!(patterns("50%_O!"), ("%50!%!_o!!%".into(), String::new()));
        assert_eq!(patterns("0412 345"), ("%0412 345%".into(), "%412345%".into()));
        assert_eq!(patterns("a1234@x"), ("%a1234@x%".into(), String::new()));
        assert_eq!(patterns(" "), (String::new(), String::new()));
    }
}
