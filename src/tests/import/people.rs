//! Who is the same person, and what a file may say of them.

use loupe::customers::{
    details::Details,
    import::{
        Mode,
        queries::{find, latest},
        run_file,
    },
    queries,
};

use super::{digest, everyone, file, import, job};
use crate::{both, support::files::SHOPIFY};

both!(the_same_address_with_another_name_is_a_second_customer, |app| {
    let text = "id,name,email,phone,tags\n\
                1,Amara Okafor,both@example.com,,a\n\
                2,Chidi Okafor,both@example.com,,b\n\
                1,Amara Okafor-Li,both@example.com,,c\n\
                ,chidi okafor,BOTH@example.com,0412 345 678,\n\
                ,Dora Petrov,,0298765432,\n\
                ,Dora Petrov,,(02) 9876 5432,d\n\
                ,Dora Petrov,,,\n";
    let report = import(&app, text).await;
    assert_eq!(
        (report.counts.added, report.counts.updated, report.counts.unchanged),
        (4, 3, 0),
        "{report:?}"
    );
    let all = everyone(app.db(), &app.store).await;
    let names: Vec<_> = all
        .iter()
        .map(|c| (c.name.as_str(), c.external_id.as_deref(), c.email_shared))
        .collect();
    assert_eq!(
        names,
        [
            // The first row of a file about somebody wins; the next file may say otherwise.
            ("Amara Okafor", Some("1"), true),
            ("Chidi Okafor", Some("2"), true),
            ("Dora Petrov", None, false),
            ("Dora Petrov", None, false),
        ]
    );
    assert_eq!(
        queries::tags_of(app.db(), app.store.id, all[0].id).await.unwrap(),
        ["a", "c"]
    );
    assert_eq!(all[1].phone.as_deref(), Some("+61412345678"));
    let before = digest(app.db()).await;
    assert_eq!(import(&app, text).await.counts.unchanged, 7);
    assert_eq!(digest(app.db()).await, before);
    import(&app, "id,name,email\n1,Amara Okafor-Li,amara@example.com\n").await;
    let amara = &everyone(app.db(), &app.store).await[0];
    assert_eq!(
        (amara.name.as_str(), amara.email.as_deref()),
        ("Amara Okafor-Li", Some("amara@example.com"))
    );
    assert!(!everyone(app.db(), &app.store).await[1].email_shared);
});

both!(what_staff_wrote_is_completed_and_never_emptied, |app| {
    let mut tx = app.db().begin().await.unwrap();
    let details = Details::named("Amara Okafor")
        .with_email("amara@example.com")
        .with_phone("0412 345 678", "AU");
    let id = queries::insert(&mut tx, app.store.id, None, &details, app.now())
        .await
        .unwrap();
    queries::set_notes(&mut tx, app.store.id, id, "Allergic to nickel", app.now())
        .await
        .unwrap();
    queries::add_tags(&mut tx, app.store.id, id, &["vip".to_owned()])
        .await
        .unwrap();
    queries::note_bounce(&mut tx, app.store.id, id, "no mailbox", app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let report = import(
        &app,
        "name,email,phone,notes,tags,birthday\nAmara Okafor,amara@example.com,,Size 6,,14/5/1980\n",
    )
    .await;
    assert_eq!(report.counts.updated, 1);
    let c = queries::find(app.db(), app.store.id, id).await.unwrap().unwrap();
    assert_eq!(
        (c.phone.as_deref(), c.notes.as_str()),
        (Some("+61412345678"), "Allergic to nickel\n\nSize 6")
    );
    assert_eq!(c.birthday().unwrap().words(), "14 May 1980");
    assert!(c.email_bounced_at.is_some(), "the same address still has bounced");
    assert_eq!(queries::tags_of(app.db(), app.store.id, id).await.unwrap(), ["vip"]);
});

both!(two_stores_import_the_same_file_apart, |app| {
    let (other, _) = app.another_store().await;
    let job = job(file(&app, "book.csv", SHOPIFY.as_bytes()), Mode::Apply);
    for store in [&app.store, &other] {
        let report = run_file(app.db(), store, &job, &app.clock, None, |_| {}).await.unwrap();
        assert_eq!(report.counts.added, 3);
    }
    assert_eq!(everyone(app.db(), &app.store).await.len(), 3);
    assert_eq!(everyone(app.db(), &other).await.len(), 3);
    let of_the_other = latest(app.db(), other.id).await.unwrap();
    assert_eq!(of_the_other.len(), 1);
    assert!(
        find(app.db(), app.store.id, of_the_other[0].id)
            .await
            .unwrap()
            .is_none()
    );
});
