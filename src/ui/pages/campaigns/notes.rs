//! The one banner of a campaign's page: what just happened, or what stands in the way.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    campaigns::{model::CampaignStatus, queries::Campaign, resend::ResendCounts, schedule},
    recipients::model::NO_RECIPIENTS,
    text::grouped,
    time,
    ui::{
        components::{Banner, Tone},
        pages::report::{Report, customers},
    },
};

/// What the page knows beside the campaign.
pub struct Told {
    /// The code in the address after something was done.
    pub ok: String,
    pub problem: Option<String>,
    pub now: DateTime<Utc>,
    pub zone: Tz,
    pub may_send: bool,
    /// Whether planned campaigns go out by themselves now.
    pub runs: bool,
    /// For one that was stopped: whom it would go to now.
    pub left: Option<ResendCounts>,
    /// For the form that sends: the same one twice is one send.
    pub token: String,
}

/// The most important of what could be said, or nothing.
pub fn view(campaign: &Campaign, report: Option<&Report>, told: &Told) -> Option<AnyView> {
    let (id, may_send) = (campaign.id, told.may_send);
    let button = move |label: &'static str, page: &str| {
        let path = format!("/marketing/campaigns/{id}/{page}");
        may_send.then(|| view! { <div class="acts"><a class="btn sm" href=path>{label}</a></div> })
    };
    let banner = match (campaign.status, told.ok.as_str()) {
        (CampaignStatus::Draft, "undone") => undone(campaign, told),
        (CampaignStatus::Draft, "unscheduled") => view! {
            <Banner tone=Tone::Success><p>"Taken off the schedule. It is a draft again."</p></Banner>
        }
        .into_any(),
        (CampaignStatus::Scheduled, ok) => {
            let at = campaign.scheduled_at?;
            let when = time::absolute(at, told.zone);
            if campaign.hold.is_some() || at < told.now {
                overdue(campaign, &when, told)
            } else {
                let tone = Tone::Success;
                let title = format!("Scheduled for {when}, {}.", time::relative(at, told.now));
                if told.runs && ok != "scheduled" {
                    // Its time stands on the page itself.
                    return None;
                }
                if told.runs {
                    view! { <Banner tone title><p>"Sends by itself."</p></Banner> }.into_any()
                } else {
                    let acts = sending(campaign, told);
                    view! {
                        <Banner tone=Tone::Warning title>
                            <p>"Needs someone to click Send now: scheduled sends are paused."</p>
                            {acts}
                        </Banner>
                    }
                    .into_any()
                }
            }
        }
        (CampaignStatus::Draft, _) if told.problem.as_deref() == Some("no_recipients") => view! {
            <Banner tone=Tone::Error title=NO_RECIPIENTS>
                <p>"Nobody matched when it was about to go out, so it is a draft again. Choose who it is for once more."</p>
                {button("Choose who this is for", "edit")}
            </Banner>
        }
        .into_any(),
        (CampaignStatus::Draft, _) => {
            let problem = told.problem.clone().filter(|p| !p.is_empty())?;
            let at = report
                .and_then(|r| r.send.finished_at)
                .map(|at| format!(" at {}", time::clock(at, told.zone)))
                .unwrap_or_default();
            let reached = report.map_or(String::new(), reached);
            let on_the_way = report.and_then(Report::on_the_way);
            let next = rest(told, campaign);
            // Somebody stopped it: nothing has broken.
            view! {
                <Banner tone=Tone::Warning title=format!("Sending stopped{at}{reached}.")>
                    <p>{problem}</p>
                    {on_the_way}
                    {next}
                </Banner>
            }
            .into_any()
        }
        (_, "too-late") => {
            let sent = report.map_or(0, |r| r.tally.sent);
            view! {
                <Banner tone=Tone::Warning>
                    <p>{format!("It had already started. {} got it.", customers(sent))}</p>
                </Banner>
            }
            .into_any()
        }
        (_, "already") => {
            let words = report?.already();
            view! { <Banner tone=Tone::Info><p>{words}</p></Banner> }.into_any()
        }
        _ => return None,
    };
    Some(banner)
}

/// Taken back before anything went out. If it was to go at a time that is still to come, one press
/// schedules it for that again.
fn undone(campaign: &Campaign, told: &Told) -> AnyView {
    let at = schedule::of_campaign(campaign, told.zone, told.now).filter(|_| told.may_send);
    let again = at.map(|at| {
        let words = format!("Schedule for {}", time::absolute(at, told.zone));
        view! {
            <p>"It isn't scheduled now."</p>
            <div class="acts">
                <form method="post" action="/api/campaigns/schedule-again">
                    <input type="hidden" name="id" value=campaign.id.to_string()/>
                    <input type="hidden" name="version" value=campaign.version.to_string()/>
                    <button class="btn sm primary" type="submit">{words}</button>
                </form>
                <a class="btn sm" href=format!("/marketing/campaigns/{}/edit#later", campaign.id)>"Choose another time"</a>
            </div>
        }
    });
    view! { <Banner tone=Tone::Info><p>"Sending cancelled. Nothing was sent."</p>{again}</Banner> }.into_any()
}

