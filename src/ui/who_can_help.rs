//! Whom to ask for what one may not do oneself.

use crate::{auth, context::actor::Role, db::Db, server::page_request::StaffRequest};

/// `Only owners and managers can create or send campaigns. Ask Priya Nair (owner).`
pub async fn who_may_send(staff: &StaffRequest) -> sqlx::Result<String> {
    let ask = ask_the_owner(staff.db(), staff).await?;
    Ok(format!("Only owners and managers can create or send campaigns. {ask}"))
}

/// `Ask Priya Nair (owner).`
pub async fn ask_the_owner(db: &Db, staff: &StaffRequest) -> sqlx::Result<String> {
    let owner = auth::queries::staff(db, staff.store_id())
        .await?
        .into_iter()
        .find(|user| user.role == Role::Owner && user.disabled_at.is_none());
    Ok(match owner {
        Some(owner) => format!("Ask {} (owner).", owner.name),
        None => "Ask the owner.".to_owned(),
    })
}
