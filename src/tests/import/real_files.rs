//! Files as other programs write them come in whole, with the right values.

use loupe::{
    consent::model::ConsentState,
    customers::{
        import::{Counts, Kind, Mapping, Mode, Report, preview, run_file},
        queries::{self, Customer},
    },
};

use super::{digest, everyone, file, job};
use crate::{both, support::app::TestApp};

use ConsentState::{Granted, None as Unsaid, Withdrawn};

macro_rules! real {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/real_files/", $name))
    };
}

/// Imports a file, tries that it changes nothing the second time, and answers who is there.
async fn bring(app: &TestApp, content: &[u8]) -> (Report, Vec<Customer>) {
    let job = job(file(app, "real.csv", content), Mode::Apply);
    let run = || run_file(app.db(), &app.store, &job, &app.clock, None, |_| {});
    let dry = {
        let job = loupe::customers::import::Job {
            mode: Mode::DryRun,
            ..job.clone()
        };
        run_file(app.db(), &app.store, &job, &app.clock, None, |_| {})
            .await
            .unwrap()
    };
    let report = run().await.unwrap();
    assert_eq!(dry.counts, report.counts);
    let before = digest(app.db()).await;
    assert_eq!(run().await.unwrap().counts.unchanged, report.counts.added, "{report:?}");
    assert!(digest(app.db()).await == before, "the second time changed something");
    (report, everyone(app.db(), &app.store).await)
}

async fn tags(app: &TestApp, customer: &Customer) -> Vec<String> {
    queries::tags_of(app.db(), app.store.id, customer.id).await.unwrap()
}

async fn kind_of(app: &TestApp, content: &[u8]) -> Mapping {
    preview(&file(app, "look.csv", content)).await.unwrap().mapping
}

fn whole(report: &Report, people: i64) {
    let wanted = Counts {
        rows_read: people,
        added: people,
        ..Counts::default()
    };
    assert_eq!(report.counts, wanted, "{:?}", report.told);
}

/// (name, address, phone) of each.
fn reached(all: &[Customer]) -> Vec<(&str, Option<&str>, Option<&str>)> {
    all.iter()
        .map(|c| (c.name.as_str(), c.email.as_deref(), c.phone.as_deref()))
        .collect()
}

/// What is told: line, column and reason.
fn told(report: &Report) -> Vec<(i64, &str, &str)> {
    report
        .told
        .iter()
        .map(|t| (t.line, t.column.as_str(), t.reason.as_str()))
        .collect()
}

both!(a_hint_about_the_separator_is_no_header, |app| {
    let (report, all) = bring(&app, real!("sep-line.csv")).await;
    whole(&report, 2);
    assert_eq!(
        reached(&all),
        [
            ("Amara Okafor", Some("amara@example.com"), None),
            ("Ben Li", Some("ben@example.com"), None)
        ]
    );
    assert_eq!(tags(&app, &all[1]).await, ["repairs"]);
});

both!(a_file_in_utf_16_comes_in_whole, |app| {
    for (content, name) in [
        (&real!("utf16le-tab.csv")[..], "Zoë Núñez"),
        (real!("utf16be.csv"), "Zoë Núñez"),
        (real!("utf16le-without-mark.csv"), "Zoe Nunez"),
    ] {
        let app = TestApp::new(app.db().backend()).await;
        let (report, all) = bring(&app, content).await;
        whole(&report, 1);
        assert_eq!(reached(&all), [(name, Some("zoe@example.com"), None)]);
        assert_eq!(tags(&app, &all[0]).await, ["vip"]);
    }
});

both!(a_mailchimp_audience_keeps_its_tags, |app| {
    let (report, all) = bring(&app, real!("mailchimp-audience.csv")).await;
    whole(&report, 2);
    assert_eq!(
        kind_of(&app, real!("mailchimp-audience.csv")).await.kind,
        Kind::Mailchimp
    );
    assert_eq!(tags(&app, &all[0]).await, ["vip, gold", "wedding"]);
    assert_eq!(tags(&app, &all[1]).await, ["repairs"]);
    assert_eq!(all[0].birthday().unwrap().words(), "14 May");
    assert_eq!(all[0].email_consent, Unsaid);
});

