//! Campaigns over HTTP, as a browser without JavaScript writes, sends, copies and deletes them.

mod drafts;
pub mod form;
pub mod pages;
mod preflight;
mod schedules;
mod sending;
pub mod writing;

use loupe::{
    campaigns::queries::{self, Campaign},
    on_db,
};

use crate::support::{
    app::{Answer, TestApp},
    people,
};

/// A whole form, with the fields a browser sends.
pub fn form<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("name", "Mother's Day"),
        ("subject", "A quiet hour, {{first_name}}"),
        ("body", "Dear {{first_name}},\r\n\r\nCome and see.\r\n"),
        ("recipient_type", "tags"),
        ("tags[]", "wedding"),
        ("segment_id", ""),
        ("template_id", ""),
        ("fallback_first_name", "friend"),
        ("fallback_last_name", ""),
        ("fallback_next_anniversary", ""),
        ("date", ""),
        ("time", ""),
        ("shown_count", ""),
        ("send_token", "token-1"),
    ];
    for (name, value) in more {
        fields.retain(|(n, _)| n != name);
        fields.push((name, value));
    }
    fields
}

/// Presses a button of the builder.
pub async fn submit(app: &TestApp, cookie: &str, intent: &str, more: &[(&str, &str)]) -> Answer {
    let (path, field) = pressed("campaigns", intent);
    let mut fields = form(more);
    fields.push(field);
    app.post_form(&path, "/marketing/campaigns/new", &fields, cookie).await
}

/// Where a button of a form for writing leads, and what it adds to the form: `send_confirmed` is
/// the button of the question.
pub fn pressed<'a>(area: &str, button: &'a str) -> (String, (&'a str, &'a str)) {
    let (action, field) = match button {
        "send_now" => ("send", ("confirmed", "")),
        "send_confirmed" => ("send", ("confirmed", "true")),
        "schedule" => ("schedule", ("confirmed", "")),
        intent => ("save", ("intent", intent)),
    };
    (format!("/api/{area}/{action}"), field)
}

/// Presses the button that takes a campaign off its time.
async fn unschedule(app: &TestApp, cookie: &str, id: i64) -> Answer {
    let id = id.to_string();
    app.post_form(
        "/api/campaigns/unschedule",
        "/marketing/campaigns",
        &[("id", &id)],
        cookie,
    )
    .await
}

/// The id in `/marketing/campaigns/7/…`.
pub fn id_in(path: &str) -> i64 {
    path.split(['/', '?'])
        .find_map(|part| part.parse().ok())
        .unwrap_or_else(|| panic!("no id in {path}"))
}

pub async fn find(app: &TestApp, id: i64) -> Campaign {
    queries::find(app.db(), app.store.id, id).await.unwrap().unwrap()
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(sql).fetch_one(pool).await).unwrap()
}

async fn crowd(app: &TestApp, n: usize) {
    people::crowd(app.db(), app.store.id, n, &["wedding"], app.now()).await;
}
