//! Ids, each a type of its own.

use serde::{Deserialize, Serialize};

/// Which tenant. The first parameter of every store function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[cfg_attr(feature = "ssr", sqlx(transparent))]
#[serde(transparent)]
pub struct StoreId(pub i64);
