//! What is typed becomes a customer, and stays what it is until somebody who saw it changes it.

use chrono::Duration;
use loupe::{
    context::actor::Role,
    customers::{
        model::CustomerForm,
        queries::{self, ListFilter},
        rules,
    },
    error::AppError,
};

use super::{add, amara, audited, find};
use crate::both;

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
        queries::tags_of(app.db(), app.store.id, c.id).await.unwrap(),
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
    queries::note_bounce(&mut tx, app.store.id, c.id, "mailbox does not exist", app.now())
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
    let repair = queries::repairs(app.db(), app.store.id, c.id).await.unwrap()[0].id;
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

both!(another_store_sees_and_changes_nothing, |app| {
    let c = add(&app, &amara()).await;
    let (other, staff) = app.another_store().await;
    assert!(queries::find(app.db(), other.id, c.id).await.unwrap().is_none());
    assert_eq!(
        queries::count(app.db(), other.id, &ListFilter::default())
            .await
            .unwrap(),
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
