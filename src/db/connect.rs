//! Opening the database, and bringing its tables up to date.

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    Connection, SqliteConnection,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgConnection, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{Db, SqlitePools, Writer, real_file::real_file};

/// How many readers SQLite gets beside its one writer.
const SQLITE_READERS: u32 = 8;
/// So many rows of a statement that writes are kept for whoever reads them.
const WRITTEN_ROWS: usize = 1024;

/// How long PostgreSQL may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The two databases Loupe runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the database address must start with sqlite:// or postgres://")]
    UnknownScheme,
    #[error("the folder for the database could not be made: {0}")]
    Folder(std::io::Error),
    #[error("another Loupe process already has this SQLite file open; stop it first, or use PostgreSQL to run several")]
    Locked,
    #[error("the database file is not whole: {0}. Put a backup back with `loupe restore FILE --replace`")]
    Damaged(String),
    #[error(transparent)]
    Database(sqlx::Error),
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl From<sqlx::Error> for ConnectError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().and_then(|e| Some((e.code()?, e.message()))) {
            // SQLITE_CORRUPT and SQLITE_NOTADB; PostgreSQL's codes are longer.
            Some((code, message)) if code == "11" || code == "26" => ConnectError::Damaged(message.to_owned()),
            _ => ConnectError::Database(error),
        }
    }
}

/// Told which timeline a PostgreSQL server is on, for each new connection and before anything is done
/// over it. It grows when a replica takes over, and when a server goes back to a moment.
pub type OnTimeline = Arc<dyn Fn(&str) + Send + Sync>;

/// Opens `sqlite://path/to/file` (making the file and its folder) or `postgres://…`.
pub async fn connect(url: &str) -> Result<Db, ConnectError> {
    connect_telling(url, None).await
}

/// The same, told of timelines. A server that is still a replica is not connected to: its timeline
/// is the old one until it takes over, and then nothing would tell.
pub async fn connect_telling(url: &str, told: Option<OnTimeline>) -> Result<Db, ConnectError> {
    if url.starts_with("sqlite:") {
        connect_sqlite(url).await
    } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        connect_postgres(url, told).await
    } else {
        Err(ConnectError::UnknownScheme)
    }
}

/// KiB. Kept small: after most transactions SQLite goes through all of it.
const CACHE: &str = "pragma cache_size = -8192";

/// Makes a connection fit for writing. The mark "this message is being attempted" must survive a power
/// cut.
pub(super) async fn prepare_to_write(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    for pragma in ["pragma journal_mode = wal", "pragma synchronous = full", CACHE] {
        sqlx::query(pragma).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn connect_sqlite(url: &str) -> Result<Db, ConnectError> {
    // None of these reads the file: that is for when it is known to be the right one.
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("trusted_schema", "OFF")
        .optimize_on_close(true, None);
    if let Some(folder) = options.get_filename().parent().filter(|f| *f != Path::new("")) {
        std::fs::create_dir_all(folder).map_err(ConnectError::Folder)?;
    }
    // As many rows as are leased at a time wait for whoever asked for them: the writer does not.
    let write = Writer::open(options.clone().row_buffer_size(WRITTEN_ROWS)).await?;
    let file = write.file();
    let opened = Arc::clone(&file);
    let read = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .after_connect(move |connection, _| {
            let opened = Arc::clone(&opened);
            Box::pin(async move {
                opened.still_there()?;
                sqlx::query(CACHE).execute(connection).await.map(|_| ())
            })
        })
        // Asking an embedded database whether it is still there only costs time.
        .test_before_acquire(false)
        .connect_with(options.pragma("query_only", "ON").optimize_on_close(false, None))
        .await?;
    Ok(Db::Sqlite(SqlitePools { read, write, file }))
}

/// A connection that was used within this is taken to be there. Shorter than a server needs to be
/// stopped and started: what it has cut off is not taken for sound afterwards.
const REST: Duration = Duration::from_millis(100);

async fn connect_postgres(url: &str, told: Option<OnTimeline>) -> Result<Db, ConnectError> {
    // Our statements take milliseconds: starting helpers or compiling them takes longer.
    let options = PgConnectOptions::from_str(url)?.options([("max_parallel_workers_per_gather", "0"), ("jit", "off")]);
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("loupe"),
    };
    // A pool only says that it waited in vain; one connection says why.
    let first = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options));
    first.await.map_err(|_| sqlx::Error::PoolTimedOut)??.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(20)
        .after_connect(move |connection, _| {
            let told = told.clone();
            Box::pin(async move {
                if let Some(told) = told {
                    tell_timeline(connection, &told).await?;
                }
                wait_for_the_disk(connection).await
            })
        })
        .acquire_timeout(CONNECT_TIMEOUT)
        // Asked whether it is still there only after a rest: asking each time doubles the trips.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move { Ok(about.idle_for < REST || connection.ping().await.is_ok()) })
        })
        .connect_with(options)
        .await?;
    Ok(Db::Postgres(pool))
}

/// What is written must be on the disk before a message goes out, whatever is usual there.
async fn wait_for_the_disk(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "select set_config('synchronous_commit', 'on', false)
          where current_setting('synchronous_commit') = 'off'",
    )
    .execute(connection)
    .await
    .map(|_| ())
}

async fn tell_timeline(connection: &mut PgConnection, told: &OnTimeline) -> sqlx::Result<()> {
    let replica: bool = sqlx::query_scalar("select pg_is_in_recovery()")
        .fetch_one(&mut *connection)
        .await?;
    if replica {
        return Err(sqlx::Error::Configuration("the server is a replica".into()));
    }
    // Not every server can be asked.
    let timeline: sqlx::Result<String> =
        sqlx::query_scalar("select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)")
            .fetch_one(connection)
            .await;
    match timeline {
        Ok(timeline) => told(&timeline),
        Err(sqlx::Error::Database(_)) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// Brings the tables up to date. A database newer than this program is refused.
pub async fn migrate(db: &Db) -> Result<(), ConnectError> {
    match db {
        Db::Sqlite(pools) => SQLITE_MIGRATIONS.run(&mut *pools.write.turn().await?).await?,
        Db::Postgres(pool) => POSTGRES_MIGRATIONS.run(pool).await?,
    }
    Ok(())
}

/// The number of the newest migration this program knows.
pub fn newest_migration(backend: Backend) -> i64 {
    let all = match backend {
        Backend::Sqlite => &SQLITE_MIGRATIONS,
        Backend::Postgres => &POSTGRES_MIGRATIONS,
    };
    all.iter().map(|m| m.version).max().unwrap_or_default()
}

/// Takes the lock beside an SQLite file, so that a second process is refused instead of both
/// believing they are alone, whatever link it is opened by. Keep the answer for as long as the database is used. Nothing to
/// lock on PostgreSQL.
pub fn lock_data_file(url: &str) -> Result<Option<std::fs::File>, ConnectError> {
    if !url.starts_with("sqlite:") {
        return Ok(None);
    }
    let options = SqliteConnectOptions::from_str(url)?;
    let mut name = real_file(options.get_filename()).into_os_string();
    name.push(".lock");
    if let Some(folder) = Path::new(&name).parent().filter(|f| *f != Path::new("")) {
        std::fs::create_dir_all(folder).map_err(ConnectError::Folder)?;
    }
    let file = std::fs::File::create(name).map_err(ConnectError::Folder)?;
    match fs4::fs_std::FileExt::try_lock_exclusive(&file) {
        Ok(true) => Ok(Some(file)),
        _ => Err(ConnectError::Locked),
    }
}
