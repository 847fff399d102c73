//! What somebody meets before any page: the icons, the head, the command line's own help.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use axum::http::StatusCode;
use loupe::{
    context::{actor::Role, settings::Given},
    db::Backend,
};

use crate::support::app::TestApp;

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loupe"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn icons_are_there_and_kept() {
    let given = Given {
        site_root: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("public")),
        ..Given::default()
    };
    let app = TestApp::with(Backend::Sqlite, given).await;
    for path in ["/favicon.ico", "/favicon.svg", "/apple-touch-icon.png"] {
        let answer = app.get(path, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.headers["cache-control"], "public, max-age=604800", "{path}");
    }
    let page = app.get("/login", "").await.text;
    assert!(
        page.contains("<meta name=\"description\" content=\"Campaigns"),
        "{page}"
    );
    for link in ["rel=\"apple-touch-icon\"", "/favicon.ico?v=", "/favicon.svg?v="] {
        assert!(page.contains(link), "{link}: {page}");
    }
    let missing = app.get("/apple-touch-icon.png/x", "").await;
    assert_ne!(missing.status, StatusCode::OK);
    let cookie = app.sign_in_as(Role::Owner).await;
    let inside = app.get("/marketing/campaigns", &cookie).await.text;
    assert!(inside.contains("name=\"description\""), "{inside}");
}

#[test]
fn the_short_help_is_short_and_the_long_one_has_the_settings_under_their_own_heading() {
    let folder = tempfile::tempdir().unwrap();
    let short = out(&run(folder.path(), &["-h"]));
    assert!(short.lines().count() < 40, "{short}");
    assert!(short.contains("Settings:") && short.contains("loupe --help"), "{short}");
    assert!(!short.contains("--lease-seconds"), "{short}");
    let long = out(&run(folder.path(), &["--help"]));
    let (_, settings) = long.split_once("Settings:").unwrap();
    assert!(settings.contains("--lease-seconds"), "{long}");
    let import = out(&run(folder.path(), &["import", "-h"]));
    let (own, _) = import.split_once("Settings:").unwrap();
    assert!(own.contains("--dry-run") && !own.contains("--database-url"), "{import}");
}

#[test]
fn shells_can_complete_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, sign) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef loupe"),
        ("fish", "complete -c loupe"),
    ] {
        let script = out(&run(folder.path(), &["completions", shell]));
        assert!(script.contains(sign), "{shell}: {script}");
        assert!(script.contains("reset-password"), "{shell}");
    }
    assert!(!folder.path().join("data").exists(), "nothing is opened for it");
    assert!(!run(folder.path(), &["completions", "abacus"]).status.success());
}

#[test]
fn stores_and_staff_can_be_listed() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| run(folder.path(), args);
    assert_eq!(out(&run(&["store", "list"])).trim(), "There is no store yet.");
    assert_eq!(out(&run(&["user", "list"])).trim(), "Nobody can sign in yet.");
    for (slug, name) in [("corner", "Corner Gems"), ("quay", "Quay")] {
        let from = format!("hello@{slug}.example.com");
        let store = [
            "store",
            "add",
            slug,
            "--name",
            name,
            "--time-zone",
            "Europe/London",
            "--country",
            "gb",
            "--currency",
            "GBP",
            "--from",
            &from,
            "--footer",
            "1 Example Road",
        ];
        out(&run(&store));
        let email = format!("ann@{slug}.example.com");
        out(&run(&[
            "user", "add", &email, "--name", "Ann Lee", "--role", "owner", "--store", slug,
        ]));
    }
    let stores = out(&run(&["store", "list"]));
    let lines: Vec<&str> = stores.lines().collect();
    assert_eq!(lines[0], "corner  Corner Gems  Europe/London  GB  GBP", "{stores}");
    assert_eq!(lines[1], "quay    Quay         Europe/London  GB  GBP", "{stores}");
    let staff = out(&run(&["user", "list"]));
    assert!(
        staff.contains("ann@corner.example.com  Ann Lee  owner  corner"),
        "{staff}"
    );
    assert_eq!(staff.lines().count(), 2, "{staff}");
    let one = out(&run(&["user", "list", "--store", "quay"]));
    assert!(one.contains("ann@quay") && !one.contains("ann@corner"), "{one}");
    assert!(!run(&["user", "list", "--store", "nowhere"]).status.success());
}