both!(a_time_in_the_column_of_those_who_left_is_a_withdrawal, |app| {
    let (report, all) = bring(&app, real!("mailchimp-unsubscribed.csv")).await;
    whole(&report, 1);
    assert_eq!(all[0].email_consent, Withdrawn);
    let cleaned = b"Email Address,First Name,Last Name,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,LEID,EUID\n\
                    dora@example.com,Dora,Petrov,2025-01-05 09:00:00,Sale,114,aaa114\n";
    let (_, all) = bring(&app, cleaned).await;
    assert_eq!(all[1].email_consent, Withdrawn);
});

both!(a_xero_file_has_its_addresses_and_numbers, |app| {
    let (report, all) = bring(&app, real!("xero-contacts.csv")).await;
    whole(&report, 1);
    assert_eq!(
        reached(&all),
        [("Amara Okafor", Some("amara@example.com"), Some("+61293744000"))]
    );
});

both!(klaviyo_consents_are_yes_nothing_and_no, |app| {
    let (report, all) = bring(&app, real!("klaviyo-profiles.csv")).await;
    whole(&report, 3);
    let states: Vec<_> = all.iter().map(|c| c.email_consent).collect();
    assert_eq!(states, [Granted, Unsaid, Withdrawn]);
    assert_eq!(all[0].external_id.as_deref(), Some("klaviyo:01H1"));
});

both!(the_words_of_other_programs_are_known_and_others_are_told, |app| {
    let (report, all) = bring(&app, real!("consent-words.csv")).await;
    whole(&report, 4);
    let states: Vec<_> = all.iter().map(|c| c.email_consent).collect();
    assert_eq!(states, [Granted, Unsaid, Withdrawn, Withdrawn]);

    let app = TestApp::new(app.db().backend()).await;
    let words = b"email,email consent,newsletter,unsubscribed\n\
                  a@example.com,perhaps,yes,\n\
                  b@example.com,yes,,false\n\
                  c@example.com,yes,no,\n\
                  d@example.com,yes,,2024-02-03\n\
                  e@example.com,yes,,moved away\n";
    let (report, all) = bring(&app, words).await;
    let states: Vec<_> = all.iter().map(|c| c.email_consent).collect();
    assert_eq!(states, [Unsaid, Granted, Withdrawn, Withdrawn, Withdrawn]);
    assert_eq!(
        told(&report),
        [
            (2, "email consent", "We don't know this word; it counts as not agreed"),
            (6, "unsubscribed", "We don't know this word; it counts as unsubscribed"),
        ]
    );
});

both!(an_amount_below_zero_costs_the_amount, |app| {
    let (report, all) = bring(&app, real!("woocommerce-customers.csv")).await;
    assert_eq!((report.counts.added, report.counts.noted), (2, 1));
    assert_eq!(
        told(&report),
        [(3, "Total Spend", "This amount is below zero; it is left out")]
    );
    let spent: Vec<_> = all.iter().map(|c| c.spent_cents).collect();
    assert_eq!(spent, [125_000, 0]);
    assert_eq!(all[0].created_at.to_rfc3339(), "2023-02-01T01:00:00+00:00");
});

both!(a_lightspeed_file_has_mobiles_and_groups, |app| {
    let (report, all) = bring(&app, real!("lightspeed-customers.csv")).await;
    whole(&report, 2);
    assert_eq!(
        reached(&all),
        [
            ("Amara de Okafor", Some("amara@example.com"), Some("+61293744000")),
            ("Ben Li", Some("ben@example.com"), Some("+61412345679"))
        ]
    );
    assert_eq!(
        (all[0].first_name.as_str(), all[0].last_name.as_str()),
        ("Amara", "de Okafor")
    );
    assert_eq!(tags(&app, &all[0]).await, ["vip", "wedding"]);
    assert_eq!(all[0].birthday().unwrap().words(), "14 May 1980");
});

both!(what_stands_around_an_address_costs_nobody, |app| {
    let (report, all) = bring(&app, real!("invisible-characters.csv")).await;
    let addresses: Vec<_> = all.iter().map(|c| c.email.as_deref().unwrap()).collect();
    assert_eq!(
        addresses,
        [
            "amara@example.com",
            "ben@example.com",
            "chloe@example.com",
            "dora@example.com",
            "eve@example.com",
            "fay@example.com",
            "gus@example.com"
        ]
    );
    assert!(all.iter().all(|c| c.email_valid));
    assert_eq!(
        told(&report),
        [(7, "email", "There are several addresses; fay@example.com is kept")]
    );
    let app = TestApp::new(app.db().backend()).await;
    let (report, all) = bring(&app, real!("invisible-headers.csv")).await;
    whole(&report, 1);
    assert_eq!(reached(&all), [("Amara Okafor", Some("amara@example.com"), None)]);
});

