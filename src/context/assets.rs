//! The files the browser fetches: the style sheet, fonts, and the islands' code.

use std::path::{Path, PathBuf};

use leptos::prelude::LeptosOptions;
use sha2::{Digest, Sha256};

/// Where the built site is, and the fingerprints that let browsers keep its files for a year.
#[derive(Debug)]
pub struct Assets {
    pub root: PathBuf,
    /// `/main.css?v=…`
    pub stylesheet: String,
    pub icons: Icons,
    pub leptos_options: LeptosOptions,
}

/// The addresses of the icons, each with its fingerprint.
#[derive(Clone, Debug, Default)]
pub struct Icons {
    pub svg: String,
    /// For browsers that do not draw the first.
    pub ico: String,
    /// For the home screen of a phone.
    pub touch: String,
}

impl Assets {
    /// Looks at the site folder once, at start.
    pub fn find(root: &Path) -> Self {
        let named = |file: &str| {
            let print = std::fs::read(root.join(file)).map(|bytes| fingerprint(&bytes));
            format!("/{file}?v={}", print.unwrap_or_default())
        };
        let hash_file = std::path::absolute(root.join("pkg/hash.txt")).unwrap_or_else(|_| root.join("pkg/hash.txt"));
        let leptos_options = LeptosOptions::builder()
            .output_name("loupe")
            .site_root(root.to_string_lossy().into_owned())
            .site_pkg_dir("pkg")
            .hash_files(hash_file.exists())
            .hash_file(hash_file.to_string_lossy().as_ref().into())
            .build();
        Self {
            root: root.to_owned(),
            stylesheet: named("main.css"),
            icons: Icons {
                svg: named("favicon.svg"),
                ico: named("favicon.ico"),
                touch: named("apple-touch-icon.png"),
            },
            leptos_options,
        }
    }
}

fn fingerprint(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes)).chars().take(12).collect()
}
