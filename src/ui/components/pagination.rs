//! Long lists in pages, by links.

use leptos::prelude::*;

use crate::paths;

/// Where in a list a page stands. Pages count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    pub page: i64,
    pub per_page: i64,
    pub total: i64,
}

impl Paging {
    /// From the `page` in the address; whatever is no page is the first.
    pub fn asked(page: &str) -> i64 {
        page.parse().ok().filter(|n| (1..=1_000_000).contains(n)).unwrap_or(1)
    }

    /// The number of pages, at least one.
    pub fn last(self) -> i64 {
        ((self.total + self.per_page - 1) / self.per_page.max(1)).max(1)
    }
}

/// `Previous` and `Next` beside what the list holds. `query` is what the address carries beside
/// the page.
#[component]
pub fn Pagination(
    paging: Paging,
    #[prop(into)] path: String,
    query: Vec<(&'static str, String)>,
    #[prop(into)] words: String,
) -> impl IntoView {
    let to = move |page: i64| {
        let mut pairs: Vec<String> = query
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", paths::encode(value)))
            .collect();
        if page > 1 {
            pairs.push(format!("page={page}"));
        }
        let joint = if pairs.is_empty() { "" } else { "?" };
        format!("{path}{joint}{}", pairs.join("&"))
    };
    let last = paging.last();
    let here = paging.page.min(last);
    let links = (last > 1).then(|| {
        view! {
            <nav class="inline" aria-label="Pagination">
                {(here > 1).then(|| view! { <a class="btn sm" rel="prev" href=to(here - 1)>"Previous"</a> })}
                <span class="hint num">{format!("Page {here} of {last}")}</span>
                {(here < last).then(|| view! { <a class="btn sm" rel="next" href=to(here + 1)>"Next"</a> })}
            </nav>
        }
    });
    view! { <div class="pages"><p class="hint num" role="status">{words}</p>{links}</div> }
}

#[cfg(test)]
mod tests {
    use super::Paging;

    #[test]
    fn a_list_has_at_least_one_page_and_no_empty_last_one() {
        let last = |total| {
            Paging {
                page: 1,
                per_page: 25,
                total,
            }
            .last()
        };
        assert_eq!([last(0), last(25), last(26), last(51)], [1, 1, 2, 3]);
    }

    #[test]
    fn whatever_is_no_page_is_the_first() {
        assert_eq!(["", "0", "-3", "x", "7"].map(Paging::asked), [1, 1, 1, 1, 7]);
    }
}