both!(cells_padded_with_spaces_are_cells, |app| {
    let (report, all) = bring(&app, real!("padded.csv")).await;
    whole(&report, 2);
    assert_eq!(all[0].email.as_deref(), Some("amara@example.com"));
    assert_eq!(tags(&app, &all[0]).await, ["vip", "wedding"]);
});

both!(a_birthday_that_cant_be_read_costs_the_birthday, |app| {
    let (report, all) = bring(&app, real!("mixed-birthdays.csv")).await;
    assert_eq!((report.counts.added, report.counts.noted), (5, 2));
    let days: Vec<_> = all.iter().map(|c| c.birthday().map(|b| b.words())).collect();
    let of = |day: &str| Some(day.to_owned());
    assert_eq!(days, [of("14 May 1980"), of("14 May"), None, of("29 February"), None]);
    assert_eq!(
        told(&report),
        [
            (4, "birthday", "This can't be read as a date; it is left out"),
            (6, "birthday", "There is no such day; it is left out")
        ]
    );
});

both!(an_outlook_file_comes_in_whole, |app| {
    let (report, all) = bring(&app, real!("outlook-contacts.csv")).await;
    whole(&report, 2);
    assert_eq!(
        reached(&all),
        [
            ("Amara Okafor", Some("amara@example.com"), Some("+61412345678")),
            ("Ben Li", Some("ben@example.com"), None)
        ]
    );
    assert_eq!(all[0].birthday().unwrap().words(), "14 May 1980");
    assert_eq!((all[0].anniversary(), all[1].birthday()), (None, None));
    assert_eq!(tags(&app, &all[0]).await, ["vip", "wedding"]);
});

both!(columns_of_one_kind_fill_in_for_each_other, |app| {
    let (report, all) = bring(&app, real!("duplicate-headers.csv")).await;
    whole(&report, 1);
    assert_eq!(
        reached(&all),
        [("Amara Okafor", Some("amara@example.com"), Some("+61412345678"))]
    );
    let app = TestApp::new(app.db().backend()).await;
    let google = b"First Name,Last Name,Organization Name,Labels,E-mail 1 - Value,E-mail 2 - Value,Phone 1 - Value,Phone 2 - Value\n\
                   Amara,Okafor,,* myContacts ::: Wedding ::: VIP,amara@,amara@example.com,call her,0412 345 678\n\
                   ,,Pearl & Sons,,office@example.com,,,\n";
    let (report, all) = bring(&app, google).await;
    assert_eq!(
        reached(&all),
        [
            ("Amara Okafor", Some("amara@example.com"), Some("+61412345678")),
            ("Pearl & Sons", Some("office@example.com"), None)
        ]
    );
    assert_eq!(all[1].first_name, "");
    assert_eq!(tags(&app, &all[0]).await, ["vip", "wedding"]);
    assert_eq!(
        told(&report),
        [(
            2,
            "",
            "Phone 1 - Value: This can't be read as a phone number; that of Phone 2 - Value is taken. \
             E-mail 1 - Value: The part after the @ is not right; it is left out"
        )]
    );
});

both!(an_address_that_cant_be_read_costs_nobody_who_has_a_phone, |app| {
    let text = "name,email,phone,email consent\nAmara,amara@,0412 345 678,yes\nBen,ben@,,yes\n";
    let (report, all) = bring(&app, text.as_bytes()).await;
    assert_eq!(
        (report.counts.added, report.counts.noted, report.counts.refused),
        (1, 1, 1)
    );
    assert_eq!(reached(&all), [("Amara", None, Some("+61412345678"))]);
    // Nobody agrees to mail at an address that can't be read.
    assert_eq!(all[0].email_consent, Unsaid);
    // The mended row is the same person.
    let mended = text.replace("amara@,", "amara@example.com,");
    let mended = job(file(&app, "mended.csv", mended.as_bytes()), Mode::Apply);
    let report = run_file(app.db(), &app.store, &mended, &app.clock, None, |_| {})
        .await
        .unwrap();
    assert_eq!((report.counts.added, report.counts.updated), (0, 1), "{report:?}");
    let all = everyone(app.db(), &app.store).await;
    assert_eq!(
        (reached(&all), all[0].email_consent),
        (
            vec![("Amara", Some("amara@example.com"), Some("+61412345678"))],
            Granted
        )
    );
});
