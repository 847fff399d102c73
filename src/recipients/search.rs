//! Finding customers one by one, for the picker.

use std::collections::HashMap;

use super::{
    filter_queries::{AudienceSql, Picked, Scope, reason_of},
    model::Candidate,
};
use crate::{
    bound,
    db::{
        Db,
        binds::Binds,
        search::{literal, wanted},
    },
    on_db,
};

/// How many customers a search answers at most.
pub const AT_MOST: usize = 20;

/// Fewer digits than this are not taken for a part of a phone number.
const DIGITS: usize = 3;

/// Customers by the beginning of a name, of words of it, of an address, or by a part of the phone
/// number: best first, at most [`AT_MOST`].
pub async fn candidates(db: &Db, scope: &Scope, text: &str) -> sqlx::Result<Vec<Candidate>> {
    let text = wanted(text).to_lowercase();
    let mut found: Vec<i64> = Vec::new();
    for (condition, order, binds) in searches(scope, &text) {
        if found.len() >= AT_MOST {
            break;
        }
        let statement = format!("select c.id from customers c where {condition} order by {order} limit {AT_MOST}");
        let ids: Vec<i64> = on_db!(db, |pool| bound!(
            sqlx::query_scalar(sqlx::AssertSqlSafe(statement)),
            binds
        )
        .fetch_all(pool)
        .await)?;
        for id in ids {
            if !found.contains(&id) {
                found.push(id);
            }
        }
    }
    found.truncate(AT_MOST);
    described(db, scope, &found).await
}

/// The customers with these ids, in this order, as the picker shows them. Ids the store does not
/// have are left out.
pub async fn described(db: &Db, scope: &Scope, ids: &[i64]) -> sqlx::Result<Vec<Candidate>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = AudienceSql::of(db.backend(), scope, &Picked::Ids(ids.to_vec()));
    // Whether somebody shares an address matters among those who were picked, not among those
    // who were found.
    let statement = format!(
        "select c.id, c.name, c.email, cast({} as bigint) as reason from customers c where {}",
        sql.reason_alone, sql.matched
    );
    let rows: Vec<(i64, String, Option<String>, i64)> = on_db!(db, |pool| bound!(
        sqlx::query_as(sqlx::AssertSqlSafe(statement)),
        sql.binds
    )
    .fetch_all(pool)
    .await)?;
    let mut by_id: HashMap<i64, Candidate> = rows
        .into_iter()
        .map(|(id, name, email, reason)| {
            let hint = email.unwrap_or_else(|| "No email".to_owned());
            let skip = reason_of(reason);
            (id, Candidate { id, name, hint, skip })
        })
        .collect();
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

/// The searches to make, best first: condition, order, values.
fn searches(scope: &Scope, text: &str) -> Vec<(String, String, Binds)> {
    let words: Vec<&str> = text.split_whitespace().take(6).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut searches = Vec::new();
    let mut search = |make: &dyn Fn(&mut Binds) -> (String, &str)| {
        let mut binds = Binds::default();
        let store = binds.add(scope.store.0);
        let (condition, order) = make(&mut binds);
        searches.push((format!("c.store_id = {store} and {condition}"), order.to_owned(), binds));
    };
    search(&|binds| (like("c.name_key", binds, "", &words.join(" "), "%"), "c.name_key, c.id"));
    search(&|binds| {
        let each = words.iter().map(|word| {
            let whole = like("c.name_key", binds, "", word, "%");
            let inner = like("c.name_key", binds, "% ", word, "%");
            let joined = like("c.name_key", binds, "%-", word, "%");
            format!("({whole} or {inner} or {joined})")
        });
        (each.collect::<Vec<_>>().join(" and "), "c.name_key, c.id")
    });
    if let [word] = words[..] {
        search(&|binds| (like("c.email_norm", binds, "", word, "%"), "c.email_norm, c.id"));
        if word.starts_with('@') {
            search(&|binds| (like("c.email_norm", binds, "%", word, "%"), "c.email_norm, c.id"));
        }
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let phone_like = text.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c));
    // Kept as +61…, typed as 04…
    let digits = digits.trim_start_matches('0');
    if phone_like && digits.len() >= DIGITS {
        search(&|binds| (like("c.phone", binds, "%", digits, "%"), "c.phone, c.id"));
    }
    searches
}

/// `column like 'before text after'`, where the text means only itself. Both columns and texts are
/// folded, so that it is the same on both databases.
fn like(column: &str, binds: &mut Binds, before: &str, text: &str, after: &str) -> String {
    let pattern = format!("{before}{}{after}", literal(text));
    format!("{column} like {} escape '!'", binds.add(pattern))
}
