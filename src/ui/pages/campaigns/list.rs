//! `/marketing/campaigns`

use axum::response::Response;
use leptos::prelude::*;

use super::{card, notes};
use crate::{
    campaigns::{
        list::{CampaignCard, ListQuery},
        model::CampaignStatus,
        queries::{self, PER_PAGE},
    },
    context::actor::Permission,
    db::search::wanted,
    error::AppError,
    scheduler::heartbeat::SchedulerStatus,
    server::page_request::StaffRequest,
    text::grouped,
    time,
    ui::{
        components::{Banner, EmptyState, Mark, PageHead, Pagination, Paging, Tone},
        page::Page,
        shell::Nav,
        who_can_help,
    },
};

/// Every campaign, what is being sent first, then the newest activity.
pub async fn show(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCampaigns)?;
    let (zone, now) = (staff.zone(), staff.now());
    let asked = |name| staff.param(name).to_owned();
    let typed = Typed {
        q: wanted(staff.param("q")).to_owned(),
        status: asked("status"),
        from: asked("from"),
        to: asked("to"),
    };
    let mut query = ListQuery::read(
        &typed.q,
        &typed.status,
        &typed.from,
        &typed.to,
        staff.param("page"),
        zone,
    );
    let (mut cards, total) = queries::list(staff.db(), staff.store_id(), &query, now).await?;
    let mut paging = Paging {
        page: query.page,
        per_page: PER_PAGE,
        total,
    };
    if cards.is_empty() && total > 0 {
        // A page after the last one, from an old address.
        paging.page = paging.last();
        query.page = paging.page;
        cards = queries::list(staff.db(), staff.store_id(), &query, now).await?.0;
    }
    let may_send = staff.actor.may(Permission::SendCampaigns);
    let ask = if may_send {
        None
    } else {
        Some(who_can_help::who_may_send(&staff).await?)
    };
    let words = format!(
        "Every email campaign, newest first. Times are in {} ({}).",
        time::city(zone),
        now.with_timezone(&zone).format("%Z")
    );
    let deleted = staff.param("ok") == "deleted";
    let paused = !SchedulerStatus::load(&staff.visit.state, now).await?.is_running();
    let filtered = query.is_filtered();
    let page = Page::new("Campaigns", Nav::Campaigns, move || {
        let new = may_send
            .then(|| view! { <a class="btn primary" href="/marketing/campaigns/new">"New Campaign"</a> }.into_any());
        let cards: Vec<_> = cards.into_iter().map(|c| card::view(c, now, zone, may_send)).collect();
        view! {
            {deleted.then(|| view! { <Banner tone=Tone::Success><p>"Campaign deleted."</p></Banner> })}
            {paused.then(notes::paused)}
            <PageHead title="Campaigns" words=words.clone() focused=deleted>{new}</PageHead>
            {ask.map(|line| view! { <p class="ask hint">{line}</p> })}
            {(filtered || total > 0).then(|| filters(&typed))}
            {if cards.is_empty() {
                nothing(filtered, may_send)
            } else {
                view! {
                    <ul class="campaigns" aria-label="Campaigns">{cards}</ul>
                    <Pagination paging path="/marketing/campaigns" query=typed.pairs() words=how_many(total)/>
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
    status: String,
    from: String,
    to: String,
}

impl Typed {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        vec![
            ("q", self.q.clone()),
            ("status", self.status.clone()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
        ]
    }
}

fn how_many(total: i64) -> String {
    match total {
        1 => "1 campaign".to_owned(),
        n => format!("{} campaigns", grouped(n)),
    }
}

fn filters(typed: &Typed) -> AnyView {
    let statuses: Vec<_> = CampaignStatus::ALL
        .into_iter()
        .map(|s| view! { <option value=s.key() selected=typed.status == s.key()>{s.label()}</option> })
        .collect();
    // On a phone the form is folded below this; the style sheet shows it when it is open.
    let narrowed = typed.pairs().iter().any(|(_, value)| !value.is_empty());
    view! {
        <details class="fold-filters" open=narrowed><summary class="btn">"Filter"</summary></details>
        <form class="filters" role="search" aria-label="Campaigns" method="get" action="/marketing/campaigns">
            <div class="grow">
                <label for="q">"Search campaigns"</label>
                <input id="q" type="search" name="q" value=typed.q.clone()/>
            </div>
            <div>
                <label for="status">"Status"</label>
                <select id="status" name="status">
                    <option value="">"All statuses"</option>
                    {statuses}
                </select>
            </div>
            <div>
                <label for="from">"Sent from"</label>
                <input id="from" type="date" name="from" value=typed.from.clone()/>
            </div>
            <div>
                <label for="to">"Sent until"</label>
                <input id="to" type="date" name="to" value=typed.to.clone()/>
            </div>
            <button class="btn" type="submit">"Apply"</button>
        </form>
    }
    .into_any()
}

fn nothing(filtered: bool, may_send: bool) -> AnyView {
    if filtered {
        return view! {
            <EmptyState title="No campaigns match.">
                <a class="btn" href="/marketing/campaigns">"Clear filters"</a>
            </EmptyState>
        }
        .into_any();
    }
    if !may_send {
        return view! { <EmptyState title="No campaigns yet"/> }.into_any();
    }
    view! {
        <EmptyState title="Write your first campaign"
            words="Pick who it's for, see exactly how many customers will get it, then send or schedule.">
            <a class="btn primary" href="/marketing/campaigns/new">"Create the first one"</a>
        </EmptyState>
    }
    .into_any()
}

/// What the list calls a campaign that came back.
pub(super) fn came_back(card: &CampaignCard) -> Option<(Mark, &'static str)> {
    if card.status != CampaignStatus::Draft {
        return None;
    }
    match card.problem.as_deref() {
        None | Some("") => None,
        Some("no_recipients") => Some((Mark::Failed, "No recipients found")),
        // A person stopped it, or it waits for one: nothing has broken.
        Some(_) => Some((Mark::Overdue, "Sending stopped")),
    }
}
