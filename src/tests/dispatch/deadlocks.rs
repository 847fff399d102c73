//! Two transactions that wait for each other: PostgreSQL ends one of them, and nobody has to press
//! again. SQLite has one writer.

use std::time::Duration;

use axum::http::StatusCode;
use loupe::{
    context::actor::Role,
    db::{Backend, Db},
    recipients::model::RecipientFilter,
};

use crate::support::{
    app::TestApp,
    people,
    sending::{begun, draft, midway, press, tally},
};

const TOUCH: &str = "update messages set lease_owner = null
                      where id = (select id from messages where send_id = $1 order by id limit 1 offset $2)";

#[tokio::test(flavor = "multi_thread")]
async fn stopping_a_send_while_outcomes_are_written_the_other_way_round_works_at_once() {
    let app = TestApp::new(Backend::Postgres).await;
    let Db::Postgres(pool) = app.db() else {
        panic!("PostgreSQL")
    };
    people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    midway(app.db(), send, 0).await;
    let cookie = app.sign_in_as(Role::Owner).await;

    // Somebody has the last of them, and will want the first.
    let mut writer = pool.begin().await.unwrap();
    let touch = async |tx: &mut sqlx::PgTransaction<'static>, nth: i64| {
        sqlx::query(TOUCH).bind(send).bind(nth).execute(&mut **tx).await
    };
    touch(&mut writer, 4).await.unwrap();
    let id = send.to_string();
    let form = [("send_id", id.as_str())];
    let (stopped, wrote) = tokio::join!(
        app.post_form("/api/sends/stop", "/marketing/campaigns", &form, &cookie),
        async {
            while !somebody_waits(pool).await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let wrote = touch(&mut writer, 0).await;
            if wrote.is_ok() {
                writer.commit().await.unwrap();
            }
            wrote
        }
    );
    assert_eq!(stopped.status, StatusCode::SEE_OTHER, "{}", stopped.text);
    assert!(!stopped.location().contains("error"), "{}", stopped.location());
    // Whoever waited first is ended first, and that was the person.
    assert!(wrote.is_ok(), "{wrote:?}");
    assert_eq!(tally(app.db(), &app.store, send).await.cancelled, 5);
}

async fn somebody_waits(pool: &sqlx::PgPool) -> bool {
    sqlx::query_scalar("select exists (select 1 from pg_locks where not granted and pid in (select pid from pg_stat_activity where datname = current_database()))")
        .fetch_one(pool)
        .await
        .unwrap()
}
