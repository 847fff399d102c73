//! What maps itself by its headers.

use loupe::{
    consent::{self, model::ConsentState},
    customers::{
        import::{Field, Kind, Mapping, RowIssueKind, preview},
        queries,
    },
};

use super::{PLAIN, SQUARE, everyone, file, import};
use crate::{both, support::files::SHOPIFY};

fn fields(mapping: &Mapping) -> Vec<(&str, Field)> {
    let columns = mapping.columns.iter().zip(&mapping.fields);
    columns.filter_map(|(c, f)| f.map(|f| (c.as_str(), f))).collect()
}

both!(a_shopify_export_maps_itself, |app| {
    let path = file(&app, "shopify.csv", SHOPIFY.as_bytes());
    let look = preview(&path).await.unwrap();
    assert_eq!(look.mapping.kind, Kind::Shopify);
    assert_eq!(
        fields(&look.mapping),
        [
            ("Customer ID", Field::ExternalId),
            ("First Name", Field::FirstName),
            ("Last Name", Field::LastName),
            ("Email", Field::Email),
            ("Accepts Email Marketing", Field::EmailConsent),
            ("Default Address Phone", Field::OtherPhone),
            ("Phone", Field::Phone),
            ("Total Spent", Field::Spent),
            ("Note", Field::Notes),
            ("Tags", Field::Tags),
        ]
    );
    assert_eq!(look.rows.len(), 3);
    let report = import(&app, SHOPIFY).await;
    assert_eq!((report.counts.added, report.counts.refused), (3, 0), "{report:?}");
    let all = everyone(app.db(), &app.store).await;
    let amara = &all[0];
    assert_eq!(amara.external_id.as_deref(), Some("shopify:7001"));
    assert_eq!(
        (amara.name.as_str(), amara.phone.as_deref()),
        ("Amara Okafor", Some("+61412345678"))
    );
    assert_eq!(amara.notes, "Prefers platinum,\nsize 6");
    // Spent before is a sum: no purchase, no day, nothing for "high value".
    assert_eq!(
        (amara.spent_cents, amara.largest_purchase_cents, amara.last_purchase_at),
        (125_000, 0, None)
    );
    assert_eq!(amara.email_consent, ConsentState::Granted);
    let tags = queries::tags_of(app.db(), app.store.id, amara.id).await.unwrap();
    assert_eq!(tags, ["vip", "wedding"]);
    let ledger = consent::queries::ledger(app.db(), app.store.id, amara.id)
        .await
        .unwrap();
    assert_eq!(
        ledger[0].evidence,
        "File book.csv, line 2, column \"Accepts Email Marketing\", value \"yes\""
    );
    assert_eq!(ledger[0].actor, "Priya Nair");
    let jose = &all[1];
    assert_eq!(
        (jose.name.as_str(), jose.phone.as_deref()),
        ("José Núñez", Some("+61298765432"))
    );
    assert_eq!(jose.email_consent, ConsentState::Withdrawn);
    // Known by an address alone: it stands in for the name, and nobody is greeted with it.
    assert_eq!(
        (all[2].name.as_str(), all[2].first_name.as_str()),
        ("newsletter@example.com", "")
    );
});

both!(a_square_export_maps_itself, |app| {
    let look = preview(&file(&app, "square.csv", SQUARE.as_bytes())).await.unwrap();
    assert_eq!(look.mapping.kind, Kind::Square);
    assert_eq!(
        fields(&look.mapping),
        [
            ("First Name", Field::FirstName),
            ("Last Name", Field::LastName),
            ("Email Address", Field::Email),
            ("Phone Number", Field::Phone),
            ("Company Name", Field::Company),
            ("Birthday", Field::Birthday),
            ("Memo", Field::Notes),
            ("Square Customer ID", Field::ExternalId),
            ("First Visit", Field::Since),
            ("Last Visit", Field::LastVisit),
            ("Lifetime Spend", Field::Spent),
            ("Email Subscription Status", Field::EmailConsent),
        ]
    );
    let report = import(&app, SQUARE).await;
    assert_eq!((report.counts.added, report.counts.refused), (3, 0), "{report:?}");
    let all = everyone(app.db(), &app.store).await;
    assert_eq!(all[0].external_id.as_deref(), Some("square:SQ7F0001"));
    assert_eq!(all[0].birthday().unwrap().words(), "14 May 1980");
    assert_eq!(all[0].spent_cents, 125_000);
    assert_eq!(all[0].created_at.to_rfc3339(), "2024-02-10T01:00:00+00:00");
    assert_eq!(all[0].last_visit_at.unwrap().to_rfc3339(), "2026-04-02T01:00:00+00:00");
    assert_eq!(all[1].birthday().unwrap().words(), "21 September");
    let states: Vec<_> = all.iter().map(|c| c.email_consent).collect();
    assert_eq!(
        states,
        [ConsentState::Granted, ConsentState::Withdrawn, ConsentState::None]
    );
});

both!(a_plain_file_maps_itself_and_says_nothing_about_consent, |app| {
    let report = import(&app, PLAIN).await;
    assert_eq!(
        (report.counts.added, report.counts.refused, report.counts.noted),
        (3, 0, 1),
        "{report:?}"
    );
    assert_eq!(report.told[0].kind, RowIssueKind::Noted);
    assert_eq!((report.told[0].line, report.told[0].column.as_str()), (3, "phone"));
    let all = everyone(app.db(), &app.store).await;
    assert!(all.iter().all(|c| c.email_consent == ConsentState::None));
    assert_eq!(
        (all[1].phone.as_deref(), all[1].phone_typed.as_deref()),
        (None, Some("ask Ben"))
    );
    assert_eq!(all[2].email, None);
    // The same again, in another order and written differently, is nobody new.
    let again = "phone;name;email\r\n+61 412 345 678; amara  OKAFOR;AMARA@example.com\r\n02 9876 5432;Dora Petrov;\r\n";
    let report = import(&app, again).await;
    assert_eq!((report.counts.unchanged, report.counts.rows_read), (2, 2), "{report:?}");
});
