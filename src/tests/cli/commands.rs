//! The program as a shell sees it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use loupe::db::{Backend, Db};

use crate::support::app::TestApp;

fn loupe(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loupe"));
    command
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("LOUPE_ADDR", "127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    loupe(folder, args).output().expect("the program runs")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const SHOP: [&str; 15] = [
    "store",
    "add",
    "corner",
    "--name",
    "Corner Gems",
    "--time-zone",
    "Europe/London",
    "--country",
    "gb",
    "--currency",
    "GBP",
    "--from",
    "hello@corner.example.com",
    "--footer",
    "Corner Gems, 2 Example Road, London",
];

/// A running server: ends with the test.
struct Server {
    child: Child,
    lines: Vec<String>,
    address: String,
}

impl Server {
    /// Reads what it says until it says how to stop it.
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
        let mut lines = Vec::new();
        let mut reader = BufReader::new(child.stdout.take().expect("its words"));
        loop {
            let mut line = String::new();
            let read = reader.read_line(&mut line).expect("a line");
            assert!(read > 0, "it ended: {lines:?}");
            lines.push(line.trim_end().to_owned());
            if line.starts_with("Stop with") {
                break;
            }
        }
        let address = lines
            .iter()
            .find_map(|l| l.split_once("http://").map(|(_, a)| a.to_owned()))
            .expect("an address");
        Self { child, lines, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it answers");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Asks it to stop, as a service manager does; the exit code.
    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn help_describes_every_command_and_setting() {
    let folder = tempfile::tempdir().unwrap();
    let help = out(&run(folder.path(), &["--help"]));
    let words = [
        "serve",
        "import",
        "worker",
        "migrate",
        "demo",
        "store",
        "user",
        "doctor",
        "backup",
        "restore",
        "LOUPE_ADDR",
        "LOUPE_BASE_URL",
        "LOUPE_DATABASE_URL",
        "LOUPE_SMTP_URL",
        "LOUPE_UNDO_SECONDS",
        "LOUPE_DISPATCH",
        "LOUPE_LEASE_SECONDS",
        "LOUPE_METRICS_ADDR",
        "LOUPE_TRUSTED_PROXIES",
        "LOUPE_SITE_ROOT",
        "LOUPE_DEMO_PUBLIC",
        "LOUPE_SECRET_KEY",
        "LOUPE_SECRET_KEY_FILE",
        "LOUPE_LOG",
    ];
    for word in words {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
}

#[test]
fn a_wrong_setting_stops_the_start_and_names_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let output = loupe(folder.path(), &["serve"])
        .env("LOUPE_UNDO_SECONDS", "soon")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).starts_with("LOUPE_UNDO_SECONDS: "), "{}", err(&output));
    std::fs::write(folder.path().join("Leptos.toml"), "[sight]\naddr = \"127.0.0.1:1\"\n").unwrap();
    let output = run(folder.path(), &["serve"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).starts_with("Leptos.toml: "), "{}", err(&output));
}

#[test]
fn a_store_and_its_owner_are_made_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let opened = run(folder.path(), &SHOP);
    assert!(opened.status.success(), "{}", err(&opened));
    let twice = run(folder.path(), &SHOP);
    assert_eq!(twice.status.code(), Some(1));
    let add = [
        "user",
        "add",
        "ann@corner.example.com",
        "--name",
        "Ann Lee",
        "--role",
        "owner",
        "--store",
        "corner",
    ];
    let added = run(folder.path(), &add);
    assert!(
        out(&added).contains("shown this once"),
        "{}{}",
        out(&added),
        err(&added)
    );
    assert_eq!(
        run(folder.path(), &add).status.code(),
        Some(1),
        "an address signs in to one store"
    );
    let mut reset = loupe(
        folder.path(),
        &["user", "reset-password", "ann@corner.example.com", "--password-stdin"],
    )
    .stdin(Stdio::piped())
    .spawn()
    .unwrap();
    reset.stdin.take().unwrap().write_all(b"short\n").unwrap();
    let refused = reset.wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("at least 10"), "{}", err(&refused));
}

#[test]
fn wrong_values_of_a_store_are_listed_by_flag() {
    let folder = tempfile::tempdir().unwrap();
    let mut args = SHOP;
    args[6] = "Europe/Nowhere";
    args[10] = "POUND";
    let output = run(folder.path(), &args);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains("--time-zone: ") && err(&output).contains("--currency: "),
        "{}",
        err(&output)
    );
}

