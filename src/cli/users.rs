//! `loupe user add` and `loupe user reset-password`.

use std::io::BufRead;

use clap::{Args, Subcommand};

use super::{Failure, open, say};
use crate::{
    audit,
    auth::{
        model::{Role, StoreId},
        password, store, tokens,
    },
    channels::email::address::EmailAddress,
    server::Settings,
    stores,
    time::Clock,
};

/// What can be done with staff.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add somebody who can sign in
    Add(AddArgs),
    /// Give somebody a new password; they are signed out everywhere
    ResetPassword(ResetArgs),
}

/// Who is added.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The address they sign in with
    email: String,
    /// Their name, as colleagues see it
    #[arg(long)]
    name: String,
    #[arg(long)]
    role: Role,
    /// The store's short name
    #[arg(long)]
    store: String,
    /// Read the password from standard input; without this one is made and shown once
    #[arg(long)]
    password_stdin: bool,
}

/// Whose password is set.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// The address they sign in with
    email: String,
    /// Read the password from standard input; without this one is made and shown once
    #[arg(long)]
    password_stdin: bool,
}

pub(super) async fn run(settings: &Settings, command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Add(args) => add(settings, args).await,
        UserCommand::ResetPassword(args) => reset(settings, args).await,
    }
}

async fn add(settings: &Settings, args: AddArgs) -> Result<(), Failure> {
    let email = EmailAddress::parse(&args.email)
        .map_err(|_| Failure::said(format!("{:?} isn't a whole email address.", args.email)))?
        .normalised();
    let name = args.name.trim();
    if name.is_empty() {
        return Err(Failure::said("--name: enter their name."));
    }
    let password = Password::ask(args.password_stdin)?;
    let db = open(settings).await?;
    let shop = stores::store::by_slug(&db, &args.store)
        .await?
        .ok_or_else(|| Failure::said(format!("There is no store {:?}.", args.store)))?;
    if store::user_by_email(&db, &email).await?.is_some() {
        return Err(Failure::said(format!("{email} can sign in already.")));
    }
    let hash = hash(settings, &password).await?;
    let now = Clock::System.now();
    let mut tx = db.begin().await?;
    let id = store::add_user(&mut tx, shop.id, &email, name, args.role, &hash, now).await?;
    let summary = format!("Added {name} as {}", args.role.key());
    audit::record(&mut tx, shop.id, entry("user.added", id, summary), now).await?;
    tx.commit().await?;
    db.close().await;
    say(&format!("{email} can sign in to {}.", shop.name));
    password.show();
    Ok(())
}

async fn reset(settings: &Settings, args: ResetArgs) -> Result<(), Failure> {
    let email = args.email.trim().to_lowercase();
    let password = Password::ask(args.password_stdin)?;
    let db = open(settings).await?;
    let user = store::user_by_email(&db, &email)
        .await?
        .ok_or_else(|| Failure::said(format!("Nobody signs in with {email:?}.")))?;
    let hash = hash(settings, &password).await?;
    let now = Clock::System.now();
    let mut tx = db.begin().await?;
    store::set_password(&mut tx, StoreId(user.store_id), user.id, &hash).await?;
    let summary = format!("Set a new password for {}", user.name);
    let entry = entry("user.password_reset", user.id, summary);
    audit::record(&mut tx, StoreId(user.store_id), entry, now).await?;
    tx.commit().await?;
    db.close().await;
    say(&format!("{email} has a new password and is signed out everywhere."));
    password.show();
    Ok(())
}

fn entry(action: &'static str, user: i64, summary: String) -> audit::Entry<'static> {
    audit::Entry {
        actor: "Command line",
        action,
        subject: "user",
        subject_id: Some(user),
        summary,
        before: None,
        after: None,
    }
}

async fn hash(settings: &Settings, password: &Password) -> Result<String, Failure> {
    password::hash(&settings.secret_key, password.words.clone())
        .await
        .map_err(|e| Failure::said(e.to_string()))
}

/// A new password: typed by somebody, or made here.
struct Password {
    words: String,
    made: bool,
}

impl Password {
    fn ask(stdin: bool) -> Result<Self, Failure> {
        if !stdin {
            let words = tokens::public();
            return Ok(Self { words, made: true });
        }
        let mut words = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut words)
            .map_err(|e| Failure::said(format!("The password can't be read: {e}")))?;
        let words = words.trim_end_matches(['\r', '\n']).to_owned();
        if words.chars().count() < password::SHORTEST {
            return Err(Failure::said(format!(
                "A password has at least {} characters.",
                password::SHORTEST
            )));
        }
        Ok(Self { words, made: false })
    }

    fn show(&self) {
        if self.made {
            say(&format!("Their password, shown this once: {}", self.words));
        }
    }
}
