//! Importing through the page.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use loupe::{consent::model::ConsentState, context::actor::Role};

use super::{PLAIN, everyone, import};
use crate::both;

both!(a_file_is_brought_checked_and_imported_through_the_page, |app| {
    let cookie = app.sign_in_as(Role::Manager).await;
    let text = "Kunde,email,phone,tags,agreed\n\
                Amara <b>Okafor</b>,amara@example.com,ask Ben,vip,yes\n\
                Ben,ben@,,,no\n";
    let answer = app.upload("my \u{202E}book.csv", text.as_bytes(), &cookie).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let path = answer.location().to_owned();
    let page = app.get(&path, &cookie).await;
    for words in [
        "my book.csv",
        "Kunde",
        "amara@example.com",
        "&lt;b&gt;Okafor",
        "Check the file",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let post = |fields: [&'static str; 5], intent: &'static str| {
        let (app, path, cookie) = (&app, path.clone(), cookie.clone());
        async move {
            let mut pairs: Vec<(&str, &str)> = fields.iter().map(|f| ("field", *f)).collect();
            pairs.push(("intent", intent));
            app.post_form(&path, &path, &pairs, &cookie).await
        }
    };
    // Whether they agreed is asked before anything else.
    assert!(
        page.text.contains("This column may say who wants no email"),
        "{}",
        page.text
    );
    for intent in ["check", "import"] {
        let unsaid = post(["name", "email", "phone", "tags", "undecided"], intent).await;
        assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(unsaid.text.contains("Say what the column agreed is"), "{}", unsaid.text);
    }
    let twice = post(["external_id", "email", "external_id", "tags", ""], "check").await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(twice.text.contains("Two columns are both chosen"), "{}", twice.text);

    let chosen = ["name", "email", "phone", "tags", "email_consent"];
    let checked = post(chosen, "check").await;
    assert_eq!(checked.status, StatusCode::OK);
    for words in [
        "1 customer would be added",
        "Nothing has been changed yet.",
        "The part after the @ is not right",
        "kept as typed",
    ] {
        assert!(checked.text.contains(words), "{words}: {}", checked.text);
    }
    assert!(everyone(app.db(), &app.store).await.is_empty());
    let errors = app.get(&format!("{path}/errors.csv"), &cookie).await;
    assert!(
        errors.text.starts_with("Line,Outcome,Column,Reason,Kunde,email"),
        "{}",
        errors.text
    );
    assert_eq!(errors.text.lines().count(), 3);

    let begun = post(chosen, "import").await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text);
    let result = begun.location().to_owned();
    let mut page = app.get(&result, &cookie).await;
    for _ in 0..100 {
        if page.text.contains("Import finished.") {
            break;
        }
        assert_eq!(page.headers["refresh"], "2");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        page = app.get(&result, &cookie).await;
    }
    assert!(
        page.text.contains("Import finished.") && page.headers.get("refresh").is_none(),
        "{}",
        page.text
    );
    let errors = app.get(&format!("{result}/errors.csv"), &cookie).await;
    assert_eq!(errors.text.lines().count(), 3, "{}", errors.text);
    assert!(
        errors.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    let all = everyone(app.db(), &app.store).await;
    assert_eq!(
        (all.len(), all[0].name.as_str(), all[0].email_consent),
        (1, "Amara <b>Okafor</b>", ConsentState::Granted)
    );
    // A second press finds the file taken, and nobody is doubled.
    assert_eq!(post(chosen, "import").await.location(), "/customers/import");
    assert!(app.get("/customers/import", &cookie).await.text.contains("my book.csv"));
});

both!(only_owners_and_managers_import_and_only_into_their_store, |app| {
    for role in [Role::Salesperson, Role::Workshop, Role::Accountant] {
        let cookie = app.sign_in_as(role).await;
        assert_eq!(
            app.get("/customers/import", &cookie).await.status,
            StatusCode::FORBIDDEN
        );
        let answer = app.upload("a.csv", PLAIN.as_bytes(), &cookie).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let owner = app.sign_in_as(Role::Owner).await;
    let path = app
        .upload("a.csv", PLAIN.as_bytes(), &owner)
        .await
        .location()
        .to_owned();
    let report = import(&app, PLAIN).await;
    let (_, staff) = app.another_store().await;
    let stranger = app.session_of(staff[&Role::Owner]).await;
    let of_import = format!("/customers/imports/{}", report.import_id.unwrap());
    for path in [
        path.clone(),
        of_import.clone(),
        format!("{of_import}/errors.csv"),
        format!("{path}/errors.csv"),
    ] {
        assert_eq!(app.get(&path, &stranger).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let answer = app.send(
        Request::post(&path)
            .header(header::COOKIE, &owner)
            .header("sec-fetch-site", "cross-site")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("intent=import"))
            .unwrap(),
    );
    assert_eq!(answer.await.status, StatusCode::FORBIDDEN);
    for wrong in [&b""[..], b"PK\x03\x04zip", b"phone\n1\n"] {
        let answer = app.upload("x.csv", wrong, &owner).await;
        let ok = wrong.starts_with(b"phone");
        assert_eq!(answer.status == StatusCode::SEE_OTHER, ok, "{}", answer.text);
        assert!(ok || answer.text.contains("There is a problem"));
    }
    assert_eq!(
        app.get("/customers/import/..%2F..%2Fetc", &owner).await.status,
        StatusCode::NOT_FOUND
    );
});
