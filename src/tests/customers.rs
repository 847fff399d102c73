//! The customer book: the rules on both databases, and the pages.

use axum::http::StatusCode;
use chrono::Duration;
use loupe::{
    auth::model::Role,
    customers::{
        details::Details,
        model::CustomerForm,
        rules,
        store::{self, Contactable, Customer, ListFilter},
    },
    error::AppError,
    on_db,
};

use crate::{both, support::app::TestApp};

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
    store::find(app.db(), app.store.id, id).await.unwrap().unwrap()
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

both!(what_is_typed_is_cleaned_and_kept, |app| {
    let c = add(&app, &amara()).await;
    assert_eq!(
        (c.name.as_str(), c.first_name.as_str(), c.last_name.as_str()),
        ("Amara Okafor", "Amara", "Okafor")
    );
    assert_eq!(c.email_norm.as_deref(), Some("amara@example.com"));
    assert!(c.email_valid);
    assert_eq!(c.phone.as_deref(), Some("+61412345678"));
    assert_eq!(c.phone_typed.as_deref(), Some("0412 345 678"));
    assert_eq!(c.birthday().unwrap().words(), "14 May");
    assert_eq!(c.anniversary().unwrap().words(), "29 February 2024");
    assert_eq!(
        store::tags_of(app.db(), app.store.id, c.id).await.unwrap(),
        ["vip", "wedding"]
    );
    assert!(c.unsubscribe_token.len() >= 22);
    assert_eq!(audited(&app, "customer.added").await, 1);
    // Nothing was agreed: the standing says "never agreed".
    assert_eq!(c.email_standing, 8);
});

both!(a_phone_or_an_address_that_cant_be_read_is_kept_as_typed, |app| {
    let form = CustomerForm {
        email: "amara@".into(),
        phone: "ask Ben".into(),
        ..amara()
    };
    let c = add(&app, &form).await;
    assert_eq!((c.phone.as_deref(), c.phone_typed.as_deref()), (None, Some("ask Ben")));
    assert_eq!(
        (c.email.as_deref(), c.email_valid, c.email_standing),
        (Some("amara@"), false, 5)
    );
});

both!(two_people_who_edit_the_same_customer_dont_overwrite_each_other, |app| {
    let c = add(&app, &amara()).await;
    let read_at = c.updated_at.timestamp_micros();
    let first = CustomerForm {
        name: "Amara Okafor-Li".into(),
        ..amara()
    };
    // The clock stands still between the two: the second is told all the same.
    rules::edit(app.db(), &app.store, "Priya Nair", c.id, read_at, &first, app.now())
        .await
        .unwrap();
    let second = rules::edit(app.db(), &app.store, "Ben Li", c.id, read_at, &amara(), app.now()).await;
    assert_eq!(second, Err(AppError::Conflict));
    assert_eq!(find(&app, c.id).await.name, "Amara Okafor-Li");
    assert_eq!(audited(&app, "customer.edited").await, 1);
});

