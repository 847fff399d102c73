//! `loupe user add`, `list` and `reset-password`.

use std::io::BufRead;

use clap::{Args, Subcommand};

use super::{Failure, columns::columns, open, say};
use crate::{
    auth::{queries, team},
    context::{Settings, actor::Role},
    db::Db,
    ids::StoreId,
    stores,
    time::Clock,
    tokens,
};

/// What can be done with staff.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add somebody who can sign in
    Add(AddArgs),
    /// Say who can sign in, to which store and as what
    List(ListArgs),
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

/// Whom to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only of this store, by its short name
    #[arg(long)]
    store: Option<String>,
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
        UserCommand::List(args) => list(settings, args).await,
        UserCommand::ResetPassword(args) => reset(settings, args).await,
    }
}

async fn add(settings: &Settings, args: AddArgs) -> Result<(), Failure> {
    let password = Password::ask(args.password_stdin)?;
    let db = open(settings).await?;
    let shop = stores::queries::by_slug(&db, &args.store)
        .await?
        .ok_or_else(|| Failure::said(format!("There is no store {:?}.", args.store)))?;
    let new = team::NewMember {
        name: args.name,
        email: args.email.clone(),
        role: args.role,
        password: password.words.clone(),
    };
    team::add(desk(&db, settings, shop.id), new).await?;
    db.close().await;
    say(&format!("{} can sign in to {}.", args.email, shop.name));
    password.show();
    Ok(())
}

async fn list(settings: &Settings, args: ListArgs) -> Result<(), Failure> {
    let db = open(settings).await?;
    let shops = match &args.store {
        Some(slug) => vec![
            stores::queries::by_slug(&db, slug)
                .await?
                .ok_or_else(|| Failure::said(format!("There is no store {slug:?}.")))?,
        ],
        None => stores::queries::all(&db).await?,
    };
    let mut lines = Vec::new();
    for shop in shops {
        for member in queries::staff(&db, shop.id).await? {
            let state = if member.disabled_at.is_some() { "disabled" } else { "" };
            let role = member.role.key().to_owned();
            lines.push([member.email, member.name, role, shop.slug.clone(), state.to_owned()]);
        }
    }
    db.close().await;
    say(&columns(&lines, "Nobody can sign in yet."));
    Ok(())
}

async fn reset(settings: &Settings, args: ResetArgs) -> Result<(), Failure> {
    let email = args.email.trim().to_lowercase();
    let password = Password::ask(args.password_stdin)?;
    let db = open(settings).await?;
    let user = queries::user_by_email(&db, &email)
        .await?
        .ok_or_else(|| Failure::said(format!("Nobody signs in with {email:?}.")))?;
    let desk = desk(&db, settings, StoreId(user.store_id));
    team::reset_password(desk, user.id, password.words.clone()).await?;
    db.close().await;
    say(&format!("{email} has a new password and is signed out everywhere."));
    password.show();
    Ok(())
}

fn desk<'a>(db: &'a Db, settings: &'a Settings, store: StoreId) -> team::Desk<'a> {
    team::Desk {
        db,
        key: &settings.secret_key,
        store,
        by: "Command line",
        now: Clock::System.now(),
    }
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
        Ok(Self { words, made: false })
    }

    fn show(&self) {
        if self.made {
            say(&format!("Their password, shown this once: {}", self.words));
        }
    }
}
