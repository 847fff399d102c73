//! Lists end somewhere, and it is told where.

use loupe::{
    context::actor::Role,
    customers::{
        import::{MOST_TOLD, queries::told},
        model::CustomerForm,
        queries, rules,
    },
    error::AppError,
    on_db,
    recipients::model::{MOST_PICKED, RecipientFilter},
};

use super::{digest, everyone, import};
use crate::{both, support::app::TestApp};

fn tags(n: usize) -> String {
    let tags: Vec<String> = (0..n).map(|i| format!("a tag of some length {i:04}")).collect();
    tags.join(";")
}

async fn sets(app: &TestApp) -> (i64, i64) {
    on_db!(app.db(), |pool| sqlx::query_as(
        "select (select count(*) from tag_sets), (select count(*) from tag_set_tags)"
    )
    .fetch_one(pool)
    .await)
    .unwrap()
}

both!(a_row_of_thousands_of_tags_comes_in_with_fifty, |app| {
    let text = format!(
        "name,email,tags\nAmara,amara@example.com,{}\nBen,ben@example.com,vip;{}\n",
        tags(2_000),
        "x".repeat(61)
    );
    let report = import(&app, &text).await;
    assert_eq!((report.counts.added, report.counts.noted), (2, 2), "{report:?}");
    let reasons: Vec<_> = report.told.iter().map(|t| t.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "A customer has at most 50 tags; 1950 left out",
            "A tag has at most 60 characters; 1 with more left out"
        ]
    );
    let all = everyone(app.db(), &app.store).await;
    let kept = queries::tags_of(app.db(), app.store.id, all[0].id).await.unwrap();
    assert_eq!((kept.len(), kept[49].as_str()), (50, "a tag of some length 0049"));
    // One set for each of the two, not one for each prefix.
    assert_eq!(sets(&app).await, (2, 51));
    let before = digest(app.db()).await;
    assert_eq!(import(&app, &text).await.counts.unchanged, 2);
    assert!(digest(app.db()).await == before);

    // Another file can't go beyond it either.
    let more = format!(
        "name,email,tags\nAmara,amara@example.com,{}\n",
        tags(40).replace("tag", "day")
    );
    let report = import(&app, &more).await;
    assert_eq!(
        report.told[0].reason,
        "The customer would have more than 50 tags; 40 left out"
    );
    assert_eq!(report.counts.noted, 1);
});

both!(a_form_of_too_many_tags_says_so, |app| {
    let form = |tags: String| CustomerForm {
        name: "Amara".into(),
        tags,
        ..CustomerForm::default()
    };
    let add = |tags| {
        let (app, form) = (&app, form(tags));
        async move { rules::add(app.db(), &app.store, "Priya Nair", &form, None, app.now()).await }
    };
    for too_many in [tags(51), ",".repeat(1_000_000)] {
        let Err(AppError::Invalid { problems, .. }) = add(too_many).await else {
            panic!("it was taken");
        };
        assert_eq!(problems[0].field, "tags");
        assert!(problems[0].words.contains("at most 50 tags"), "{problems:?}");
    }
    let id = add(tags(50)).await.unwrap();
    assert_eq!(queries::tags_of(app.db(), app.store.id, id).await.unwrap().len(), 50);
    assert_eq!(sets(&app).await, (1, 50));
    // A tag with a comma stays one on the way through the form.
    let id = add("\"VIP, gold\", wedding".to_owned()).await.unwrap();
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = app.get(&format!("/customers/{id}/edit"), &cookie).await;
    assert!(page.text.contains("&quot;vip, gold&quot;, wedding"), "{}", page.text);
});

both!(sets_of_tags_that_nobody_is_in_are_swept, |app| {
    import(
        &app,
        "name,email,tags\nAmara,amara@example.com,a;b\nBen,ben@example.com,b\n",
    )
    .await;
    let amara = everyone(app.db(), &app.store).await[0].id;
    let mut tx = app.db().begin().await.unwrap();
    queries::set_tags(&mut tx, app.store.id, amara, &["c".to_owned()])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sets(&app).await, (3, 4));
    assert_eq!(queries::sweep_sets(app.db(), 10).await.unwrap(), 1);
    assert_eq!(sets(&app).await, (2, 2));
    assert_eq!(queries::sweep_sets(app.db(), 10).await.unwrap(), 0);
    // Whoever is in a set again gets a new one.
    import(&app, "name,email,tags\nZed,zed@example.com,a;b\n").await;
    assert_eq!(sets(&app).await, (3, 4));
});

both!(a_set_is_not_swept_from_under_a_change, |app| {
    import(
        &app,
        "name,email,tags\nAmara,amara@example.com,a\nBen,ben@example.com,b\n",
    )
    .await;
    let all = everyone(app.db(), &app.store).await;
    let mut tx = app.db().begin().await.unwrap();
    queries::set_tags(&mut tx, app.store.id, all[0].id, &["b".to_owned()])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // The set "a" is unused now, and somebody is about to be in it.
    for round in 0..20 {
        let change = async {
            let mut tx = app.db().begin().await.unwrap();
            queries::set_tags(&mut tx, app.store.id, all[1].id, &["a".to_owned()])
                .await
                .unwrap();
            tokio::task::yield_now().await;
            tx.commit().await.unwrap();
        };
        let (_, swept) = tokio::join!(change, queries::sweep_sets(app.db(), 10));
        swept.unwrap();
        let lost: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
            "select count(*) from customers c where c.tag_set is null
                or not exists (select 1 from tag_sets s where s.id = c.tag_set)"
        )
        .fetch_one(pool)
        .await)
        .unwrap();
        assert_eq!(lost, 0, "round {round}");
        let mut tx = app.db().begin().await.unwrap();
        queries::set_tags(&mut tx, app.store.id, all[1].id, &["b".to_owned()])
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
});

both!(refused_rows_are_kept_up_to_a_limit_and_then_counted, |app| {
    let more = 50;
    let text = format!(
        "name,email\n{}Amara,amara@example.com\n",
        "\"a\n".repeat(MOST_TOLD + more)
    );
    let report = import(&app, &text).await;
    assert_eq!(usize::try_from(report.counts.refused), Ok(MOST_TOLD + more));
    assert_eq!(report.counts.added, 1);
    let id = report.import_id.unwrap();
    let limit = i64::try_from(MOST_TOLD).unwrap() * 2;
    let kept = told(app.db(), app.store.id, id, false, 0, limit).await.unwrap();
    assert_eq!(kept.len(), MOST_TOLD);
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = app.get(&format!("/customers/imports/{id}"), &cookie).await;
    for words in ["10,050", "The first 10,000 rows to look at are kept"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
});

#[test]
fn nobody_picks_without_end() {
    let ids = |n: usize| RecipientFilter::Manual((0..i64::try_from(n).unwrap()).collect());
    assert!(ids(MOST_PICKED).too_many().is_none());
    assert!(ids(MOST_PICKED + 1).too_many().is_some_and(|w| w.contains("5,000")));
    let tags = |n: usize| RecipientFilter::Tags((0..n).map(|i| i.to_string()).collect());
    assert!(tags(200).too_many().is_none() && tags(201).too_many().is_some());
    assert!(!loupe::campaigns::model::is_complete(&tags(201)));
    assert_eq!(
        loupe::campaigns::model::missing(Some(&tags(201))),
        Some("Choose at most 200 tags")
    );
}
