//! The values of a statement that is put together at run time.

use chrono::{DateTime, Utc};

/// One bound value.
#[derive(Clone, Debug)]
pub enum Bind {
    Id(i64),
    Text(String),
    Moment(DateTime<Utc>),
}

impl From<i64> for Bind {
    fn from(id: i64) -> Self {
        Bind::Id(id)
    }
}

impl From<String> for Bind {
    fn from(text: String) -> Self {
        Bind::Text(text)
    }
}

impl From<DateTime<Utc>> for Bind {
    fn from(at: DateTime<Utc>) -> Self {
        Bind::Moment(at)
    }
}

/// The values of one statement, in the order of their placeholders.
#[derive(Clone, Debug, Default)]
pub struct Binds(Vec<Bind>);

impl Binds {
    /// Keeps the value and answers its placeholder, which may be written more than once.
    pub fn add(&mut self, value: impl Into<Bind>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Bind> {
        self.0.iter()
    }
}

/// Binds all values to a query of either database: `bound!(sqlx::query(…), binds)`.
#[macro_export]
macro_rules! bound {
    ($query:expr, $binds:expr) => {{
        let mut query = $query;
        for value in $binds.iter() {
            query = match value {
                $crate::db::binds::Bind::Id(id) => query.bind(*id),
                $crate::db::binds::Bind::Text(text) => query.bind(text.clone()),
                $crate::db::binds::Bind::Moment(at) => query.bind(*at),
            };
        }
        query
    }};
}
