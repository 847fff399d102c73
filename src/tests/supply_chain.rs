//! What Loupe is built from: where it comes from, under which licences, how much of it is there twice, and
//! that known faults are behind us.
//!
//! Not checked here: advisories that are younger than this list (`cargo deny --config .deny.toml check`
//! knows them, and needs the network), versions that were withdrawn, and what the code of a crate does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

/// Licences that ask no more than to be named.
const LICENCES: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that are there in several versions, and in how many. It may only become shorter.
const TWICE: [(&str, usize); 24] = [
    ("base64", 2),
    ("block-buffer", 2),
    ("convert_case", 2),
    ("cpufeatures", 2),
    ("crypto-common", 2),
    ("digest", 2),
    ("embedded-io", 2),
    ("getrandom", 3),
    ("hashbrown", 2),
    ("nom", 2),
    ("r-efi", 2),
    ("rand", 2),
    ("rand_core", 2),
    ("regex-syntax", 2),
    ("sha1", 2),
    ("sha2", 2),
    ("syn", 2),
    ("synstructure", 2),
    ("thiserror", 2),
    ("thiserror-impl", 2),
    ("toml", 2),
    ("toml_datetime", 2),
    ("windows-sys", 3),
    ("winnow", 2),
];

/// The first versions without a fault that was made public.
const SOUND_SINCE: [(&str, [u64; 3], &str); 6] = [
    ("bytes", [1, 11, 1], "RUSTSEC-2026-0007"),
    ("rustls", [0, 23, 46], "RUSTSEC-2026-0285"),
    ("rustls-webpki", [0, 103, 17], "RUSTSEC-2026-0098, -0099, -0104"),
    ("quick-xml", [0, 41, 0], "RUSTSEC-2026-0194, -0195"),
    ("ring", [0, 17, 12], "RUSTSEC-2025-0009"),
    ("tokio", [1, 44, 2], "RUSTSEC-2025-0023"),
];

/// Crates with a fault that nobody has mended, and those that bring a C library along which ages by itself.
const NEVER: [&str; 4] = ["native-tls", "openssl", "openssl-sys", "rsa"];

/// Nobody looks after these any more. No fault of theirs is known, and each comes with another crate.
const UNMAINTAINED: [(&str, &str); 2] = [("atomic-polyfill", "phonenumber"), ("paste", "leptos")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn toml_of(file: &str) -> toml::Table {
    fs::read_to_string(root().join(file)).unwrap().parse().unwrap()
}

/// What `Cargo.lock` says of every package.
fn locked() -> Vec<toml::Table> {
    let packages = toml_of("Cargo.lock")["package"].as_array().unwrap().clone();
    packages.into_iter().map(|p| p.as_table().unwrap().clone()).collect()
}

fn text<'a>(package: &'a toml::Table, key: &str) -> &'a str {
    package.get(key).and_then(toml::Value::as_str).unwrap_or_default()
}

#[test]
fn every_crate_comes_from_the_registry_with_its_fingerprint() {
    let packages = locked();
    assert!(packages.len() > 100);
    for package in packages.iter().filter(|p| text(p, "name") != "loupe") {
        let name = text(package, "name");
        let source = "registry+https://github.com/rust-lang/crates.io-index";
        assert_eq!(text(package, "source"), source, "{name}");
        assert_eq!(text(package, "checksum").len(), 64, "{name}");
    }
}

#[test]
fn every_licence_is_allowed_and_every_allowed_one_is_needed() {
    // Known from the manifests, which are here since it was built; others are fetched.
    let answer = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1", "--all-features"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let packages = answer["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let (mut wrong, mut named) = (Vec::new(), String::new());
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none");
        if !is_allowed(licence, &LICENCES) {
            wrong.push(format!("{}: {licence}", package["name"]));
        }
        named.push_str(&format!("{licence}\n"));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for licence in LICENCES {
        let others: Vec<&str> = LICENCES.into_iter().filter(|other| *other != licence).collect();
        let is_needed = named.lines().any(|named| !is_allowed(named, &others));
        let is_a_choice = ["0BSD", "Apache-2.0 WITH LLVM-exception", "BSL-1.0", "Unlicense"].contains(&licence);
        assert!(
            is_needed || is_a_choice && named.contains(licence),
            "{licence} is not needed"
        );
    }
}

