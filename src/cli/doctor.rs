//! `loupe doctor`: looks at everything a start relies on, changes no data, and says what to mend.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use secrecy::ExposeSecret;

use super::{
    Failure, domains,
    queries::{self, Shop},
};
use crate::{
    channels::email::{check::check_account, dns::Resolver},
    context::{Settings, encryption},
    db::{self, Db},
    mail_accounts::provider_queries,
    messages::tallies,
    scheduler::heartbeat,
    time::Clock,
};

/// Less free space than this is a danger: the database stops taking writes when there is none.
const ENOUGH_SPACE: u64 = 500 * 1024 * 1024;

/// One thing looked at.
struct Finding {
    good: bool,
    what: &'static str,
    words: String,
}

fn good(what: &'static str, words: impl Into<String>) -> Finding {
    Finding {
        good: true,
        what,
        words: words.into(),
    }
}

fn bad(what: &'static str, words: impl Into<String>) -> Finding {
    Finding {
        good: false,
        what,
        words: words.into(),
    }
}

pub(super) async fn examine(settings: &Settings) -> Result<(), Failure> {
    let now = Clock::System.now();
    let mut findings = Vec::new();
    let shops = database(settings, now, &mut findings).await;
    findings.push(space(settings));
    findings.push(provider(settings).await);
    findings.extend(from_domains(settings, &shops).await);
    findings.push(site(settings));
    findings.push(address(settings));
    let wrong = findings.iter().filter(|f| !f.good).count();
    let mut out = std::io::stdout().lock();
    for Finding { good, what, words } in findings {
        let mark = if good { "ok  " } else { "mend" };
        let _ = writeln!(out, "{mark}  {what:<9} {words}");
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::said("1 thing to mend.")),
        n => Err(Failure::said(format!("{n} things to mend."))),
    }
}

/// The file of an SQLite database.
fn data_file(settings: &Settings) -> Option<PathBuf> {
    let url = settings.database_url.expose_secret();
    let path = url.strip_prefix("sqlite://")?;
    Some(PathBuf::from(path.split('?').next().unwrap_or(path)))
}

/// Looks at the database and what it says; answers the stores in it.
async fn database(settings: &Settings, now: DateTime<Utc>, findings: &mut Vec<Finding>) -> Vec<Shop> {
    if let Some(file) = data_file(settings).filter(|f| !f.exists()) {
        let words = format!("{} isn't there yet; the first start makes it", file.display());
        findings.push(good("Database", words));
        return Vec::new();
    }
    let db = match db::connect(settings.database_url.expose_secret()).await {
        Ok(db) => db,
        Err(error) => {
            findings.push(bad("Database", format!("it can't be opened: {error}")));
            return Vec::new();
        }
    };
    findings.push(tables(&db).await);
    if db.backend() == db::Backend::Postgres {
        findings.push(durable(&db).await.unwrap_or_else(|e| bad("Writes", e.to_string())));
    }
    findings.push(numbers(&db).await);
    findings.push(clock(&db, now).await.unwrap_or_else(|e| bad("Clock", e.to_string())));
    findings.push(scheduler(&db, settings, now).await);
    findings.extend(events(&db, settings).await);
    let shops = queries::shops(&db).await.unwrap_or_default();
    for Shop { slug, time_zone, .. } in &shops {
        if time_zone.parse::<Tz>().is_err() {
            let words = format!("store {slug}: {time_zone:?} isn't a time zone; its times are read as UTC");
            findings.push(bad("Store", words));
        }
    }
    db.close().await;
    shops
}

/// Whether PostgreSQL has on the disk what it says is written: who has been written to must not be
/// forgotten when the machine fails.
async fn durable(db: &Db) -> sqlx::Result<Finding> {
    let off = queries::unsafe_settings(db).await?;
    Ok(match off.as_slice() {
        [] => good("Writes", "PostgreSQL waits for the disk"),
        off => bad(
            "Writes",
            format!(
                "PostgreSQL runs with {}: after a power cut people could be written to twice",
                off.join(" and ")
            ),
        ),
    })
}

/// Whether what the pages say of sends is what their rows say.
async fn numbers(db: &Db) -> Finding {
    match tallies::drifted(db).await {
        Ok(sends) if sends.is_empty() => good("Numbers", "those of every send are those of its rows"),
        Ok(sends) => {
            let list: Vec<String> = sends.iter().take(10).map(i64::to_string).collect();
            let words = format!(
                "{} sends have other numbers than their rows, as {}: somebody wrote past the database's triggers",
                sends.len(),
                list.join(", ")
            );
            bad("Numbers", words)
        }
        // Its table comes with the next start.
        Err(_) => good("Numbers", "not known before the tables are up to date"),
    }
}

async fn tables(db: &Db) -> Finding {
    let newest = db::newest_migration(db.backend());
    match queries::newest_applied(db).await {
        Err(error) => bad("Database", format!("it opens, but can't be read: {error}")),
        Ok(None) => good("Database", "it opens and is empty; the first start makes its tables"),
        Ok(Some(at)) if at == newest => good("Database", format!("it opens and is up to date (migration {at})")),
        Ok(Some(at)) if at < newest => bad(
            "Database",
            format!("migration {at} of {newest}: the next start or `loupe migrate` brings it up to date"),
        ),
        Ok(Some(at)) => bad(
            "Database",
            format!("migration {at} is newer than this program, which knows {newest}: use the newer program"),
        ),
    }
}

