//! What each type of filter means, and what the picker shows.

use loupe::{
    context::actor::Role,
    recipients::{
        model::{Count, RecipientFilter, SkipReason},
        queries,
    },
};

use super::{outcome, scope, segment, someone, write, write_for};
use crate::{both, support::app::TestApp};

async fn ids_of(app: &TestApp, filter: RecipientFilter) -> Vec<i64> {
    outcome(app, &scope(app), &filter).await.into_keys().collect()
}

fn tags(of: &[&str]) -> RecipientFilter {
    RecipientFilter::Tags(of.iter().map(|t| (*t).to_owned()).collect())
}

both!(tags_are_a_union, |app| {
    let with = |name: &str, of: &[&str]| {
        let mut person = someone(&app, name);
        person.tags = of.iter().map(|t| (*t).to_owned()).collect();
        person
    };
    let people = [
        with("Both Person", &["wedding", "pearls"]),
        with("Wedding Person", &["wedding"]),
        with("Pearl Person", &["pearls"]),
        with("No Person", &[]),
        with("Odd Person", &["o'neil's \"best\" {a,b}\\%"]),
        with("Café Person", &["café"]),
    ];
    let ids = write(&app, &people).await;
    assert_eq!(ids_of(&app, tags(&["wedding", "pearls"])).await, ids[..3]);
    assert_eq!(ids_of(&app, tags(&[" Wedding ", "wedding"])).await, ids[..2]);
    assert_eq!(
        ids_of(&app, tags(&["o'neil's \"best\" {a,b}\\%", "CAFÉ"])).await,
        ids[4..]
    );
    assert_eq!(ids_of(&app, tags(&["nobody has this", "%"])).await, Vec::<i64>::new());
    assert_eq!(ids_of(&app, tags(&[])).await, Vec::<i64>::new());
    let audience = queries::count(app.db(), &scope(&app), &tags(&["wedding", "pearls"]))
        .await
        .unwrap();
    assert_eq!(audience.will_send, 3);
});

both!(another_stores_people_are_never_counted, |app| {
    let (other, _) = app.another_store().await;
    let mut person = someone(&app, "Amara Okafor");
    person.tags = vec!["wedding".into()];
    person.spent_cents = 500_000;
    person.birthday = Some((5, 9));
    let mine = write(&app, std::slice::from_ref(&person)).await;
    let theirs = write_for(&app, other.id, &[person.clone(), person.clone(), person]).await;

    for filter in [
        RecipientFilter::All,
        tags(&["wedding"]),
        segment(&app, app.store.id, "vip").await,
        segment(&app, app.store.id, "birthday_this_month").await,
        RecipientFilter::Manual([mine.clone(), theirs.clone()].concat()),
    ] {
        let audience = queries::count(app.db(), &scope(&app), &filter).await.unwrap();
        assert_eq!((audience.matched, audience.will_send), (1, 1), "{filter:?}");
        assert_eq!(ids_of(&app, filter).await, mine);
    }
    for filter in [
        segment(&app, other.id, "vip").await,
        RecipientFilter::Segment(999_999),
        RecipientFilter::Manual(theirs),
        RecipientFilter::Manual(vec![]),
    ] {
        let audience = queries::count(app.db(), &scope(&app), &filter).await.unwrap();
        assert_eq!(audience.matched, 0, "{filter:?}");
        assert_eq!(audience.sentence(), "No recipients found for this campaign");
    }
    assert!(
        queries::candidates(app.db(), &scope(&app), "amara")
            .await
            .unwrap()
            .len()
            == 1
    );
});

