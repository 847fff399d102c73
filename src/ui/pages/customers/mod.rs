//! The pages of customers.

pub mod communications;
mod consent;
pub mod details;
pub mod edit;
mod facts;
pub mod import;
mod import_mapping;
mod import_report;
pub mod import_result;
pub mod list;
mod suppressed;

use leptos::prelude::*;

use crate::server::forms::Flash;

/// The two sides of a customer, as links.
fn tabs(id: i64, communications: bool) -> AnyView {
    let current = |is: bool| is.then_some("page");
    view! {
        <nav class="tabs" aria-label="Customer">
            <ul>
                <li><a href=format!("/customers/{id}") aria-current=current(!communications)>"Details"</a></li>
                <li>
                    <a href=format!("/customers/{id}/communications") aria-current=current(communications)>"Communications"</a>
                </li>
            </ul>
        </nav>
    }
    .into_any()
}

/// What a refused form left behind, if it is the one whose fields begin with this: a page with
/// several forms gives each its own words only.
fn only(flash: Option<&Flash>, prefix: &str) -> Option<Flash> {
    flash
        .filter(|f| f.problems.iter().any(|p| p.field.starts_with(prefix)))
        .cloned()
}