/// Whether somebody sends what is planned. While nothing runs, that is as it should be.
async fn scheduler(db: &Db, settings: &Settings, now: DateTime<Utc>) -> Finding {
    match heartbeat::silence(db, now).await {
        Ok(Some(silence)) if !heartbeat::is_gone(silence) => {
            good("Scheduler", "running: planned campaigns go out by themselves")
        }
        Ok(_) if settings.dispatch => good("Scheduler", "not running now; it runs inside `loupe serve`"),
        Ok(_) => good(
            "Scheduler",
            "not running, and LOUPE_DISPATCH is off here: another instance has to send",
        ),
        // Its table comes with the next start.
        Err(_) => good("Scheduler", "not known before the tables are up to date"),
    }
}

/// Whether the secrets that prove the mail providers' events can be opened.
async fn events(db: &Db, settings: &Settings) -> Vec<Finding> {
    // Its columns come with the next start.
    let kept = provider_queries::all(db).await.unwrap_or_default();
    kept.iter()
        .map(|kept| {
            let (provider, account) = (kept.provider.name(), &kept.account);
            match encryption::decrypt(&settings.secret_key, account, &kept.hook_secret) {
                Some(_) => good("Events", format!("{provider} ({account}): their secret can be opened")),
                None => bad(
                    "Events",
                    format!(
                        "{provider} ({account}): their secret was sealed with another key than LOUPE_SECRET_KEY, and none \
                         is taken; give the former key back, or enter the secret again"
                    ),
                ),
            }
        })
        .collect()
}

async fn clock(db: &Db, now: DateTime<Utc>) -> sqlx::Result<Finding> {
    let apart = (queries::clock(db).await? - now).abs();
    if apart > Duration::seconds(5) {
        let words = format!(
            "this machine and the database are {} seconds apart",
            apart.num_seconds()
        );
        return Ok(bad("Clock", words));
    }
    let last = match queries::newest_applied(db).await? {
        Some(_) => queries::last_event(db).await?,
        None => None,
    };
    Ok(match last.filter(|at| *at > now + Duration::seconds(5)) {
        Some(at) => bad(
            "Clock",
            format!("it says {now}, but something was written down at {at}: has it been put back?"),
        ),
        None => good("Clock", format!("{} UTC", now.format("%Y-%m-%d %H:%M:%S"))),
    })
}

fn space(settings: &Settings) -> Finding {
    let Some(file) = data_file(settings) else {
        return good("Disk", "the database is on its own server");
    };
    let folder = file
        .ancestors()
        .skip(1)
        .find(|f| f.exists() && *f != Path::new(""))
        .unwrap_or(Path::new("."));
    match fs4::available_space(folder) {
        Err(error) => bad(
            "Disk",
            format!("the free space of {} can't be read: {error}", folder.display()),
        ),
        Ok(free) if free < ENOUGH_SPACE => bad(
            "Disk",
            format!(
                "{} MB free in {}: make room, or writing will fail",
                free / 1_000_000,
                folder.display()
            ),
        ),
        Ok(free) => good("Disk", format!("{} GB free", free / 1_000_000_000)),
    }
}

async fn provider(settings: &Settings) -> Finding {
    match &settings.smtp {
        None => good("Mail", "the built-in outbox: messages are kept and nothing is mailed"),
        Some(account) => match check_account(account).await {
            Ok(_) => good("Mail", "the mail server answers and lets Loupe in"),
            Err(problem) => bad("Mail", problem.to_string()),
        },
    }
}

/// What other mail servers find about the domains the stores write from.
async fn from_domains(settings: &Settings, shops: &[Shop]) -> Vec<Finding> {
    if settings.uses_outbox() {
        return vec![good("DNS", "not looked up while nothing is mailed")];
    }
    let Some(resolver) = Resolver::of_this_machine() else {
        return vec![good("DNS", "not checked: no resolver is set up on this machine")];
    };
    let domains: BTreeSet<&str> = shops
        .iter()
        .filter_map(|shop| Some(shop.from_email.rsplit_once('@')?.1))
        .collect();
    let mut findings = Vec::new();
    for domain in domains {
        match domains::to_mend(&resolver, domain).await {
            Ok(words) if words.is_empty() => {
                findings.push(good("DNS", format!("{domain} has SPF, DKIM and DMARC records")));
            }
            Ok(words) => findings.extend(words.into_iter().map(|words| bad("DNS", words))),
            Err(why) => {
                let words = format!("not checked, {why}: see that SPF, DKIM and DMARC of {domain} are right");
                findings.push(good("DNS", words));
                // Where there is no network, the next domain would only be waited for as well.
                break;
            }
        }
    }
    findings
}

fn site(settings: &Settings) -> Finding {
    let root = &settings.site_root;
    let built = root.join("main.css").exists() && root.join("pkg/hash.txt").exists();
    if built {
        good("Site", root.display().to_string())
    } else {
        bad(
            "Site",
            format!("it isn't built in {}: run `make build`", root.display()),
        )
    }
}

fn address(settings: &Settings) -> Finding {
    let unreachable = settings.addr.ip().is_unspecified() && settings.base_url.contains(&settings.addr.to_string());
    if unreachable {
        let words = format!(
            "{} is no address people can follow: set LOUPE_BASE_URL",
            settings.base_url
        );
        return bad("Address", words);
    }
    if !settings.addr.ip().is_loopback() && !settings.https() {
        let words = format!("{} is not https: passwords would travel in the open", settings.base_url);
        return bad("Address", words);
    }
    good(
        "Address",
        format!("{} (listening on {})", settings.base_url, settings.addr),
    )
}
