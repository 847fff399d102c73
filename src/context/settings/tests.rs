//! Every value is checked before anything starts.

use secrecy::ExposeSecret;

use super::*;

fn given() -> Given {
    Given {
        secret_key: Some("k".repeat(32)),
        ..Given::default()
    }
}

/// The settings with one thing given otherwise, or the key that is wrong.
fn with(change: impl FnOnce(&mut Given)) -> Result<Settings, &'static str> {
    let mut given = given();
    change(&mut given);
    Settings::resolve(given, None).map_err(|e| e.key)
}

fn with_file(text: &str) -> Result<Settings, WrongSetting> {
    Settings::resolve(given(), Some(text))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_wrong_value_names_its_key() {
    type Change = fn(&mut Given, Option<String>);
    let settings: [(&str, &str, Change); 15] = [
        ("LOUPE_ADDR", "here", |g, v| g.addr = v),
        ("LOUPE_BASE_URL", "ftp://x", |g, v| g.base_url = v),
        ("LOUPE_DATABASE_URL", "mysql://x", |g, v| g.database_url = v),
        ("LOUPE_SMTP_URL", "http://x", |g, v| g.smtp_url = v),
        ("LOUPE_UNDO_SECONDS", "121", |g, v| g.undo_seconds = v),
        ("LOUPE_UNDO_SECONDS", "-1", |g, v| g.undo_seconds = v),
        ("LOUPE_DISPATCH", "maybe", |g, v| g.dispatch = v),
        ("LOUPE_TRUSTED_PROXIES", "10.0.0.0/8, proxy", |g, v| {
            g.trusted_proxies = v
        }),
        ("LOUPE_METRICS_ADDR", "9464", |g, v| g.metrics_addr = v),
        ("LOUPE_LEASE_SECONDS", "0", |g, v| g.lease_seconds = v),
        ("LOUPE_RETRY_SCALE", "2", |g, v| g.retry_scale = v),
        ("LOUPE_DEMO_PUBLIC", "perhaps", |g, v| g.demo_public = v),
        ("LOUPE_SECRET_KEY", "short", |g, v| g.secret_key = v),
        ("LOUPE_SECRET_KEY_FILE", "/no/such/file", |g, v| {
            (g.secret_key, g.secret_key_file) = (None, v.map(PathBuf::from));
        }),
        ("LOUPE_LOG", "=!=", |g, v| g.log = v),
    ];
    for (key, value, change) in settings {
        let made = with(|given| change(given, Some(value.to_owned())));
        assert_eq!(made.map(|_| ()), Err(key), "{value}");
    }
}

#[test]
fn the_address_people_follow_is_a_scheme_and_a_host() {
    let base = |url: &str| with(|g| g.base_url = Some(url.to_owned())).map(|s| s.base_url);
    for good in [
        "https://loupe.example.com",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
    ] {
        assert_eq!(base(good).as_deref(), Ok(good));
        assert_eq!(base(&format!("{good}/")).as_deref(), Ok(good));
    }
    for (typed, read) in [
        ("HTTPS://Loupe.Example.COM/", "https://loupe.example.com"),
        ("Https://loupe.example.com:443", "https://loupe.example.com"),
        ("http://loupe.example.com:443//", "http://loupe.example.com:443"),
        ("HTTP://LOCALHOST:80", "http://localhost"),
    ] {
        assert_eq!(base(typed).as_deref(), Ok(read));
    }
    assert!(with(|g| g.base_url = Some("HTTPS://loupe.example.com".to_owned())).is_ok_and(|s| s.https()));
    for wrong in [
        "",
        "loupe.example.com",
        "https://",
        "https://loupe.example.com/app",
        "https://ann@loupe.example.com",
        "https://loupe.example.com?x",
        "https://loupe.example.com/#x",
        "https://two words",
    ] {
        assert_eq!(base(wrong), Err("LOUPE_BASE_URL"), "{wrong}");
    }
}

#[test]
fn postgres_needs_a_key_of_its_own() {
    let made = with(|g| (g.secret_key, g.database_url) = (None, Some("postgres://x/y".to_owned())));
    assert_eq!(made.map(|_| ()), Err("LOUPE_SECRET_KEY"));
}

#[test]
fn a_key_from_a_file_is_long_enough_and_its_line_end_is_no_part_of_it() {
    let folder = folder();
    let file = folder.path().join("key");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap_or_else(|e| panic!("{e}"));
        with(|g| (g.secret_key, g.secret_key_file) = (None, Some(file.clone())))
            .map(|s| s.secret_key.expose_secret().to_owned())
    };
    assert_eq!(read("short\n"), Err("LOUPE_SECRET_KEY_FILE"));
    assert_eq!(read(&format!("{}\n", "k".repeat(40))), Ok("k".repeat(40)));
}

