//! Every change leaves a line in the audit log: who, what, to what, in words. What can be posted
//! to is either in the table of changes below or, with a reason, in that of what changes nothing;
//! a new endpoint that is in neither fails.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;

use loupe::{
    audit,
    auth::{password, setup},
    context::{actor::Role, settings::Given},
    customers::queries,
    instance, on_db, on_tx,
};

use crate::{
    both,
    server::endpoints::posted_to,
    support::{
        app::{Answer, TestApp, borrowed, encoded, fields_of},
        people,
        things::Things,
    },
};

/// What is sent where, after what was brought about in the database, and the line it leaves.
struct Change {
    path: &'static str,
    before: &'static [&'static str],
    form: &'static str,
    action: &'static str,
}

const fn change(
    path: &'static str,
    before: &'static [&'static str],
    form: &'static str,
    action: &'static str,
) -> Change {
    Change {
        path,
        before,
        form,
        action,
    }
}

const A_DRAFT: &str =
    "update campaigns set status = 'draft', version = 1, filter = '{\"type\":\"all\"}' where id = {campaign}";
const HOLDING: &str = "update sends set state = 'holding', hold_until = '2026-06-01T00:00:00Z' where id = {send}";
const SENDING: &str = "update sends set state = 'sending', paused_at = null, paused_by = null where id = {send}";
const STALLED: &str = "update sends set state = 'sending', hold_until = '2026-04-01T00:00:00Z' where id = {send}";
const TAKEN_BACK: &str = "update sends set state = 'cancelled' where campaign_id = {campaign}";
const NOT_WAITING: &str = "update messages set state = 'cancelled', next_at = null, lease_until = null, settled_at = '2000-01-01T00:00:00+00:00' where customer_id = {reader}";
const UNKNOWN: &str = "update messages set state = 'unconfirmed', resolution = null, customer_id = {reader},
                               next_at = null, lease_until = null, settled_at = '2000-01-01T00:00:00+00:00'
                        where id = {message}";

