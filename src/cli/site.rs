//! `loupe site`: lays out what browsers fetch. Files whose content names them (`loupe.<hash>.wasm`)
//! can be kept for a year, and each text is packed once here rather than on every request.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use sha2::{Digest, Sha256};

use super::{Failure, say};

/// Most that the islands' code may weigh on the wire, in bytes: what it weighs and 5 %. Its views are
/// the framework's and its questions the typed server functions, each of which brings its own reader
/// and writer; drawn and asked by hand, the same parts weighed half of it.
const WASM_BUDGET: usize = 311_000;
/// Most that its JavaScript part may weigh.
const GLUE_BUDGET: usize = 9_000;

/// Where from and where to.
#[derive(Clone, Debug, Args)]
pub struct SiteArgs {
    /// The folder with loupe.js and loupe_bg.wasm
    #[arg(long)]
    pkg: PathBuf,
    /// Static files
    #[arg(long, default_value = "public")]
    public: PathBuf,
    /// The style sheet
    #[arg(long, default_value = "style/main.css")]
    style: PathBuf,
    /// The site's folder; made, or brought up to date
    #[arg(long)]
    to: PathBuf,
    /// Fail when the islands' code is heavier than it may be
    #[arg(long)]
    budget: bool,
}

pub(super) fn lay_out(args: &SiteArgs) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::said(format!("The site can't be laid out: {e}"));
    let sizes = arrange(args).map_err(failed)?;
    say(&format!(
        "Browser code: {:.1} kB WebAssembly (at most {}), {:.1} kB JavaScript (at most {}); style sheet {:.1} kB.",
        kilobytes(sizes.wasm),
        WASM_BUDGET / 1000,
        kilobytes(sizes.glue),
        GLUE_BUDGET / 1000,
        kilobytes(sizes.style),
    ));
    if args.budget && (sizes.wasm > WASM_BUDGET || sizes.glue > GLUE_BUDGET) {
        return Err(Failure::said("The browser code is over its budget."));
    }
    Ok(())
}

fn kilobytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1000.0
}

/// What goes over the wire, packed, in bytes.
struct Sizes {
    wasm: usize,
    glue: usize,
    style: usize,
}

fn arrange(args: &SiteArgs) -> std::io::Result<Sizes> {
    let pkg = args.to.join("pkg");
    fs::create_dir_all(&pkg)?;
    copy_folder(&args.public, &args.to)?;
    let style = place(&fs::read(&args.style)?, &args.to.join("main.css"))?;

    let js = fs::read(args.pkg.join("loupe.js"))?;
    let wasm = fs::read(args.pkg.join("loupe_bg.wasm"))?;
    let (js_print, wasm_print) = (print(&js), print(&wasm));
    let js_name = format!("loupe.{js_print}.js");
    let wasm_name = format!("loupe.{wasm_print}.wasm");
    let glue = place(&js, &pkg.join(&js_name))?;
    let wasm = place(&wasm, &pkg.join(&wasm_name))?;
    forget_others(&pkg, &[&js_name, &wasm_name])?;
    // Last: a server that starts meanwhile finds either the old pair or the new one.
    fs::write(pkg.join("hash.txt"), format!("js: {js_print}\nwasm: {wasm_print}\n"))?;
    Ok(Sizes { wasm, glue, style })
}

fn print(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes)).chars().take(16).collect()
}

/// Writes a file and its packed twin unless they are there; answers the twin's size.
fn place(bytes: &[u8], to: &Path) -> std::io::Result<usize> {
    let mut twin = to.as_os_str().to_owned();
    twin.push(".br");
    let twin = PathBuf::from(twin);
    let same = fs::read(to).is_ok_and(|there| there == bytes);
    if !same || !twin.exists() {
        fs::write(to, bytes)?;
        fs::write(&twin, packed(bytes)?)?;
    }
    Ok(usize::try_from(fs::metadata(twin)?.len()).unwrap_or(usize::MAX))
}

fn packed(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, 11, 22);
    writer.write_all(bytes)?;
    Ok(writer.into_inner())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
            continue;
        }
        let text = entry
            .path()
            .extension()
            .is_some_and(|e| e == "svg" || e == "txt" || e == "js");
        let bytes = fs::read(entry.path())?;
        if text {
            place(&bytes, &target)?;
        } else if !fs::read(&target).is_ok_and(|there| there == bytes) {
            fs::write(target, bytes)?;
        }
    }
    Ok(())
}

/// Removes the islands' code of earlier builds.
fn forget_others(pkg: &Path, kept: &[&str]) -> std::io::Result<()> {
    for entry in fs::read_dir(pkg)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = name.starts_with("loupe.");
        if ours && !kept.contains(&name.trim_end_matches(".br")) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_code_is_named_by_its_content_and_old_code_goes() {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let at = |path: &str| folder.path().join(path);
        let put = |path: &str, bytes: &[u8]| {
            let _ = fs::create_dir_all(at(path).parent().unwrap_or(Path::new("/")));
            fs::write(at(path), bytes).unwrap_or_else(|e| panic!("{e}"));
        };
        put("pkg/loupe.js", b"js");
        put("pkg/loupe_bg.wasm", b"wasm 1");
        put("public/fonts/a.woff2", b"font");
        put("main.css", b"body{}");
        let args = SiteArgs {
            pkg: at("pkg"),
            public: at("public"),
            style: at("main.css"),
            to: at("site"),
            budget: true,
        };
        assert!(lay_out(&args).is_ok());
        let first = print(b"wasm 1");
        assert!(at(&format!("site/pkg/loupe.{first}.wasm.br")).exists());
        assert!(at("site/fonts/a.woff2").exists());
        put("pkg/loupe_bg.wasm", b"wasm 2");
        assert!(lay_out(&args).is_ok());
        assert!(!at(&format!("site/pkg/loupe.{first}.wasm")).exists());
        let hashes = fs::read_to_string(at("site/pkg/hash.txt")).unwrap_or_default();
        assert_eq!(hashes, format!("js: {}\nwasm: {}\n", print(b"js"), print(b"wasm 2")));
    }

    #[test]
    fn code_over_its_budget_fails_the_build() {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let at = |path: &str| folder.path().join(path);
        let _ = fs::create_dir_all(at("pkg"));
        let _ = fs::create_dir_all(at("public"));
        // Digits of hashes do not pack well.
        let noise: Vec<u8> = (0u32..)
            .take(WASM_BUDGET / 16)
            .flat_map(|n| Sha256::digest(n.to_le_bytes()))
            .collect();
        let _ = fs::write(at("pkg/loupe.js"), b"js");
        let _ = fs::write(at("pkg/loupe_bg.wasm"), noise);
        let _ = fs::write(at("main.css"), b"");
        let args = SiteArgs {
            pkg: at("pkg"),
            public: at("public"),
            style: at("main.css"),
            to: at("site"),
            budget: true,
        };
        assert!(lay_out(&args).is_err());
    }
}
