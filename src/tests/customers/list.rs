//! The list of customers.

use loupe::customers::{
    details::Details,
    queries::{self, Contactable, ListFilter},
    rules,
};

use super::{add, amara};
use crate::both;

both!(the_list_searches_filters_and_pages, |app| {
    let c = add(&app, &amara()).await;
    let mut tx = app.db().begin().await.unwrap();
    for i in 0..60 {
        let details = Details::named(&format!("Customer {i:02}")).with_email(&format!("c{i}@example.com"));
        queries::insert(&mut tx, app.store.id, None, &details, app.now())
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let list = |filter: ListFilter| {
        let app = &app;
        async move {
            let count = queries::count(app.db(), app.store.id, &filter).await.unwrap();
            let first = queries::page(app.db(), app.store.id, &filter, 1).await.unwrap();
            let second = queries::page(app.db(), app.store.id, &filter, 2).await.unwrap();
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
    assert!(queries::all_tags(app.db(), app.store.id).await.unwrap().is_empty());
    rules::archive(app.db(), app.store.id, "Priya Nair", c.id, false, app.now())
        .await
        .unwrap();
    assert_eq!(list(ListFilter::default()).await.0, 61);
});