/// In an order in which each can follow the one before.
#[rustfmt::skip]
const CHANGES: &[Change] = &[
    change("/api/auth/end-others", &[], "", "user.sessions_ended"),
    change("/api/campaigns/duplicate", &[], "id={campaign}", "campaign.duplicated"),
    change("/api/campaigns/save", &[A_DRAFT], "id={campaign}&version=1&name=Mine&subject=S&body=B&recipient_type=all&intent=draft", "campaign.edited"),
    change("/api/campaigns/schedule", &[A_DRAFT], "id={campaign}&version=1&name=Mine&subject=S&body=B&recipient_type=all&schedule_for_later=true&date=2027-05-02&time=09%3A00", "campaign.scheduled"),
    change("/api/campaigns/send", &[A_DRAFT], "id={campaign}&version=1&name=Mine&subject=S&body=B&recipient_type=all&send_token=t-send&confirmed=true", "campaign.send_started"),
    change("/api/campaigns/confirm", &[TAKEN_BACK, NOT_WAITING, A_DRAFT], "id={campaign}&version=1&send_token=t-confirm", "campaign.send_started"),
    change("/api/campaigns/send-rest", &[TAKEN_BACK, NOT_WAITING, A_DRAFT], "id={campaign}&version=1&send_token=t-rest&skip_already=true", "campaign.send_started"),
    change("/api/campaigns/unschedule", &["update campaigns set status = 'scheduled', scheduled_at = '2026-06-01T00:00:00Z', scheduled_local = '2026-06-01T00:00:00', scheduled_zone = 'UTC' where id = {campaign}"], "id={campaign}", "campaign.unscheduled"),
    change("/api/campaigns/schedule-again", &[A_DRAFT, "update campaigns set scheduled_local = '2026-06-01T09:00', scheduled_zone = 'UTC' where id = {campaign}"], "id={campaign}&version=1", "campaign.scheduled"),
    change("/api/campaigns/delete", &[A_DRAFT], "id={campaign}", "campaign.deleted"),
    change("/api/bulk-email/save", &[], "subject=S&body=Hello&recipient_type=all&intent=as_campaign", "campaign.created"),
    change("/api/bulk-email/send", &[], "subject=S&body=Hello&recipient_type=all&send_token=t-bulk&confirmed=true", "bulk.send_started"),
    change("/api/consent/change", &[], "id={customer}&channel=email&wish=withdraw&evidence=phone", "consent.withdrawn"),
    change("/api/customers/add", &[], "form[name]=Amara", "customer.added"),
    change("/api/customers/edit", &[], "id={customer}&read_at={now}&form[name]=Amara", "customer.edited"),
    change("/api/customers/add-purchase", &[], "id={customer}&description=Ring&amount=100&day=2026-04-01", "customer.purchase_added"),
    change("/api/customers/add-repair", &[], "id={customer}&description=Clasp&day=2026-04-01", "customer.repair_added"),
    change("/api/customers/finish-repair", &[], "id={customer}&repair={repair}", "customer.repair_finished"),
    change("/api/customers/allow-again", &["update customers set email_bounced_at = '2026-04-01T00:00:00Z' where id = {customer}"], "id={customer}", "customer.bounce_cleared"),
    change("/api/customers/notes", &[], "id={customer}&notes=Tall", "customer.notes"),
    change("/api/customers/archive", &[], "id={customer}&archived=true", "customer.archived"),
    change("/api/sends/go", &[HOLDING], "send_id={send}", "send.hurried"),
    change("/api/sends/undo", &[HOLDING], "send_id={send}", "send.undone"),
    change("/api/sends/pause", &[SENDING], "send_id={send}", "send.paused"),
    change("/api/sends/resume", &[], "send_id={send}", "send.resumed"),
    change("/api/sends/stop", &[SENDING], "send_id={send}", "send.reverted"),
    change("/api/sends/go-on", &[STALLED], "send_id={send}", "send.resumed"),
    change("/api/sends/end", &[STALLED], "send_id={send}", "send.finished"),
    change("/api/sends/treat-as-sent", &[UNKNOWN], "send_id={send}", "send.treated_as_sent"),
    change("/api/sends/again", &[UNKNOWN], "send_id={send}&send_token=t-again", "send.sent_again"),
    change("/api/settings/mail-provider", &[], "provider=mailgun&events_password=a-key-of-events-0", "store.mail_provider_changed"),
    change("/api/settings/mail-server", &[], "rate=14&domain_rate=5&connections=2", "store.mail_server_changed"),
    change("/api/settings/safety", &[], "undo_seconds=20&email_requires_opt_in=true", "store.safety_changed"),
    change("/api/settings/sending", &[], "from_name=A&from_email=a%40example.com&footer=F", "store.sending_changed"),
    change("/api/settings/store", &[], "name=A&time_zone=UTC&country=AU&currency=AUD", "store.settings_changed"),
    change("/api/settings/timing", &[], "late_grace_minutes=30&quiet_from=20%3A00&quiet_to=08%3A00", "store.timing_changed"),
    change("/api/team/add", &[], "name=N&email=new%40example.com&role=workshop&password=a+good+new+one", "user.added"),
    change("/api/team/role", &[], "id={user}&role=manager", "user.role_changed"),
    change("/api/team/password", &[], "id={user}&password=a+good+new+one", "user.password_reset"),
    change("/api/team/disable", &[], "id={user}", "user.disabled"),
    change("/api/team/enable", &[], "id={user}", "user.enabled"),
];

/// Changes that need more than a form; each has its own test below, or where it says.
const OF_THEIR_OWN: &[&str] = &[
    "/api/auth/password",
    "/api/auth/set-up",
    "/api/bulk-email/confirm",
    "/api/instance/confirm",
    "/customers/import/{token}",
    // In `events`: the line "Settled 1 unconfirmed customer of …".
    "/hooks/email/{token}",
    // In `correcting`: the line "Sent a correction of …".
    "/sends/{id}/correction",
    "/u/{token}",
];

