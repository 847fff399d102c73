//! `loupe store add` and `loupe store list`.

use clap::{Args, Subcommand};

use super::{Failure, columns::columns, open, say};
use crate::{
    audit,
    context::Settings,
    stores::{self, model::NewStore},
    time::Clock,
};

/// What can be done with stores.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Open a store, with the segments and templates every store has
    Add(AddArgs),
    /// Say which stores there are
    List,
}

/// What a store is made from.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Short name, as --store takes it: small letters, digits and hyphens
    slug: String,
    /// The store's name, as customers know it
    #[arg(long)]
    name: String,
    /// Such as Australia/Sydney
    #[arg(long)]
    time_zone: String,
    /// Two letters, such as AU: for phone numbers written without one
    #[arg(long)]
    country: String,
    /// Three letters, such as AUD
    #[arg(long)]
    currency: String,
    /// The address messages come from
    #[arg(long)]
    from: String,
    /// The name messages come from [default: the store's name]
    #[arg(long)]
    from_name: Option<String>,
    /// Postal address for the end of every message
    #[arg(long)]
    footer: String,
}

pub(super) async fn run(settings: &Settings, command: StoreCommand) -> Result<(), Failure> {
    match command {
        StoreCommand::Add(args) => add(settings, args).await,
        StoreCommand::List => list(settings).await,
    }
}

async fn list(settings: &Settings) -> Result<(), Failure> {
    let db = open(settings).await?;
    let lines: Vec<_> = stores::queries::all(&db)
        .await?
        .into_iter()
        .map(|shop| [shop.slug, shop.name, shop.time_zone, shop.country, shop.currency])
        .collect();
    db.close().await;
    say(&columns(&lines, "There is no store yet."));
    Ok(())
}

async fn add(settings: &Settings, args: AddArgs) -> Result<(), Failure> {
    let new = NewStore {
        slug: args.slug,
        from_name: args.from_name.unwrap_or_else(|| args.name.clone()),
        name: args.name,
        time_zone: args.time_zone,
        country: args.country.to_uppercase(),
        currency: args.currency.to_uppercase(),
        from_email: args.from,
        footer: args.footer,
        is_demo: false,
    };
    let db = open(settings).await?;
    if stores::queries::by_slug(&db, &new.slug).await?.is_some() {
        return Err(Failure::said(format!("There is a store {:?} already.", new.slug)));
    }
    let now = Clock::System.now();
    let mut tx = db.begin().await?;
    let id = stores::rules::open_store(&mut tx, &new, now).await?;
    let entry = audit::Entry {
        actor: "Command line",
        action: "store.opened",
        subject: "store",
        subject_id: Some(id.0),
        summary: format!("Opened the store {}", new.name),
        before: None,
        after: None,
    };
    audit::record(&mut tx, id, entry, now).await?;
    tx.commit().await?;
    db.close().await;
    say(&format!(
        "Opened {}. Next, somebody who can sign in:\n  loupe user add EMAIL --name NAME --role owner --store {}",
        new.name, new.slug
    ));
    Ok(())
}
