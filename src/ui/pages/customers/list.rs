//! `/customers`

use std::collections::HashMap;

use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use leptos::prelude::*;

use super::communications::reason_against;
use crate::{
    context::actor::Permission,
    customers::{
        list_queries::{PAGE, tags_of_page},
        queries::{self, Contactable, ListFilter, ListRow},
    },
    db::search::wanted,
    error::AppError,
    recipients::model::SkipReason,
    server::page_request::StaffRequest,
    text::grouped,
    time,
    ui::{
        components::{Badge, EmptyState, Mark, PageHead, Pagination, Paging},
        page::Page,
        shell::Nav,
    },
};

/// Everyone in the book, by name, narrowed by what the address says.
pub async fn show(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCustomers)?;
    let asked = |name| staff.param(name).to_owned();
    let typed = Typed {
        q: wanted(staff.param("q")).to_owned(),
        tag: wanted(staff.param("tag")).to_owned(),
        contactable: asked("contactable"),
        book: asked("book"),
    };
    let filter = typed.filter(staff.store.email_requires_opt_in);
    let (db, store_id) = (staff.db(), staff.store_id());
    let total = queries::count(db, store_id, &filter).await?;
    let mut paging = Paging {
        page: Paging::asked(staff.param("page")),
        per_page: PAGE,
        total,
    };
    // A page after the last one, from an old address.
    paging.page = paging.page.min(paging.last());
    let rows = queries::page(db, store_id, &filter, paging.page).await?;
    let ids: Vec<i64> = rows.iter().map(|r| r.id).collect();
    let mut tags: HashMap<i64, Vec<String>> = HashMap::new();
    for (id, tag) in tags_of_page(db, store_id, &ids).await? {
        tags.entry(id).or_default().push(tag);
    }
    let all_tags = queries::all_tags(db, store_id).await?;
    let shown = Shown {
        now: staff.now(),
        today: time::today(staff.now(), staff.zone()),
        requires_opt_in: filter.requires_opt_in,
    };
    let (may_write, may_import) = (
        staff.actor.may(Permission::WriteCustomers),
        staff.actor.may(Permission::ImportCustomers),
    );
    let page = Page::new("Customers", Nav::Customers, move || {
        let filtered = typed.is_filtered();
        let lines: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let tags = tags.remove(&row.id).unwrap_or_default();
                line(row, tags, shown)
            })
            .collect();
        let words = match total {
            1 => "1 customer".to_owned(),
            n => format!("{} customers", grouped(n)),
        };
        view! {
            <PageHead title="Customers">
                {may_write.then(|| view! { <a class="btn primary" href="/customers/new">"Add customer"</a> })}
                {may_import.then(|| view! { <a class="btn" href="/customers/import">"Import"</a> })}
            </PageHead>
            {(filtered || total > 0).then(|| filters(&typed, all_tags))}
            {if lines.is_empty() {
                nothing(filtered, may_write, may_import)
            } else {
                view! {
                    {table(lines)}
                    <Pagination paging path="/customers" query=typed.pairs() words=words/>
                }
                .into_any()
            }}
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

/// The filter as it stands in the address.
struct Typed {
    q: String,
    tag: String,
    contactable: String,
    book: String,
}

impl Typed {
    fn filter(&self, requires_opt_in: bool) -> ListFilter {
        ListFilter {
            text: self.q.clone(),
            tag: self.tag.clone(),
            contactable: match self.contactable.as_str() {
                "email" => Contactable::ByEmail,
                "neither" => Contactable::NotByEmail,
                _ => Contactable::Anyone,
            },
            archived: self.book == "archived",
            requires_opt_in,
        }
    }

    fn is_filtered(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        vec![
            ("q", self.q.clone()),
            ("tag", self.tag.clone()),
            ("contactable", self.contactable.clone()),
            ("book", self.book.clone()),
        ]
    }
}

fn filters(typed: &Typed, tags: Vec<(String, i64)>) -> AnyView {
    let option = |value: String, words: String, chosen: &str| {
        let selected = value == chosen;
        view! { <option value=value selected=selected>{words}</option> }
    };
    let tags: Vec<_> = tags
        .into_iter()
        .map(|(tag, n)| option(tag.clone(), format!("{tag} ({})", grouped(n)), &typed.tag))
        .collect();
    let of = |pairs: &[(&str, &str)], chosen: &str| {
        let options: Vec<_> = pairs
            .iter()
            .map(|(value, words)| option((*value).to_owned(), (*words).to_owned(), chosen))
            .collect();
        options
    };
    let contactable = of(
        &[("", "Anyone"), ("email", "Email"), ("neither", "Not by email")],
        &typed.contactable,
    );
    let book = of(&[("", "In the book"), ("archived", "Archived")], &typed.book);
    view! {
        <form class="filters" role="search" aria-label="Customers" method="get" action="/customers">
            <div class="grow">
                <label for="q">"Search customers"</label>
                <input id="q" type="search" name="q" value=typed.q.clone()/>
            </div>
            <div>
                <label for="tag">"Tag"</label>
                <select id="tag" name="tag"><option value="">"Any tag"</option>{tags}</select>
            </div>
            <div>
                <label for="contactable">"Contactable by"</label>
                <select id="contactable" name="contactable">{contactable}</select>
            </div>
            <div>
                <label for="book">"Show"</label>
                <select id="book" name="book">{book}</select>
            </div>
            <button class="btn" type="submit">"Apply"</button>
        </form>
    }
    .into_any()
}

#[derive(Clone, Copy)]
struct Shown {
    now: DateTime<Utc>,
    today: NaiveDate,
    requires_opt_in: bool,
}

fn table(lines: Vec<AnyView>) -> AnyView {
    view! {
        <div class="card scroll" role="region" tabindex="0" aria-label="Customers table">
            <table class="table">
                <caption class="vh">"Customers by name"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Email"</th>
                        <th scope="col">"Phone"</th>
                        <th scope="col">"Tags"</th>
                        <th scope="col">"Last contacted"</th>
                        <th scope="col">"Next moment"</th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn line(row: ListRow, tags: Vec<String>, shown: Shown) -> AnyView {
    let against = reason_against(row.email_standing, shown.requires_opt_in)
        // The empty cell and the filter say these already.
        .filter(|r| !matches!(r, SkipReason::NoAddress | SkipReason::Archived))
        .map(|reason| match reason {
            SkipReason::Bounced | SkipReason::NotValid => {
                view! { <br/><Badge mark=Mark::Failed word=reason.label()/> }.into_any()
            }
            other => view! { <br/><span class="hint">{other.label()}</span> }.into_any(),
        });
    let next = next_moment(&row, shown.today);
    let phone = row.phone.or(row.phone_typed).unwrap_or_default();
    let contacted = row
        .last_contacted_at
        .map_or_else(|| "Never".to_owned(), |at| time::relative(at, shown.now));
    let chips: Vec<_> = tags
        .into_iter()
        .map(|tag| view! { <span class="chip">{tag}</span> })
        .collect();
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/customers/{}", row.id)>{row.name}</a>
                {row.is_vip.then(|| view! { <span class="hint">"VIP"</span> })}
            </th>
            <td>{row.email.unwrap_or_default()}{against}</td>
            <td class="num nowrap">{phone}</td>
            <td><span class="chips">{chips}</span></td>
            <td class="nowrap">{contacted}</td>
            <td class="nowrap">{next}</td>
        </tr>
    }
    .into_any()
}

/// `Anniversary 14 May`: the birthday or the anniversary, whichever comes first.
fn next_moment(row: &ListRow, today: NaiveDate) -> String {
    let of = |what: &'static str, month: Option<i64>, day: Option<i64>| {
        let (month, day) = (u32::try_from(month?).ok()?, u32::try_from(day?).ok()?);
        time::next_yearly(month, day, today).map(|on| (on, what))
    };
    [
        of("Birthday", row.birthday_month, row.birthday_day),
        of("Anniversary", row.anniversary_month, row.anniversary_day),
    ]
    .into_iter()
    .flatten()
    .min()
    .map_or_else(String::new, |(on, what)| format!("{what} {}", on.format("%-d %b")))
}

fn nothing(filtered: bool, may_write: bool, may_import: bool) -> AnyView {
    if filtered {
        return view! {
            <EmptyState title="No customers match.">
                <a class="btn" href="/customers">"Clear filters"</a>
            </EmptyState>
        }
        .into_any();
    }
    view! {
        <EmptyState title="Nobody in the book yet"
            words="Bring in the customers you have from Shopify, Square or any CSV file, or add them one by one.">
            {may_import.then(|| view! { <a class="btn primary" href="/customers/import">"Import a file"</a> })}
            {may_write.then(|| view! { <a class="btn" href="/customers/new">"Add a customer"</a> })}
        </EmptyState>
    }
    .into_any()
}
