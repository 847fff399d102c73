//! What a filter is evaluated against, and what it is called.

use chrono::{DateTime, Utc};

use super::{
    filter_sql::Scope,
    model::{Count, RecipientFilter, grouped},
    store,
};
use crate::{
    auth::{guard::Ctx, model::StoreId},
    db::Db,
    error::AppError,
    segments,
    stores::{self, model::Store},
    time,
};

/// The book of a store at a moment. With `not_again`, whoever an earlier send of that campaign
/// reached is left out.
pub fn scope(store: &Store, now: DateTime<Utc>, not_again: Option<i64>) -> Scope {
    Scope {
        store: store.id,
        zone: store.zone(),
        now,
        requires_opt_in: store.email_requires_opt_in,
        not_again,
    }
}

/// [`scope`] of the store whose staff is asking, now.
pub async fn scope_of(ctx: &Ctx, not_again: Option<i64>) -> Result<Scope, AppError> {
    let store = stores::store::find(ctx.db(), ctx.store())
        .await?
        .ok_or(AppError::NotFound)?;
    Ok(scope(&store, ctx.now, not_again))
}

/// The count, with the words around it.
pub async fn count(ctx: &Ctx, filter: RecipientFilter, not_again: Option<i64>) -> Result<Count, AppError> {
    let scope = scope_of(ctx, not_again).await?;
    let audience = store::count(ctx.db(), &scope, &filter).await?;
    Ok(Count {
        sentence: audience.sentence(),
        audience,
        filter_digest: filter.digest(),
        counted_at: time::today_or_day(scope.now, scope.now, scope.zone),
    })
}

/// The filter in words, as history keeps it: the names of the day, whatever becomes of them.
pub async fn audience_words(db: &Db, store: StoreId, filter: &RecipientFilter) -> Result<String, AppError> {
    Ok(match filter.clone().normalised() {
        RecipientFilter::All => "All customers".to_owned(),
        RecipientFilter::Segment(id) => match segments::store::find(db, store, id).await? {
            Some(segment) => format!("Segment “{}”", segment.name),
            None => "A segment that was deleted".to_owned(),
        },
        RecipientFilter::Tags(tags) if tags.len() == 1 => format!("Tag “{}”", tags.join("")),
        RecipientFilter::Tags(tags) => {
            let quoted: Vec<String> = tags.iter().map(|tag| format!("“{tag}”")).collect();
            format!("Tags {}", quoted.join(" or "))
        }
        RecipientFilter::Manual(ids) if ids.len() == 1 => "1 customer picked by hand".to_owned(),
        RecipientFilter::Manual(ids) => {
            format!(
                "{} customers picked by hand",
                grouped(i64::try_from(ids.len()).unwrap_or(i64::MAX))
            )
        }
    })
}