#[test]
fn a_file_is_imported_and_its_broken_rows_are_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &SHOP).status.success());
    let file = "name,email,phone,tags\nAnn Lee,ann@example.com,,wedding\nBo,not an address,,\n";
    std::fs::write(folder.path().join("book.csv"), file).unwrap();
    let import = |more: &[&str]| {
        run(
            folder.path(),
            &[&["import", "book.csv", "--store", "corner"], more].concat(),
        )
    };
    let looked = out(&import(&["--dry-run"]));
    assert!(
        looked.contains("Nothing was changed") && looked.contains("1 added"),
        "{looked}"
    );
    let done = import(&["--errors", "errors.csv"]);
    assert!(done.status.success(), "{}", err(&done));
    let told = out(&done);
    assert!(
        told.contains("2 rows read, 1 added, 0 updated, 0 unchanged, 1 refused"),
        "{told}"
    );
    let errors = std::fs::read_to_string(folder.path().join("errors.csv")).unwrap();
    assert!(errors.contains("3,Not imported,email,"), "{errors}");
    let again = out(&import(&[]));
    assert!(again.contains("0 added, 0 updated, 1 unchanged"), "{again}");
    // Mended in place, it is imported as it is.
    let mended = errors.replace("not an address", "bo@example.com");
    std::fs::write(folder.path().join("errors.csv"), mended).unwrap();
    let mended = out(&run(folder.path(), &["import", "errors.csv", "--store", "corner"]));
    assert!(mended.contains("1 rows read, 1 added"), "{mended}");

    let none = run(folder.path(), &["import", "none.csv", "--store", "corner"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(
        err(&none).contains("none.csv: The file can't be read: No such file"),
        "{}",
        err(&none)
    );
}

#[test]
fn what_a_file_leaves_open_is_asked_before_it_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &SHOP).status.success());
    let file = "Kunde,GDPR,birthday\nAnn Lee,yes,3/4/1980\n";
    std::fs::write(folder.path().join("book.csv"), file).unwrap();
    let import = |more: &[&str]| {
        let args = [
            &["import", "book.csv", "--store", "corner", "--column", "kunde=name"],
            more,
        ]
        .concat();
        run(folder.path(), &args)
    };
    let questions = [
        "No column is an email address or a phone number",
        "The column GDPR may say who wants no email",
        "--column \"GDPR=email_opt_out\"",
        "--dates dmy or --dates mdy",
    ];
    let looked = import(&["--dry-run"]);
    assert!(looked.status.success(), "{}", err(&looked));
    for words in questions {
        assert!(out(&looked).contains(words), "{words}: {}", out(&looked));
    }
    let refused = import(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("nothing was imported"), "{}", err(&refused));
    for words in &questions[1..] {
        assert!(err(&refused).contains(words), "{words}: {}", err(&refused));
    }
    for wrong in ["GDPR", "GDPR=perhaps", "Shoe=skip"] {
        let refused = import(&["--column", wrong]);
        assert_eq!(refused.status.code(), Some(1), "{wrong}");
        assert!(err(&refused).contains("--column"), "{}", err(&refused));
    }
    let done = import(&["--column", "GDPR=skip", "--dates", "dmy"]);
    assert!(out(&done).contains("1 added"), "{}{}", out(&done), err(&done));
    let gone = "name,email\nAnn Lee,ann@example.com\n";
    std::fs::write(folder.path().join("gone.csv"), gone).unwrap();
    let gone = run(
        folder.path(),
        &["import", "gone.csv", "--store", "corner", "--unsubscribed"],
    );
    assert!(out(&gone).contains("1 added"), "{}{}", out(&gone), err(&gone));
}