both!(people_are_found_by_name_word_address_and_phone, |app| {
    let mut no_email = someone(&app, "Noor Amara-Bell");
    no_email.email = None;
    no_email.phone = Some("+61412345678".into());
    let mut twin = someone(&app, "Twin Okafor");
    twin.email = Some("amara.okafor@example.com".into());
    let mut percent = someone(&app, "100% Gold");
    percent.email = Some("gold_shop@example.com".into());
    write(&app, &[someone(&app, "Amara Okafor"), no_email, twin, percent]).await;
    let found = |text: &'static str| {
        let (db, scope) = (app.db(), scope(&app));
        async move {
            let found = queries::candidates(db, &scope, text).await.unwrap();
            found.into_iter().map(|c| c.name).collect::<Vec<_>>()
        }
    };
    assert_eq!(found("ama").await, ["Amara Okafor", "Noor Amara-Bell", "Twin Okafor"]);
    assert_eq!(found("  OKAFOR ").await, ["Amara Okafor", "Twin Okafor"]);
    assert_eq!(found("okafor ama").await, ["Amara Okafor"]);
    assert_eq!(found("amara.okafor@ex").await, ["Amara Okafor", "Twin Okafor"]);
    assert_eq!(found("0412 345").await, ["Noor Amara-Bell"]);
    assert_eq!(found("100%").await, ["100% Gold"]);
    assert_eq!(found("gold_").await, ["100% Gold"]);
    assert_eq!(found("%").await, Vec::<String>::new());
    assert_eq!(found("   ").await, Vec::<String>::new());

    let noor = queries::candidates(app.db(), &scope(&app), "noor")
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (noor.hint.as_str(), noor.skip),
        ("No email", Some(SkipReason::NoAddress))
    );
    // Sharing an address is no reason before somebody else is picked.
    let twin = queries::candidates(app.db(), &scope(&app), "twin")
        .await
        .unwrap()
        .remove(0);
    assert_eq!((twin.hint.as_str(), twin.skip), ("amara.okafor@example.com", None));
});

both!(a_search_answers_twenty_at_most, |app| {
    let people: Vec<_> = (10..40).map(|i| someone(&app, &format!("Mei Nguyen{i}"))).collect();
    write(&app, &people).await;
    let found = queries::candidates(app.db(), &scope(&app), "mei").await.unwrap();
    assert_eq!(found.len(), 20);
    assert_eq!(found[0].name, "Mei Nguyen10");
});

both!(
    the_sample_is_somebody_typical_the_longest_name_and_the_most_blanks,
    |app| {
        let mut typical = someone(&app, "Priya Patel");
        typical.anniversary = Some((2, 29));
        let long = someone(&app, "Anneliese-Marie van der Berg-Okafor");
        let blank = someone(&app, "Mei");
        let mut skipped = someone(&app, "Somebody with a name that is longer than every other name");
        skipped.do_not_contact = true;
        let people = [someone(&app, "Jun Li"), typical, long, blank, skipped];
        write(&app, &people).await;
        let sample = queries::sample(app.db(), &scope(&app), &RecipientFilter::All)
            .await
            .unwrap();
        let names: Vec<_> = sample.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["Priya Patel", "Anneliese-Marie van der Berg-Okafor", "Mei"]);
        assert_eq!(
            (sample[0].anniversary_month, sample[0].anniversary_day),
            (Some(2), Some(29))
        );
        assert_eq!(
            (sample[2].first_name.as_str(), sample[2].last_name.as_str()),
            ("Mei", "")
        );

        let nobody = queries::sample(app.db(), &scope(&app), &tags(&["none"])).await.unwrap();
        assert!(nobody.is_empty());
    }
);

both!(the_picker_is_answered_with_numbers_names_and_words, |app| {
    let mut gone = someone(&app, "Zoë Martin");
    gone.email_consent = "withdrawn";
    write(&app, &[someone(&app, "Amara Okafor"), gone]).await;
    let cookie = app.sign_in_as(Role::Manager).await;
    let ask = |path: &'static str, body: &'static str| app.call(path, "application/json", body, &cookie);

    let answer = ask("/api/recipients/count", r#"{"filter":{"type":"all"},"not_again":null}"#).await;
    let count: Count = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(count.sentence, "This will go to 1 customer");
    assert_eq!(count.audience.skipped, vec![(SkipReason::Unsubscribed, 1)]);
    assert_eq!(count.filter_digest, RecipientFilter::All.digest());
    assert_eq!(count.counted_at, "today, 10:00 am");

    let body = r#"{"filter":{"type":"all"},"not_again":null,"reason":"unsubscribed"}"#;
    let answer = ask("/api/recipients/skipped", body).await;
    assert!(
        answer.text.contains("Zoë Martin") && !answer.text.contains("Amara"),
        "{}",
        answer.text
    );
    let answer = ask("/api/recipients/find", r#"{"text":"zo"}"#).await;
    assert!(answer.text.contains("\"skip\":\"unsubscribed\""), "{}", answer.text);

    let cookie = app.sign_in_as(Role::Salesperson).await;
    let refused = app
        .call("/api/recipients/find", "application/json", r#"{"text":"zo"}"#, &cookie)
        .await;
    assert_eq!(refused.status, 403);
    assert!(!refused.text.contains("Martin"));
});