both!(another_address_has_not_bounced, |app| {
    let c = add(&app, &amara()).await;
    let mut tx = app.db().begin().await.unwrap();
    store::note_bounce(&mut tx, app.store.id, c.id, "mailbox does not exist", app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let edit = |form: CustomerForm| {
        let app = &app;
        async move {
            let read_at = find(app, c.id).await.updated_at.timestamp_micros();
            rules::edit(app.db(), &app.store, "Priya Nair", c.id, read_at, &form, app.now())
                .await
                .unwrap();
            find(app, c.id).await
        }
    };
    let same = edit(CustomerForm {
        is_vip: true,
        ..amara()
    })
    .await;
    assert!(same.email_bounced_at.is_some() && same.is_vip);
    let other = edit(CustomerForm {
        email: "amara.okafor@example.com".into(),
        ..amara()
    })
    .await;
    assert_eq!((other.email_bounced_at, other.email_bounce_reason), (None, None));
});

both!(purchases_and_repairs_are_summed_up_in_the_same_moment, |app| {
    let c = add(&app, &amara()).await;
    for (amount, day) in [("1,250.00", "2026-03-01"), ("$80", "2026-04-30")] {
        rules::add_purchase(app.db(), &app.store, "Priya Nair", c.id, "Ring", amount, day, app.now())
            .await
            .unwrap();
    }
    rules::add_repair(
        app.db(),
        &app.store,
        "Priya Nair",
        c.id,
        "Clasp",
        "2026-05-01",
        app.now(),
    )
    .await
    .unwrap();
    let after = find(&app, c.id).await;
    assert_eq!(
        (after.spent_cents, after.largest_purchase_cents, after.open_repairs),
        (133_000, 125_000, 1)
    );
    assert_eq!(
        after.last_purchase_at.unwrap().to_rfc3339(),
        "2026-04-30T02:00:00+00:00"
    );
    // Today's noon is still to come.
    assert_eq!(after.last_repair_at, Some(app.now()));
    let repair = store::repairs(app.db(), app.store.id, c.id).await.unwrap()[0].id;
    app.clock.set(app.now() + Duration::hours(1));
    for _ in 0..2 {
        rules::finish_repair(app.db(), app.store.id, "Priya Nair", c.id, repair, app.now())
            .await
            .unwrap();
    }
    let closed = find(&app, c.id).await;
    assert_eq!((closed.open_repairs, closed.last_repair_at), (0, Some(app.now())));
    assert_eq!(audited(&app, "customer.repair_finished").await, 1);
    let future = rules::add_purchase(app.db(), &app.store, "P", c.id, "Ring", "-5", "2027-01-01", app.now()).await;
    let Err(AppError::Invalid { problems, .. }) = future else {
        panic!("{future:?}");
    };
    let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(fields, ["purchase-amount", "purchase-day"]);
});

both!(the_list_searches_filters_and_pages, |app| {
    let c = add(&app, &amara()).await;
    let mut tx = app.db().begin().await.unwrap();
    for i in 0..60 {
        let details = Details::named(&format!("Customer {i:02}")).with_email(&format!("c{i}@example.com"));
        store::insert(&mut tx, app.store.id, None, &details, app.now())
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let list = |filter: ListFilter| {
        let app = &app;
        async move {
            let count = store::count(app.db(), app.store.id, &filter).await.unwrap();
            let first = store::page(app.db(), app.store.id, &filter, 1).await.unwrap();
            let second = store::page(app.db(), app.store.id, &filter, 2).await.unwrap();
            (count, first, second.len())
        }
    };
    let requires_opt_in = true;
    let (count, first, second) = list(ListFilter::default()).await;
    assert_eq!((count, first.len(), second), (61, 50, 11));
    assert_eq!(first[0].name, "Amara Okafor");
    for text in ["MARA ok", "amara@EXAMPLE", "0412 345", "+61 412"] {
        let (count, first, _) = list(ListFilter {
            text: text.into(),
            ..Default::default()
        })
        .await;
        assert_eq!((count, first[0].id), (1, c.id), "{text}");
    }
    assert_eq!(
        list(ListFilter {
            text: "%".into(),
            ..Default::default()
        })
        .await
        .0,
        0
    );
    assert_eq!(
        list(ListFilter {
            tag: "wedding".into(),
            ..Default::default()
        })
        .await
        .0,
        1
    );
    let by_email = ListFilter {
        contactable: Contactable::ByEmail,
        requires_opt_in,
        ..Default::default()
    };
    assert_eq!(list(by_email.clone()).await.0, 0);
    assert_eq!(
        list(ListFilter {
            requires_opt_in: false,
            ..by_email
        })
        .await
        .0,
        61
    );
    rules::archive(app.db(), app.store.id, "Priya Nair", c.id, true, app.now())
        .await
        .unwrap();
    assert_eq!(list(ListFilter::default()).await.0, 60);
    assert_eq!(
        list(ListFilter {
            archived: true,
            ..Default::default()
        })
        .await
        .0,
        1
    );
    assert!(store::all_tags(app.db(), app.store.id).await.unwrap().is_empty());
    rules::archive(app.db(), app.store.id, "Priya Nair", c.id, false, app.now())
        .await
        .unwrap();
    assert_eq!(list(ListFilter::default()).await.0, 61);
});

both!(another_store_sees_and_changes_nothing, |app| {
    let c = add(&app, &amara()).await;
    let (other, staff) = app.another_store().await;
    assert!(store::find(app.db(), other.id, c.id).await.unwrap().is_none());
    assert_eq!(
        store::count(app.db(), other.id, &ListFilter::default()).await.unwrap(),
        0
    );
    let read_at = c.updated_at.timestamp_micros();
    let form = CustomerForm {
        name: "X".into(),
        ..amara()
    };
    let edit = rules::edit(app.db(), &other, "X", c.id, read_at, &form, app.now()).await;
    assert_eq!(edit, Err(AppError::NotFound));
    let archive = rules::archive(app.db(), other.id, "X", c.id, true, app.now()).await;
    assert_eq!(archive, Err(AppError::NotFound));
    let cookie = app.session_of(staff[&Role::Owner]).await;
    for path in [format!("/customers/{}", c.id), format!("/customers/{}/edit", c.id)] {
        assert_eq!(app.get(&path, &cookie).await.status, 404, "{path}");
    }
    assert_eq!(find(&app, c.id).await.updated_at, c.updated_at);
});

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
    let id = rules::add(app.db(), &app.store, evil, &form, Some(evil), app.now())
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
    let flash = answer.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
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
    let flash = answer.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
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
