//! What a filter is evaluated against.

use chrono::{DateTime, Utc};

use super::{
    filter_queries::Scope,
    model::{Audience, Count, Earlier, RecipientFilter},
    queries,
};
use crate::{context::ctx::Ctx, db::Db, error::AppError, segments, stores::model::Store, time};

/// The book of a store at a moment. With `not_again`, whoever one of those sends reached
/// is left out.
pub fn scope(store: &Store, now: DateTime<Utc>, not_again: Option<Earlier>) -> Scope {
    Scope {
        store: store.id,
        zone: store.zone(),
        now,
        requires_opt_in: store.email_requires_opt_in,
        not_again,
    }
}

/// [`scope`] of the store whose staff is asking, now.
pub async fn scope_of(ctx: &Ctx, not_again: Option<Earlier>) -> Result<Scope, AppError> {
    Ok(scope(ctx.shop().await?, ctx.now, not_again))
}

/// Refuses a filter of more than anybody picks.
pub fn bounded(filter: &RecipientFilter) -> Result<(), AppError> {
    match filter.too_many() {
        Some(words) => Err(AppError::invalid("recipients", words)),
        None => Ok(()),
    }
}

/// The count, with the words around it.
pub async fn count(ctx: &Ctx, filter: RecipientFilter, not_again: Option<Earlier>) -> Result<Count, AppError> {
    bounded(&filter)?;
    let scope = scope_of(ctx, not_again).await?;
    let audience = queries::count(ctx.db(), &scope, &filter).await?;
    Ok(described(ctx.db(), &scope, &filter, audience).await?)
}

/// An audience that was counted now, with the words around it.
pub async fn described(db: &Db, scope: &Scope, filter: &RecipientFilter, audience: Audience) -> sqlx::Result<Count> {
    let segment = match filter {
        RecipientFilter::Segment(id) => segments::queries::find(db, scope.store, *id).await?,
        _ => None,
    };
    Ok(Count {
        sentence: audience.sentence(),
        bound: segment.map(|segment| audience.segment_bound(&segment.name)),
        audience,
        filter_digest: filter.digest(),
        counted_at: time::today_or_day(scope.now, scope.now, scope.zone),
    })
}
