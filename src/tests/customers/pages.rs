//! The pages of the book, as a browser without JavaScript sees them.

use axum::http::StatusCode;
use loupe::{
    context::actor::Role,
    customers::{agreement::Agreement, model::CustomerForm, rules},
};

use super::{add, amara, find};
use crate::both;

both!(a_name_that_is_markup_is_shown_as_text_everywhere, |app| {
    let evil = "</textarea></title><script>alert(1)</script>";
    let form = CustomerForm {
        name: evil.into(),
        email: "\"><script>alert(2)</script>".into(),
        phone: "<script>alert(3)</script>".into(),
        tags: "<script>alert(4)</script>".into(),
        partner_name: evil.into(),
        ..CustomerForm::default()
    };
    let agreed = Agreement { how: evil, since: "" };
    let id = rules::add(app.db(), &app.store, evil, &form, Some(agreed), app.now())
        .await
        .unwrap();
    rules::write_notes(app.db(), app.store.id, evil, id, evil, app.now())
        .await
        .unwrap();
    rules::add_purchase(app.db(), &app.store, evil, id, evil, "5", "2026-04-01", app.now())
        .await
        .unwrap();
    rules::add_repair(app.db(), &app.store, evil, id, evil, "2026-04-01", app.now())
        .await
        .unwrap();
    let token = find(&app, id).await.unsubscribe_token;
    for role in [Role::Owner, Role::Accountant] {
        let cookie = app.sign_in_as(role).await;
        let mut paths = vec![
            "/customers".to_owned(),
            "/customers?q=%3Cscript%3E&tag=%3Cscript%3E".to_owned(),
            format!("/customers/{id}"),
            format!("/customers/{id}/communications"),
            format!("/u/{token}"),
        ];
        if role == Role::Owner {
            paths.push(format!("/customers/{id}/edit"));
        }
        for path in paths {
            let page = app.get(&path, &cookie).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(!page.text.contains("<script>"), "{path}: {}", page.text);
            if !path.contains('?') && !path.starts_with("/u/") {
                assert!(page.text.contains("&lt;script&gt;"), "{path}");
            }
        }
    }
});

both!(a_customer_is_added_edited_and_shown_without_javascript, |app| {
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let wrong = [
        ("form[name]", " "),
        ("form[email]", "amara@example.com"),
        ("form[birthday_day]", "31"),
        ("form[birthday_month]", "2"),
    ];
    let answer = app
        .post_form("/api/customers/add", "/customers/new", &wrong, &cookie)
        .await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/customers/new"),
        "{}",
        answer.text
    );
    let flash = answer.cookie();
    let page = app.get("/customers/new", &format!("{cookie}; {flash}")).await;
    for words in [
        "There is a problem",
        "Enter the customer",
        "exist for the birthday",
        "value=\"amara@example.com\"",
        "<title>Error: Add customer",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }

    let right = [
        ("form[name]", "Amara Okafor"),
        ("form[email]", "amara@example.com"),
        ("form[phone]", "ask Ben"),
        ("form[tags]", "Wedding"),
        ("form[is_vip]", "true"),
        ("agreed", "true"),
        ("agreed_how", "in store"),
    ];
    let answer = app
        .post_form("/api/customers/add", "/customers/new", &right, &cookie)
        .await;
    let path = answer.location().trim_end_matches("?ok=added").to_owned();
    let page = app.get(answer.location(), &cookie).await;
    for words in [
        "Customer added.",
        "couldn&#x27;t be read as a phone number",
        "in store",
        "Agreed to marketing messages",
        "salesperson Person",
    ] {
        let plain = words.replace("&#x27;", "'");
        assert!(
            page.text.contains(words) || page.text.contains(&plain),
            "{words}: {}",
            page.text
        );
    }
    let id: i64 = path.rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(find(&app, id).await.email_standing, 0);

    let edit = app.get(&format!("{path}/edit"), &cookie).await;
    assert!(edit.text.contains("value=\"ask Ben\""), "{}", edit.text);
    let read_at = find(&app, id).await.updated_at.timestamp_micros().to_string();
    let id_text = id.to_string();
    let fields = [
        ("id", id_text.as_str()),
        ("read_at", read_at.as_str()),
        ("form[name]", "Amara Li"),
    ];
    let saved = app
        .post_form("/api/customers/edit", &format!("{path}/edit"), &fields, &cookie)
        .await;
    assert_eq!(saved.location(), format!("{path}?ok=saved"), "{}", saved.text);
    let late = app
        .post_form("/api/customers/edit", &format!("{path}/edit"), &fields, &cookie)
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let c = find(&app, id).await;
    assert_eq!((c.name.as_str(), c.email, c.is_vip), ("Amara Li", None, false));

    for (what, fields) in [
        (
            "customers/add-purchase",
            vec![("description", "Ring"), ("amount", "1,250"), ("day", "2026-04-01")],
        ),
        (
            "customers/add-repair",
            vec![("description", "Clasp"), ("day", "2026-04-01")],
        ),
        ("customers/notes", vec![("notes", "Size 6")]),
        (
            "consent/change",
            vec![("channel", "whatsapp"), ("wish", "grant"), ("evidence", "by phone")],
        ),
        ("customers/archive", vec![("archived", "true")]),
    ] {
        let mut fields = fields;
        fields.push(("id", &id_text));
        let answer = app.post_form(&format!("/api/{what}"), &path, &fields, &cookie).await;
        assert!(
            answer.location().starts_with(&format!("{path}?ok=")),
            "{what}: {}",
            answer.text
        );
    }
    let page = app.get(&path, &cookie).await;
    for words in [
        "1,250.00 AUD",
        "Clasp",
        "Size 6",
        "by phone",
        "Restore",
        "Communications",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let missing = [
        ("description", "Pin"),
        ("amount", "much"),
        ("day", "2026-04-01"),
        ("id", id_text.as_str()),
    ];
    let answer = app
        .post_form("/api/customers/add-purchase", &path, &missing, &cookie)
        .await;
    let flash = answer.cookie();
    let page = app.get(&path, &format!("{cookie}; {flash}")).await;
    assert_eq!(
        page.text.matches("value=\"Pin\"").count(),
        1,
        "only the purchase form is filled: {}",
        page.text
    );
});

both!(who_may_not_write_sees_and_cannot, |app| {
    let c = add(&app, &amara()).await;
    let id = c.id.to_string();
    for role in [Role::Workshop, Role::Accountant] {
        let cookie = app.sign_in_as(role).await;
        let page = app.get(&format!("/customers/{id}"), &cookie).await;
        assert!(page.text.contains("Amara@example.com"));
        for words in ["/edit", "Archive", "Add a purchase", "Record", "Save notes"] {
            assert!(!page.text.contains(words), "{words}");
        }
        for path in [
            "/customers/new".to_owned(),
            format!("/customers/{id}/edit"),
            "/customers/import".to_owned(),
        ] {
            assert_eq!(app.get(&path, &cookie).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        let answer = app
            .post_form(
                "/api/customers/archive",
                "/customers",
                &[("id", &id), ("archived", "true")],
                &cookie,
            )
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(find(&app, c.id).await.archived_at, None);
});
