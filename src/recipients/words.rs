//! A filter in words.

use std::collections::HashMap;

use super::model::RecipientFilter;
use crate::{db::Db, ids::StoreId, segments, text::grouped};

/// Who a filter is for, in few words; `segments` are names by id.
pub fn audience_words(filter: Option<&RecipientFilter>, segments: &HashMap<i64, String>) -> String {
    match filter {
        None => "Nobody chosen yet".to_owned(),
        Some(RecipientFilter::All) => "All customers".to_owned(),
        Some(RecipientFilter::Segment(id)) => match segments.get(id) {
            Some(name) => format!("Segment: {name}"),
            None => "A segment that is gone".to_owned(),
        },
        Some(RecipientFilter::Tags(tags)) => format!("Tags: {}", tags.join(", ")),
        Some(RecipientFilter::Reached(_)) => "Everybody who got the first message".to_owned(),
        Some(RecipientFilter::Manual(ids)) if ids.len() == 1 => "1 customer, chosen by hand".to_owned(),
        Some(RecipientFilter::Manual(ids)) => {
            let n = i64::try_from(ids.len()).unwrap_or(i64::MAX);
            format!("{} customers, chosen by hand", grouped(n))
        }
    }
}

/// [`audience_words`] with today's names of the store's segments.
pub async fn today(db: &Db, store: StoreId, filter: &RecipientFilter) -> sqlx::Result<String> {
    let names = match filter {
        RecipientFilter::Segment(_) => segments::queries::all(db, store)
            .await?
            .into_iter()
            .map(|s| (s.id, s.name))
            .collect(),
        _ => HashMap::new(),
    };
    Ok(audience_words(Some(filter), &names))
}