/// What leaves no line, and why not.
const NO_CHANGE: &[(&str, &str)] = &[
    ("/api/appearance/theme", "a cookie in one browser"),
    ("/api/auth/sign-in", "coming and going changes nothing of the store"),
    ("/api/auth/sign-out", "coming and going changes nothing of the store"),
    ("/api/campaigns/preflight", "answers what a form would do"),
    ("/api/campaigns/template", "answers a template"),
    ("/api/campaigns/when", "answers what a time means"),
    ("/api/recipients/count", "answers a number"),
    ("/api/recipients/find", "answers names"),
    ("/api/recipients/skipped", "answers names"),
    ("/api/sends/progress", "answers how far a send is"),
    ("/customers/import", "keeps the file until it is imported or forgotten"),
];

#[test]
fn every_endpoint_changes_something_or_is_said_not_to() {
    let told: Vec<String> = CHANGES
        .iter()
        .map(|change| change.path)
        .chain(OF_THEIR_OWN.iter().copied())
        .chain(NO_CHANGE.iter().map(|(path, _)| *path))
        .map(str::to_owned)
        .collect();
    assert_eq!(told.iter().cloned().collect::<BTreeSet<_>>(), posted_to());
    assert_eq!(told.len(), posted_to().len(), "one is named twice");
}

async fn lines(app: &TestApp) -> Vec<audit::queries::Line> {
    audit::queries::page(app.db(), app.store.id, &audit::queries::Wanted::default(), 100, 0)
        .await
        .unwrap()
}

/// The newest line, which must be a new one, with all that a line says.
async fn told(app: &TestApp, seen: usize, actor: &str, action: &str, answer: &Answer) -> audit::queries::Line {
    let fine = answer.status.is_success() || answer.status.is_redirection();
    assert!(fine, "{action}: {} {}", answer.status, answer.text);
    let new: Vec<_> = {
        let mut lines = lines(app).await;
        lines.truncate(lines.len() - seen);
        lines
    };
    let line = new.into_iter().find(|line| line.action == action);
    let line = line.unwrap_or_else(|| panic!("no line {action}: {} {:?}", answer.location(), answer.text));
    assert_eq!(line.actor, actor, "{action}");
    assert!(!line.subject.is_empty() && line.subject_id.is_some(), "{line:?}");
    assert!(!line.summary.is_empty() && line.happened_at == app.now(), "{line:?}");
    line
}

async fn change_sql(app: &TestApp, sql: String) {
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .execute(&mut *conn)
        .await
        .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}

/// `both!` with a mail server, whose settings can be changed only where there is one.
macro_rules! both_with_a_mail_server {
    ($name:ident, $test:ident) => {
        mod $name {
            use super::*;

            async fn on(backend: loupe::db::Backend) {
                let given = Given {
                    smtp_url: Some("smtp://127.0.0.1:2525".to_owned()),
                    ..Given::default()
                };
                $test(TestApp::with(backend, given).await).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                on(loupe::db::Backend::Sqlite).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                on(loupe::db::Backend::Postgres).await;
            }
        }
    };
}

both_with_a_mail_server!(every_change_leaves_a_line_that_names_who_and_what, each_of_the_table);

async fn each_of_the_table(app: TestApp) {
    let mut things = Things::of(&app, app.store.id).await;
    let reader = people::one(
        app.db(),
        app.store.id,
        "Ida Reader",
        Some("ida@example.com"),
        &[],
        app.now(),
    )
    .await;
    things.add("reader", reader);
    things.add("now", app.now().timestamp_micros());
    let cookie = app.sign_in_as(Role::Owner).await;
    for change in CHANGES {
        for sql in change.before {
            change_sql(&app, things.fill(sql)).await;
        }
        let seen = lines(&app).await.len();
        let form = things.fill(change.form).replace('[', "%5B").replace(']', "%5D");
        let answer = app
            .post_form_text(change.path, "/settings", form.clone(), &cookie)
            .await;
        told(&app, seen, "owner Person", change.action, &answer).await;
    }
}

both!(a_changed_password_leaves_a_line, |app| {
    let key = &app.state.settings.secret_key;
    let hash = password::hash(key, "the present one".to_owned()).await.unwrap();
    change_sql(&app, format!("update users set password_hash = '{hash}'")).await;
    let cookie = app.sign_in_as(Role::Workshop).await;
    let form = [
        ("present_password", "the present one"),
        ("new_password", "a good new one"),
    ];
    let answer = app.post_form("/api/auth/password", "/account", &form, &cookie).await;
    told(&app, 0, "workshop Person", "user.password_changed", &answer).await;
});