#[test]
fn an_embedded_store_makes_its_key_once_and_keeps_it_to_itself() {
    let folder = folder();
    let data = folder.path().join("data/loupe.db");
    let start = || {
        with(|g| (g.secret_key, g.database_url) = (None, Some(format!("sqlite://{}", data.display()))))
            .map(|s| s.secret_key.expose_secret().to_owned())
    };
    let made = start().unwrap_or_default();
    assert!(made.len() >= 32, "{made:?}");
    assert_eq!(start(), Ok(made.clone()));
    #[cfg(unix)]
    {
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&data, &link).unwrap_or_else(|e| panic!("{e}"));
        let linked = with(|g| (g.secret_key, g.database_url) = (None, Some(format!("SQLITE://{}", link.display()))))
            .unwrap_or_else(|key| panic!("{key}"));
        assert_eq!(linked.secret_key.expose_secret(), made);
        assert_eq!(
            linked.database_url.expose_secret(),
            format!("sqlite://{}", data.display())
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let kept = std::fs::metadata(data.with_extension("db.key")).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(kept.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let file = "[site]\naddr = \"127.0.0.1:4000\"\n";
    assert_eq!(with(|_| ()).map(|s| s.addr.port()), Ok(3000));
    assert_eq!(with_file(file).map(|s| s.addr.port()).ok(), Some(4000));
    let flagged = Given {
        addr: Some("127.0.0.1:5000".into()),
        ..given()
    };
    let made = Settings::resolve(flagged, Some(file));
    assert_eq!(made.map(|s| s.addr.port()).ok(), Some(5000));
}

#[test]
fn every_key_of_the_file_is_read() {
    let file = r#"
        [site]
        addr = "127.0.0.1:4000"
        base_url = "https://loupe.example.com"
        root = "elsewhere"
        demo_public = "on"
        metrics_addr = "127.0.0.1:9464"
        trusted_proxies = "10.0.0.0/8"
        [database]
        url = "sqlite://shop.db"
        [dispatch]
        run = "off"
        undo_seconds = "5"
        lease_seconds = "60"
        [log]
        level = "debug"
    "#;
    let read = with_file(file).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read.addr.to_string(), "127.0.0.1:4000");
    assert_eq!(read.base_url, "https://loupe.example.com");
    assert_eq!(read.site_root, PathBuf::from("elsewhere"));
    assert!(read.demo_public && !read.dispatch);
    assert_eq!(read.metrics_addr.map(|a| a.port()), Some(9464));
    assert_eq!(Ok(read.trusted_proxies), TrustedProxies::parse("10.0.0.0/8"));
    assert_eq!(read.database_url.expose_secret(), "sqlite://shop.db");
    assert_eq!((read.undo_seconds, read.lease_seconds), (Some(5), 60));
    assert_eq!(read.log, "debug");
}

#[test]
fn the_file_that_comes_with_the_program_changes_nothing() {
    let ours = with_file(include_str!("../../../Leptos.toml")).unwrap_or_else(|e| panic!("{e}"));
    let default = with(|_| ()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(format!("{ours:?}"), format!("{default:?}"));
}

#[test]
fn secrets_are_not_read_from_the_file() {
    for file in [
        "[database]\nurl = \"sqlite://x.db\"\nsmtp_url = \"smtp://x\"\n",
        "[site]\nsecret_key = \"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"\n",
        "[database]\nurl = \"postgres://loupe:hush@db.example.com/loupe\"\n",
        "[database]\nurl = \"postgres://db.example.com/loupe?user=loupe&password=hush\"\n",
    ] {
        let refused = with_file(file).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(refused.starts_with("Leptos.toml: "), "{refused}");
        assert!(!refused.contains("hush"), "{refused}");
    }
    assert!(with_file("[database]\nurl = \"postgres://loupe@db.example.com/loupe\"\n").is_ok());
}