#[test]
fn an_empty_database_is_served_with_a_link_to_set_it_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(loupe(folder.path(), &["serve"]));
    // The port was the system's choice, and the link leads to it.
    let link = format!("http://{}/setup?token=", server.address);
    assert!(server.lines.iter().any(|l| l.contains(&link)), "{:?}", server.lines);
    assert!(server.get("/livez").ends_with("ok"));
    let second = run(folder.path(), &["serve"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(err(&second).contains("another Loupe process"), "{}", err(&second));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_demo_is_served_here_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let made = run(folder.path(), &["demo"]);
    assert!(out(&made).contains("1,240"), "{}{}", out(&made), err(&made));
    assert!(out(&run(folder.path(), &["demo"])).contains("nothing was changed"));
    let open = loupe(folder.path(), &["serve"])
        .env("LOUPE_ADDR", "0.0.0.0:0")
        .output()
        .unwrap();
    assert_eq!(open.status.code(), Some(2));
    assert!(err(&open).contains("LOUPE_DEMO_PUBLIC=on"), "{}", err(&open));
    let server = Server::start(loupe(folder.path(), &["serve"]));
    let said = server.lines.join("\n");
    assert!(
        said.contains("owner@aurelia.example.com") && said.contains("aurelia-demo"),
        "{said}"
    );
    assert!(server.get("/login").contains("Sign in"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_doctor_says_what_to_mend() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["migrate"]).status.success());
    let output = loupe(folder.path(), &["doctor"])
        .env("LOUPE_SMTP_URL", "smtp://user:secret@127.0.0.1:1?tls=none")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        out(&output).contains("ok    Database"),
        "{}{}",
        out(&output),
        err(&output)
    );
    assert!(out(&output).contains("mend  Mail"), "{}", out(&output));
    for part in ["Numbers", "Clock", "Disk", "Scheduler", "Site", "Address"] {
        assert!(out(&output).contains(part), "{part}: {}", out(&output));
    }
    assert!(!out(&output).contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_when_postgres_does_not_wait_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::new(Backend::Postgres).await;
    let Db::Postgres(pool) = app.db() else {
        panic!("PostgreSQL")
    };
    let fsync: String = sqlx::query_scalar("show fsync").fetch_one(pool).await.unwrap();
    let output = loupe(folder.path(), &["doctor"])
        .env("LOUPE_DATABASE_URL", &app.url)
        .env("LOUPE_SECRET_KEY", "0".repeat(64))
        .output()
        .unwrap();
    let expected = match fsync.as_str() {
        "off" => "mend  Writes    PostgreSQL runs with fsync = off",
        _ => "ok    Writes",
    };
    assert!(out(&output).contains(expected), "{}{}", out(&output), err(&output));
}

#[test]
fn every_wrong_setting_stops_the_start_and_names_its_key() {
    let folder = tempfile::tempdir().unwrap();
    for (key, value) in [
        ("LOUPE_ADDR", "here"),
        ("LOUPE_BASE_URL", "loupe.example.com"),
        ("LOUPE_DATABASE_URL", "mysql://127.0.0.1/x"),
        ("LOUPE_SMTP_URL", "mail.example.com"),
        ("LOUPE_DISPATCH", "maybe"),
        ("LOUPE_TRUSTED_PROXIES", "proxy.example.com"),
        ("LOUPE_METRICS_ADDR", "9464"),
        ("LOUPE_LEASE_SECONDS", "0"),
        ("LOUPE_DEMO_PUBLIC", "perhaps"),
        ("LOUPE_SECRET_KEY", "short"),
        ("LOUPE_SECRET_KEY_FILE", "no-such-file"),
        ("LOUPE_LOG", "=!="),
    ] {
        let output = loupe(folder.path(), &["serve"]).env(key, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{key}");
        assert!(err(&output).starts_with(&format!("{key}: ")), "{}", err(&output));
    }
    assert!(!folder.path().join("data/loupe.db").exists(), "nothing was begun");
}

#[test]
fn no_listener_waits_for_ever_for_the_rest_of_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let metrics = format!("127.0.0.1:{port}");
    let mut command = loupe(folder.path(), &["serve"]);
    command.env("LOUPE_METRICS_ADDR", &metrics);
    let server = Server::start(command);
    let begun = std::time::Instant::now();
    let halves: Vec<TcpStream> = [&server.address, &metrics]
        .into_iter()
        .map(|address| {
            // The numbers have their listener a moment after the words.
            let mut stream = (0..100)
                .find_map(|_| {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                    TcpStream::connect(address).ok()
                })
                .expect("it listens");
            stream.write_all(b"GET /livez HTTP/1.1\r\nHos").unwrap();
            stream
                .set_read_timeout(Some(std::time::Duration::from_secs(40)))
                .unwrap();
            stream
        })
        .collect();
    for mut half in halves {
        let mut rest = Vec::new();
        // Closed, in order or not, long before the time of reading is over.
        let _ = half.read_to_end(&mut rest);
        let took = begun.elapsed().as_secs();
        assert!((9..35).contains(&took), "{took}");
    }
    assert!(server.get("/livez").starts_with("HTTP/1.1 200"));
}