/// Whether a licence expression can be met with these. `/` is an old way to write `OR`.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let is_met = either(&words, &mut at, allowed);
    is_met && at == words.len()
}

fn either(words: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let mut is_met = both_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        is_met |= both_of(words, at, allowed);
    }
    is_met
}

fn both_of(words: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let mut is_met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        is_met &= one(words, at, allowed);
    }
    is_met
}

fn one(words: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    if word == "(" {
        let is_met = either(words, at, allowed);
        *at += 1;
        return is_met;
    }
    match (words.get(*at), words.get(*at + 1)) {
        (Some(&"WITH"), Some(exception)) => {
            *at += 2;
            allowed.contains(&format!("{word} WITH {exception}").as_str())
        }
        _ => allowed.contains(&word),
    }
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
    for (expression, is) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND ISC", true),
        ("(MIT OR ISC) AND GPL-3.0", false),
        ("GPL-3.0 OR MIT AND ISC", true),
        ("Apache-2.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("MIT ISC", false),
        ("none", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), is, "{expression}");
    }
}

#[test]
fn no_more_crates_are_there_twice_than_are_listed() {
    let mut versions: BTreeMap<String, usize> = BTreeMap::new();
    for package in locked() {
        *versions.entry(text(&package, "name").to_owned()).or_default() += 1;
    }
    versions.retain(|_, times| *times > 1);
    let listed: BTreeMap<String, usize> = TWICE.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    assert_eq!(
        versions, listed,
        "what is gone leaves the list; what is new has to be avoided"
    );
}

fn numbers(version: &str) -> [u64; 3] {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|part| part.parse().unwrap());
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[test]
fn known_faults_are_behind_us() {
    let packages = locked();
    for package in &packages {
        let (name, version) = (text(package, "name"), text(package, "version"));
        assert!(!NEVER.contains(&name), "{name}");
        for (_, since, advisory) in SOUND_SINCE.iter().filter(|(listed, ..)| *listed == name) {
            assert!(numbers(version) >= *since, "{name} {version}: {advisory}");
        }
    }
    let there: BTreeSet<&str> = packages.iter().map(|p| text(p, "name")).collect();
    for (name, ..) in SOUND_SINCE {
        assert!(
            there.contains(name),
            "{name} is not used any more: take it off the list"
        );
    }
    for (name, by) in UNMAINTAINED {
        assert!(
            there.contains(name),
            "{name} is gone: take it off the list, and off .deny.toml"
        );
        assert!(there.contains(by), "{by}");
    }
}

#[test]
fn every_crate_that_is_asked_for_is_used() {
    let manifest = toml_of("Cargo.toml");
    let mut all = String::new();
    for file in sources(&root().join("src")) {
        all.push_str(&fs::read_to_string(file).unwrap());
    }
    for table in ["dependencies", "dev-dependencies"] {
        for name in manifest[table].as_table().unwrap().keys() {
            let path = format!("{}::", name.replace('-', "_"));
            // Named by what the macros of leptos write.
            let is_written_by_macros = name == "js-sys" || name == "wasm-bindgen";
            assert!(
                is_written_by_macros || all.contains(&path),
                "{name} is in Cargo.toml for nothing"
            );
        }
    }
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn both_lists_of_licences_are_the_same() {
    let deny = toml_of(".deny.toml");
    let allowed = deny["licenses"]["allow"].as_array().unwrap();
    let allowed: Vec<&str> = allowed.iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(allowed, LICENCES);
}