both!(a_bulk_email_sent_after_the_question_leaves_a_line, |app| {
    people::one(
        app.db(),
        app.store.id,
        "Ida Reader",
        Some("ida@example.com"),
        &[],
        app.now(),
    )
    .await;
    let cookie = app.sign_in_as(Role::Manager).await;
    let post = async |path: &str, form: &str| {
        app.post_form_text(path, "/marketing/bulk-email", form.to_owned(), &cookie)
            .await
    };
    post(
        "/api/bulk-email/save",
        "subject=S&body=Hello&recipient_type=all&intent=draft",
    )
    .await;
    assert!(lines(&app).await.is_empty(), "a form half filled in is no change yet");
    let review = app.get("/marketing/bulk-email/review?token=t-1", &cookie).await;
    let fields = fields_of(&review.text, "/api/bulk-email/confirm");
    let answer = post("/api/bulk-email/confirm", &encoded(&borrowed(&fields))).await;
    told(&app, 0, "manager Person", "bulk.send_started", &answer).await;
});

both!(a_copy_that_is_confirmed_leaves_a_line, |app| {
    let mut tx = app.db().begin().await.unwrap();
    instance::mark_restored(&mut tx, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(instance::settle(&app.state).await.unwrap().is_some());
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = app.post_form("/api/instance/confirm", "/settings", &[], &cookie).await;
    told(&app, 0, "owner Person", "instance.confirmed", &answer).await;
});

both!(an_import_and_a_press_on_the_link_in_a_mail_leave_lines, |app| {
    let cookie = app.sign_in_as(Role::Manager).await;
    let file = "name,email\nAmara,amara@example.com\n";
    let path = app
        .upload("book.csv", file.as_bytes(), &cookie)
        .await
        .location()
        .to_owned();
    let form = [("field", "name"), ("field", "email"), ("intent", "import")];
    let answer = app.post_form(&path, &path, &form, &cookie).await;
    let began = std::time::Instant::now();
    while lines(&app).await.iter().all(|line| line.action != "customers.imported") {
        assert!(began.elapsed().as_secs() < 30, "{}", answer.text);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    told(&app, 0, "manager Person", "customers.imported", &answer).await;

    let amara = people::one(app.db(), app.store.id, "Ida", Some("ida@example.com"), &[], app.now()).await;
    let token = queries::find(app.db(), app.store.id, amara)
        .await
        .unwrap()
        .unwrap()
        .unsubscribe_token;
    let (seen, link) = (lines(&app).await.len(), format!("/u/{token}"));
    let answer = app.post_form(&link, &link, &[], "").await;
    let line = told(&app, seen, "The customer", "consent.withdrawn", &answer).await;
    assert_eq!(line.subject_id, Some(amara));
});

both!(a_store_that_is_set_up_leaves_a_line_of_its_own, |app| {
    let app = app.emptied().await;
    let token = setup::ensure_token(app.db(), app.now()).await.unwrap().unwrap();
    let form = [
        ("shop[token]", token.as_str()),
        ("shop[name]", "Zenith"),
        ("shop[time_zone]", "Europe/London"),
        ("shop[country]", "GB"),
        ("shop[currency]", "GBP"),
        ("shop[from_name]", "Zenith"),
        ("shop[from_email]", "hello@zenith.example.com"),
        ("shop[footer]", "1 High Street, London"),
        ("shop[owner_name]", "Amara Okafor"),
        ("shop[email]", "amara@zenith.example.com"),
        ("shop[password]", "a good new one"),
    ];
    let answer = app.post_form("/api/auth/set-up", "/setup", &form, "").await;
    assert!(answer.location().starts_with("/marketing"), "{}", answer.text);
    let actor: String = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select actor from audit_events where action = 'store.opened' and subject_id = store_id"
    )
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(actor, "Amara Okafor");
});
