//! The first start: an empty database is set up by whoever has the one-time link printed when the
//! server starts. The link works once, and only while there is no store.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{
    password, queries,
    rules::{self, SignedIn},
    setup_queries,
    throttle::{self, Limit},
    trusted_browsers,
};
use crate::{
    audit,
    channels::email::address::EmailAddress,
    context::{actor::Role, response::Device},
    db::Db,
    error::{AppError, Problem},
    stores::{self, model::NewStore},
    text::clean,
    text::own_name,
    tokens,
};

/// What the setup page asks for. Names as the form sends them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewShop {
    pub token: String,
    pub name: String,
    pub time_zone: String,
    pub country: String,
    pub currency: String,
    pub from_name: String,
    pub from_email: String,
    pub footer: String,
    pub owner_name: String,
    pub email: String,
    pub password: String,
}

/// Makes a new one-time token when there is no store yet, for the link to print:
/// `BASE/setup?token=TOKEN`. Only its hash is kept, so that each start makes another; the newest
/// holds. `None` once there is a store.
pub async fn ensure_token(db: &Db, now: DateTime<Utc>) -> Result<Option<String>, AppError> {
    if !is_open(db).await? {
        return Ok(None);
    }
    let token = tokens::secret();
    let mut tx = db.begin().await?;
    setup_queries::keep_token(&mut tx, &tokens::hash(&token), now).await?;
    tx.commit().await?;
    Ok(Some(token))
}

/// Whether there is no store yet.
pub async fn is_open(db: &Db) -> Result<bool, AppError> {
    Ok(stores::queries::census(db).await?.0 == 0)
}

/// Whether this is the token of the link. Wrong ones are counted per address and refused when
/// there are too many. [`AppError::NotFound`] once there is a store.
pub async fn token_fits(db: &Db, token: &str, ip: Option<&str>, now: DateTime<Utc>) -> Result<bool, AppError> {
    if !is_open(db).await? {
        return Err(AppError::NotFound);
    }
    let counted = throttle::enter(db, &[Limit::setup(ip)], now).await?;
    let kept = setup_queries::token(db).await?;
    let fits = kept.is_some_and(|kept| bool::from(kept.as_bytes().ct_eq(tokens::hash(token).as_bytes())));
    if fits {
        counted.succeeded(db).await?;
    }
    Ok(fits)
}

/// Makes the store and its owner, and signs the owner in. Everything or nothing; the token is
/// used up with it.
pub async fn set_up(
    db: &Db,
    key: &SecretString,
    form: NewShop,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<SignedIn, AppError> {
    if !token_fits(db, &form.token, device.ip.as_deref(), now).await? {
        return Err(AppError::Refused {
            words: "This setup link isn't the newest one. Open the one printed at the last start.".to_owned(),
            back_to: Some("/setup".to_owned()),
        });
    }
    let new = NewStore {
        slug: slug(&form.name),
        name: clean(&form.name),
        time_zone: form.time_zone.trim().to_owned(),
        country: form.country.trim().to_uppercase(),
        currency: form.currency.trim().to_uppercase(),
        from_name: clean(&form.from_name),
        from_email: form.from_email.trim().to_owned(),
        footer: form.footer.trim().to_owned(),
        is_demo: false,
    };
    let email = form.email.trim().to_lowercase();
    let owner = own_name(&form.owner_name, "Enter your name");
    let mut problems = stores::rules::problems_of(&new);
    problems.extend(owner_problems(&owner, &form, &email));
    if !problems.is_empty() {
        return Err(AppError::Invalid {
            problems,
            kept_at: None,
        });
    }
    let hash = password::hash(key, form.password)
        .await
        .map_err(|e| AppError::internal(&e))?;
    let mut tx = db.begin().await?;
    // Of two at the same moment one takes the token; the other finds nothing to take.
    if !setup_queries::take_token(&mut tx, &tokens::hash(&form.token)).await? {
        return Err(AppError::NotFound);
    }
    let store_id = stores::rules::open_store(&mut tx, &new, now).await?;
    let owner = owner.unwrap_or_default();
    let user = queries::add_user(&mut tx, store_id, &email, &owner, Role::Owner, &hash, now).await?;
    let entry = audit::Entry {
        actor: &owner,
        action: "store.opened",
        subject: "store",
        subject_id: Some(store_id.0),
        summary: format!("Set up {} as its owner", new.name),
        before: None,
        after: None,
    };
    audit::record(&mut tx, store_id, entry, now).await?;
    let token = rules::begin(&mut tx, user, device, now).await?;
    tx.commit().await?;
    Ok(SignedIn {
        token,
        known: trusted_browsers::mark(key, user),
    })
}

fn owner_problems(name: &Result<String, String>, form: &NewShop, email: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Err(words) = name {
        problems.push(Problem::new("owner-name", words));
    }
    if EmailAddress::parse(email).is_err() {
        problems.push(Problem::new(
            "email",
            "Enter your whole email address, such as name@example.com",
        ));
    }
    if let Some(words) = password::weakness(&form.password, email) {
        problems.push(Problem::new("password", words));
    }
    problems
}

/// The short name of a store, from its name: small letters, digits and hyphens.
pub fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out: String = out.chars().take(40).collect();
    match out.trim_end_matches('-') {
        "" => "store".to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_short_name_is_made_of_any_name() {
        assert_eq!(slug("Aurelia & Sons, Sydney"), "aurelia-sons-sydney");
        assert_eq!(slug("  Éclat  "), "clat");
        assert_eq!(slug("宝石"), "store");
        assert!(slug(&"long name ".repeat(20)).len() <= 40);
    }
}
