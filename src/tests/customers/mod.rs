//! The customer book.

mod keeping;
mod list;
mod pages;

use loupe::{
    customers::{
        model::CustomerForm,
        queries::{self, Customer},
        rules,
    },
    on_db,
};

use crate::support::app::TestApp;

fn amara() -> CustomerForm {
    CustomerForm {
        name: " Amara  Okafor ".into(),
        email: "Amara@Example.com".into(),
        phone: "0412 345 678".into(),
        tags: "Wedding, VIP, wedding".into(),
        birthday_day: "14".into(),
        birthday_month: "5".into(),
        anniversary_day: "29".into(),
        anniversary_month: "2".into(),
        anniversary_year: "2024".into(),
        ..CustomerForm::default()
    }
}

async fn add(app: &TestApp, form: &CustomerForm) -> Customer {
    let id = rules::add(app.db(), &app.store, "Priya Nair", form, None, app.now())
        .await
        .unwrap();
    find(app, id).await
}

async fn find(app: &TestApp, id: i64) -> Customer {
    queries::find(app.db(), app.store.id, id).await.unwrap().unwrap()
}

async fn audited(app: &TestApp, action: &str) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from audit_events where action = $1"
    )
    .bind(action)
    .fetch_one(pool)
    .await)
    .unwrap()
}
