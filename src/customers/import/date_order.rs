//! Whether a file writes the day or the month first: decided for each column from all its values.

use std::io::{self, BufRead};

use super::{csv_reader::Rows, mapping::Mapping};
use crate::customers::dates::{DayOrder, Shown, order_shown};

/// The order of each column, and the columns for which nothing decides it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Orders {
    pub orders: Vec<Option<DayOrder>>,
    pub unclear: Vec<String>,
}

/// What the values of a column show.
#[derive(Clone, Copy, Debug, Default)]
struct Values {
    day_first: bool,
    month_first: bool,
    either: bool,
}

impl Values {
    fn take(&mut self, cell: &str) {
        match order_shown(cell) {
            Some(Shown::Only(DayOrder::DayFirst)) => self.day_first = true,
            Some(Shown::Only(DayOrder::MonthFirst)) => self.month_first = true,
            Some(Shown::Either) => self.either = true,
            None => {}
        }
    }

    /// Nothing while both, or neither, are shown.
    fn order(self) -> Option<DayOrder> {
        match (self.day_first, self.month_first) {
            (true, false) => Some(DayOrder::DayFirst),
            (false, true) => Some(DayOrder::MonthFirst),
            _ => None,
        }
    }
}

/// Reads all rows that are left, where the mapping has days at all. What a person said counts
/// where the column does not show it.
pub(super) fn of_rows(mapping: &Mapping, mut rows: Rows<impl BufRead>) -> io::Result<Orders> {
    let is_day = |at: &usize| {
        let field = mapping.fields.get(*at).copied().flatten();
        field.is_some_and(|f| f.is_day())
    };
    let days: Vec<usize> = (0..mapping.columns.len()).filter(is_day).collect();
    let mut values = vec![Values::default(); mapping.columns.len()];
    if !days.is_empty() {
        while let Some(row) = rows.next()? {
            let Ok(cells) = row.cells else { continue };
            for at in &days {
                if let (Some(values), Some(cell)) = (values.get_mut(*at), cells.get(*at)) {
                    values.take(cell.trim().trim_start_matches('\''));
                }
            }
        }
    }
    let orders: Vec<_> = values.iter().map(|v| v.order().or(mapping.day_order)).collect();
    let unclear = values
        .iter()
        .zip(&orders)
        .zip(&mapping.columns)
        .filter(|((values, order), _)| values.either && order.is_none())
        .map(|(_, column)| column.clone())
        .collect();
    Ok(Orders { orders, unclear })
}
