//! Writing an audience down.

use loupe::{
    on_db, on_tx,
    recipients::model::{Audience, RecipientFilter, SkipReason},
};

use super::{begin_send, change, number, scope, someone, write};
use crate::{both, support::app::TestApp};

type Row = (
    i64,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    bool,
    String,
    Option<i64>,
);

/// Writes everybody of the store down; answers the send and who that was.
async fn freeze_all(app: &TestApp) -> (i64, Audience) {
    let mut tx = app.db().begin().await.unwrap();
    let send = begin_send(&mut tx, app.store.id, None, app.now()).await;
    let audience =
        loupe::messages::queries::freeze::freeze(&mut tx, &scope(app), &RecipientFilter::All, send, app.now())
            .await
            .unwrap();
    tx.commit().await.unwrap();
    (send, audience)
}

both!(everybody_gets_a_row_with_what_the_message_needs, |app| {
    let mut zoe = someone(&app, "Zoë Ó Dálaigh");
    zoe.email = Some("Zoe@Example.com".into());
    zoe.anniversary = Some((2, 29));
    let mut gone = someone(&app, "Amara Okafor");
    gone.bounced = true;
    let mut nobody = someone(&app, "Mei");
    nobody.email = None;
    let ids = write(&app, &[zoe, gone, nobody]).await;

    let (send, audience) = freeze_all(&app).await;
    assert_eq!((audience.matched, audience.will_send), (3, 1));
    assert_eq!(
        audience.skipped,
        vec![(SkipReason::NoAddress, 1), (SkipReason::Bounced, 1)]
    );

    let rows: Vec<Row> = on_db!(app.db(), |pool| {
        sqlx::query_as(
        "select customer_id, state, skip_reason, address, addr_norm, next_at is not null, first_name, anniversary_day
           from messages where send_id = $1 order by id"
    )
    .bind(send)
    .fetch_all(pool)
    .await
    })
    .unwrap();
    let text = |t: &str| Some(t.to_owned());
    let expected: [Row; 3] = [
        (
            ids[0],
            "queued".into(),
            None,
            text("Zoe@Example.com"),
            text("zoe@example.com"),
            true,
            "Zoë".into(),
            Some(29),
        ),
        (
            ids[1],
            "skipped".into(),
            text("bounced"),
            text("amara.okafor@example.com"),
            text("amara.okafor@example.com"),
            false,
            "Amara".into(),
            None,
        ),
        (
            ids[2],
            "skipped".into(),
            text("no_address"),
            None,
            None,
            false,
            "Mei".into(),
            None,
        ),
    ];
    assert_eq!(rows, expected);
});

both!(
    whoever_loses_the_address_at_the_last_moment_is_written_as_a_double,
    |app| {
        let mut people = vec![
            someone(&app, "First Person"),
            someone(&app, "Second Person"),
            someone(&app, "Third Person"),
        ];
        for person in &mut people {
            person.email = Some("family@example.com".into());
        }
        people[2].do_not_contact = true;
        let ids = write(&app, &people).await;
        // As if the mark had missed them.
        change(&app, "update customers set email_shared = false where id >= $1", ids[0]).await;

        let (send, audience) = freeze_all(&app).await;
        let one_each = vec![(SkipReason::DoNotContact, 1), (SkipReason::DuplicateAddress, 1)];
        assert_eq!(
            (audience.matched, audience.will_send, audience.skipped),
            (3, 1, one_each)
        );
        let keeps = number(
            &app,
            "select customer_id from messages where send_id = $1 and state = 'queued'",
            send,
        )
        .await;
        assert_eq!(keeps, ids[0]);
    }
);

both!(those_who_get_it_are_written_in_the_order_of_the_book, |app| {
    let people: Vec<_> = (0..50)
        .map(|i| someone(&app, &format!("Person Number{}", (i * 37) % 50)))
        .collect();
    write(&app, &people).await;
    let (send, _) = freeze_all(&app).await;
    let out_of_order = number(
        &app,
        "select count(*) from messages a join messages b on b.send_id = a.send_id and b.id > a.id
          where a.send_id = $1 and b.customer_id < a.customer_id",
        send,
    )
    .await;
    assert_eq!(out_of_order, 0);
});

both!(whoever_has_a_message_stays_in_the_book, |app| {
    let ids = write(&app, &[someone(&app, "Amara Okafor"), someone(&app, "Mei Tan")]).await;
    freeze_all(&app).await;
    let delete = async |id: i64| {
        let mut tx = app.db().begin().await.unwrap();
        on_tx!(&mut tx, |conn| sqlx::query("delete from customers where id = $1")
            .bind(id)
            .execute(&mut *conn)
            .await
            .map(|_| ()))
    };
    let refused = delete(ids[0]).await.unwrap_err();
    assert!(
        refused
            .as_database_error()
            .is_some_and(|e| e.is_foreign_key_violation()),
        "{refused}"
    );
    let nobodys = write(&app, &[someone(&app, "Zoe Adler")]).await;
    delete(nobodys[0]).await.unwrap();
});
