//! The team of a store: who is added, what each may do, who is kept out.
//!
//! Every change of what a person may do, or of how they sign in, ends all their sessions. A store
//! always keeps an owner who can sign in.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::json;

use super::{
    password,
    queries::{self, User},
};
use crate::{
    audit,
    channels::email::address::EmailAddress,
    context::{actor::Role, ctx::Ctx},
    db::{Db, Tx},
    error::{AppError, Problem},
    ids::StoreId,
    stores,
    text::own_name,
};

/// Who changes the team of which store, and when.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub db: &'a Db,
    pub key: &'a SecretString,
    pub store: StoreId,
    /// As the audit log names them.
    pub by: &'a str,
    pub now: DateTime<Utc>,
}

impl<'a> Desk<'a> {
    pub fn of(ctx: &'a Ctx) -> Self {
        Self {
            db: ctx.db(),
            key: &ctx.state.settings.secret_key,
            store: ctx.store(),
            by: &ctx.actor.name,
            now: ctx.now,
        }
    }

    async fn note(&self, tx: &mut Tx, user: i64, action: &'static str, note: Note) -> sqlx::Result<()> {
        let entry = audit::Entry {
            actor: self.by,
            action,
            subject: "user",
            subject_id: Some(user),
            summary: note.summary,
            before: note.before,
            after: note.after,
        };
        audit::record(tx, self.store, entry, self.now).await
    }

    /// Holds the store's row, so that two changes of its team happen one after the other.
    async fn begin(&self) -> Result<Tx, AppError> {
        let mut tx = self.db.begin().await?;
        stores::queries::hold(&mut tx, self.store).await?;
        Ok(tx)
    }
}

#[derive(Default)]
struct Note {
    summary: String,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
}

/// A new member of staff, as typed.
#[derive(Clone, Debug)]
pub struct NewMember {
    pub name: String,
    pub email: String,
    pub role: Role,
    pub password: String,
}

/// Adds somebody and answers their id.
pub async fn add(desk: Desk<'_>, new: NewMember) -> Result<i64, AppError> {
    let email = new.email.trim().to_lowercase();
    let mut problems = Vec::new();
    let name = own_name(&new.name, "Enter the person's name").unwrap_or_else(|words| {
        problems.push(Problem::new("name", words));
        String::new()
    });
    if EmailAddress::parse(&email).is_err() {
        problems.push(Problem::new(
            "email",
            "Enter the whole email address, such as name@example.com",
        ));
    }
    if let Some(words) = password::weakness(&new.password, &email) {
        problems.push(Problem::new("password", words));
    }
    if !problems.is_empty() {
        return Err(AppError::Invalid {
            problems,
            kept_at: None,
        });
    }
    let hash = password::hash(desk.key, new.password)
        .await
        .map_err(|e| AppError::internal(&e))?;
    let mut tx = desk.begin().await?;
    let id = queries::add_user(&mut tx, desk.store, &email, &name, new.role, &hash, desk.now)
        .await
        .map_err(|error| match error.as_database_error() {
            // The same words whichever store the address signs in to: of another one nothing is told.
            Some(e) if e.is_unique_violation() => {
                AppError::invalid("email", "This address can't be added. Use another one")
            }
            _ => error.into(),
        })?;
    let note = Note {
        summary: format!("Added {name} to the team as {}", new.role.key()),
        before: None,
        after: Some(json!({ "name": name, "email": email, "role": new.role.key() })),
    };
    desk.note(&mut tx, id, "user.added", note).await?;
    tx.commit().await?;
    Ok(id)
}

/// Gives somebody another role.
pub async fn change_role(desk: Desk<'_>, user: i64, role: Role) -> Result<(), AppError> {
    let mut tx = desk.begin().await?;
    let member = member(&mut tx, desk.store, user).await?;
    if member.role == role {
        return Ok(());
    }
    if role != Role::Owner {
        keep_an_owner(&mut tx, desk.store, &member).await?;
    }
    if !queries::set_role(&mut tx, desk.store, user, role).await? {
        return Err(AppError::NotFound);
    }
    let note = Note {
        summary: format!("Changed {} from {} to {}", member.name, member.role.key(), role.key()),
        before: Some(json!({ "role": member.role.key() })),
        after: Some(json!({ "role": role.key() })),
    };
    desk.note(&mut tx, user, "user.role_changed", note).await?;
    Ok(tx.commit().await?)
}

/// Keeps somebody from signing in, at once.
pub async fn disable(desk: Desk<'_>, user: i64) -> Result<(), AppError> {
    let mut tx = desk.begin().await?;
    let member = member(&mut tx, desk.store, user).await?;
    if member.disabled_at.is_some() {
        return Ok(());
    }
    keep_an_owner(&mut tx, desk.store, &member).await?;
    if !queries::set_disabled(&mut tx, desk.store, user, Some(desk.now)).await? {
        return Err(AppError::NotFound);
    }
    let note = Note {
        summary: format!("Stopped {} from signing in", member.name),
        ..Note::default()
    };
    desk.note(&mut tx, user, "user.disabled", note).await?;
    Ok(tx.commit().await?)
}

/// Lets somebody sign in again.
pub async fn enable(desk: Desk<'_>, user: i64) -> Result<(), AppError> {
    let mut tx = desk.begin().await?;
    let member = member(&mut tx, desk.store, user).await?;
    if member.disabled_at.is_none() {
        return Ok(());
    }
    if !queries::set_disabled(&mut tx, desk.store, user, None).await? {
        return Err(AppError::NotFound);
    }
    let note = Note {
        summary: format!("Let {} sign in again", member.name),
        ..Note::default()
    };
    desk.note(&mut tx, user, "user.enabled", note).await?;
    Ok(tx.commit().await?)
}

/// Gives somebody a new password.
pub async fn reset_password(desk: Desk<'_>, user: i64, password: String) -> Result<(), AppError> {
    let member = queries::user(desk.db, desk.store, user)
        .await?
        .ok_or(AppError::NotFound)?;
    if let Some(words) = password::weakness(&password, &member.email) {
        return Err(AppError::invalid("password", words));
    }
    let hash = password::hash(desk.key, password)
        .await
        .map_err(|e| AppError::internal(&e))?;
    let mut tx = desk.begin().await?;
    if !queries::set_password(&mut tx, desk.store, user, &hash).await? {
        return Err(AppError::NotFound);
    }
    let note = Note {
        summary: format!("Set a new password for {}", member.name),
        ..Note::default()
    };
    desk.note(&mut tx, user, "user.password_reset", note).await?;
    Ok(tx.commit().await?)
}

async fn member(tx: &mut Tx, store: StoreId, user: i64) -> Result<User, AppError> {
    queries::user_in(tx, store, user).await?.ok_or(AppError::NotFound)
}

/// Refuses when this person is the last owner who can sign in.
async fn keep_an_owner(tx: &mut Tx, store: StoreId, member: &User) -> Result<(), AppError> {
    let counts = member.role == Role::Owner && member.disabled_at.is_none();
    if counts && queries::other_owners(tx, store, member.id).await? == 0 {
        return Err(AppError::Refused {
            words: format!("{} is the only owner. Make somebody else an owner first.", member.name),
            back_to: None,
        });
    }
    Ok(())
}