/// Above one go of several: which it is, and the way to all of them together.
pub fn one_go(campaign: i64, report: Option<&Report>, zone: Tz) -> AnyView {
    let when = report
        .map(|report| time::absolute(report.send.started_at, zone))
        .unwrap_or_default();
    let path = format!("/marketing/campaigns/{campaign}#goes");
    view! {
        <Banner tone=Tone::Info>
            <p>{format!("Only the go of {when}. ")}<a href=path>"See all goes together"</a></p>
        </Banner>
    }
    .into_any()
}

/// ` after 145 of 348 customers`
fn reached(report: &Report) -> String {
    let (settled, meant) = (report.tally.settled(), report.tally.audience() + report.tally.cancelled);
    format!(" after {} of {}", grouped(settled), customers(meant))
}

/// What can be done about a send that ended before everybody had it: one press for those who are
/// left.
fn rest(told: &Told, campaign: &Campaign) -> Option<AnyView> {
    if !told.may_send {
        return None;
    }
    let Some(left) = told.left else {
        let review = format!("/marketing/campaigns/{}/review", campaign.id);
        return Some(view! { <div class="acts"><a class="btn sm primary" href=review>"Send now"</a></div> }.into_any());
    };
    let who_got_it = view! { <a class="btn sm" href="#people">"See who got it"</a> };
    if left.remaining == 0 {
        return Some(
            view! { <p>"Nobody else is left to send it to."</p><div class="acts">{who_got_it}</div> }.into_any(),
        );
    }
    Some(
        view! {
            <form method="post" action="/api/campaigns/send-rest" class="rest">
                <input type="hidden" name="id" value=campaign.id.to_string()/>
                <input type="hidden" name="version" value=campaign.version.to_string()/>
                <input type="hidden" name="send_token" value=told.token.clone()/>
                <input type="hidden" name="shown_count" value=left.remaining.to_string()/>
                <label class="tick">
                    <input type="checkbox" name="skip_already" value="true" checked/>
                    {format!("Skip the {} who already got it", grouped(left.already))}
                </label>
                <div class="acts">
                    <button class="btn sm primary" type="submit">
                        <span class="to-rest">{format!("Send to the remaining {}", grouped(left.remaining))}</span>
                        <span class="to-all">{format!("Send to all {}", grouped(left.everyone))}</span>
                    </button>
                    {who_got_it}
                </div>
            </form>
        }
        .into_any(),
    )
}

/// The list's own banner while nothing goes out by itself.
pub fn paused() -> AnyView {
    view! {
        <Banner tone=Tone::Warning>
            <p>"Scheduled sends are paused. Campaigns stay scheduled until someone clicks Send now."</p>
        </Banner>
    }
    .into_any()
}

/// Its time has passed and it has not gone: why, and one click to send it or to plan it anew.
fn overdue(campaign: &Campaign, when: &str, told: &Told) -> AnyView {
    let cause = match (&campaign.hold, &told.problem) {
        (Some(_), Some(problem)) if !problem.is_empty() => problem.clone(),
        (Some(_), _) => "It was too late to send it without asking.".to_owned(),
        (None, _) if told.runs => "It is about to start.".to_owned(),
        (None, _) => "Scheduled sends are paused. It stays scheduled until someone clicks Send now.".to_owned(),
    };
    let acts = sending(campaign, told);
    view! {
        <Banner tone=Tone::Warning title=format!("Due {when} — not sent yet.")>
            <p>{cause}</p>
            {acts}
        </Banner>
    }
    .into_any()
}

fn sending(campaign: &Campaign, told: &Told) -> Option<AnyView> {
    let (id, version, token) = (campaign.id, campaign.version, told.token.clone());
    told.may_send.then(move || {
        view! {
            <div class="acts">
                <form method="post" action="/api/campaigns/confirm">
                    <input type="hidden" name="id" value=id.to_string()/>
                    <input type="hidden" name="version" value=version.to_string()/>
                    <input type="hidden" name="send_token" value=token/>
                    <button class="btn sm primary" type="submit">"Send now"</button>
                </form>
                <a class="btn sm" href=format!("/marketing/campaigns/{id}/edit#later")>"Change the time"</a>
            </div>
        }
        .into_any()
    })
}
