//! Counting and finding, for the picker.

use leptos::{prelude::*, server_fn::codec::Json};

use super::model::{Candidate, Count, Earlier, Named, RecipientFilter, SkipReason};
use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    context::{actor::Permission, ctx},
    recipients::{queries, rules},
};

/// How many names "See who" shows.
#[cfg(feature = "ssr")]
const SHOWN: i64 = 20;

/// Who will get it and who will not, counted now. With `not_again`, those whom one of those
/// sends reached are left out.
#[server(prefix = "/api", endpoint = "recipients/count", input = Json)]
pub async fn count_recipients(filter: RecipientFilter, not_again: Option<Earlier>) -> Result<Count, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    rules::count(&ctx, filter, not_again).await
}

/// Customers to pick one by one.
#[server(prefix = "/api", endpoint = "recipients/find", input = Json)]
pub async fn find_customers(text: String) -> Result<Vec<Candidate>, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let scope = rules::scope_of(&ctx, None).await?;
    Ok(queries::candidates(ctx.db(), &scope, &text).await?)
}

/// The first of those skipped for a reason, by name.
#[server(prefix = "/api", endpoint = "recipients/skipped", input = Json)]
pub async fn skipped_names(
    filter: RecipientFilter,
    not_again: Option<Earlier>,
    reason: SkipReason,
) -> Result<Vec<Named>, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    rules::bounded(&filter)?;
    let scope = rules::scope_of(&ctx, not_again).await?;
    Ok(queries::names(ctx.db(), &scope, &filter, Some(reason), SHOWN, 0).await?)
}
