//! A campaign that has not gone out: the message as a real recipient gets it, when it goes, and who
//! gets it today.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    campaigns::{
        draft::Draft,
        preflight::{
            checks::Message,
            model::Check,
            rules::{self, Preflight},
        },
        queries::Campaign,
    },
    recipients::model::{Audience, Earlier, Named, Person, RecipientFilter, SkipReason},
    server::page_request::StaffRequest,
    text::grouped,
    time,
    ui::components::StandingIcon,
};

/// Everything the plan shows, loaded before it is drawn.
#[derive(Debug)]
pub struct Plan {
    campaign: Campaign,
    audience_words: String,
    preflight: Preflight,
    names: Vec<(SkipReason, Vec<Named>)>,
    sample: Vec<Person>,
    /// As whom the message is shown; nobody while nobody is chosen.
    reader: Option<Person>,
    subject: Option<String>,
    from: String,
    may_send: bool,
    runs: bool,
    now: DateTime<Utc>,
    zone: Tz,
}

/// Why somebody was chosen to be shown, in the order of the sample.
const WHY: [&str; 3] = ["Typical", "Longest name", "Most gaps"];

impl Plan {
    /// Counts and looks now; shown as the one of the sample that the address asks for.
    pub async fn load(
        staff: &StaffRequest,
        campaign: Campaign,
        audience_words: String,
        may_send: bool,
        runs: bool,
    ) -> sqlx::Result<Self> {
        let (db, store, now) = (staff.db(), &staff.store, staff.now());
        let draft = Draft::copied_from(&campaign, campaign.name.clone());
        let message = Message::of(&draft);
        let not_again = campaign.skip_already.then_some(Earlier::Campaign(campaign.id));
        let mut preflight = rules::check_campaign(db, store, &staff.actor.name, &campaign, now).await?;
        if campaign.scheduled_at.is_some() {
            // It does not go at this hour.
            preflight.checks.retain(|check| check.field.as_deref() != Some("later"));
        }
        let names = match &preflight.audience {
            Some(audience) => rules::skipped_names(db, store, &message, audience, not_again, now).await?,
            None => Vec::new(),
        };
        let sample = rules::sample(db, store, &message, not_again, now).await?;
        let asked = staff.param("person").parse::<i64>().ok();
        let chosen = sample.iter().find(|person| Some(person.id) == asked);
        let reader = chosen.or(sample.first()).cloned();
        let subject = rules::subject_for(store, &staff.actor.name, &message, reader.as_ref(), now);
        Ok(Self {
            subject,
            from: format!("{} <{}>", store.from_name, store.from_email),
            zone: staff.zone(),
            campaign,
            audience_words,
            preflight,
            names,
            sample,
            reader,
            may_send,
            runs,
            now,
        })
    }

    /// The message at the left; its time, its audience and the checks at the right.
    pub fn view(self) -> AnyView {
        let letter = self.letter();
        let when = self.when();
        let who = self.who();
        let checks = checks(&self.preflight.checks);
        view! {
            <div class="split plan">
                <div class="beside side-stack">{when}</div>
                <div class="main-part">{letter}</div>
                <div class="beside side-stack">{who}{checks}</div>
            </div>
        }
        .into_any()
    }

    fn letter(&self) -> AnyView {
        let id = self.campaign.id;
        let path = format!("/marketing/campaigns/{id}/preview");
        if self.campaign.body.trim().is_empty() {
            return view! {
                <section class="card pad" id="plan" aria-labelledby="plan-title">
                    <h2 id="plan-title">"The message"</h2>
                    <p class="hint">"Nothing is written yet."</p>
                </section>
            }
            .into_any();
        }
        let shown = self.reader.as_ref().map_or(0, |person| person.id);
        let chips: Vec<_> = self
            .sample
            .iter()
            .zip(WHY)
            .map(|(person, why)| {
                let href = format!("/marketing/campaigns/{id}?person={}#plan", person.id);
                let current = (person.id == shown).then_some("true");
                view! { <li><a href=href aria-current=current>{format!("{why}: {}", person.name)}</a></li> }
            })
            .collect();
        let see_as = (chips.len() > 1).then(|| {
            view! { <div class="see-as"><nav class="narrow" aria-label="See it as"><ul>{chips}</ul></nav></div> }
        });
        let (whose, to) = match &self.reader {
            Some(person) => (
                format!("As {} will get it", person.name),
                format!("From {} to {}", self.from, person.email),
            ),
            None => (
                "As somebody with every field blank would get it".to_owned(),
                format!("From {}", self.from),
            ),
        };
        let subject = self.subject.clone().unwrap_or_else(|| "No subject yet".to_owned());
        let source = format!("{path}?as={shown}");
        let text = format!("{source}&part=text");
        view! {
            <section id="plan" aria-labelledby="plan-title">
                <h2 id="plan-title" class="vh">"The message"</h2>
                <div class="card letter tall">
                    {see_as}
                    <div class="envelope">
                        <span class="hint">{whose.clone()}</span>
                        <strong>{subject}</strong>
                        <span class="hint">{to}</span>
                    </div>
                    <iframe class="message" sandbox="" title=whose referrerpolicy="no-referrer" src=source.clone()></iframe>
                    <div class="tools">
                        <a href=source>"Open full size"</a>
                        <a href=text>"Text only"</a>
                    </div>
                </div>
            </section>
        }
        .into_any()
    }

    fn when(&self) -> Option<AnyView> {
        let at = self.campaign.scheduled_at?;
        let id = self.campaign.id;
        let machine = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let mut words = format!(
            "{}, {}, {}.",
            at.with_timezone(&self.zone).format("%Z"),
            time::city(self.zone),
            time::relative(at, self.now)
        );
        if self.runs && at > self.now && self.campaign.hold.is_none() {
            words.push_str(" Sends by itself; nobody needs to be here.");
        }
        let acts = self.may_send.then(|| {
            view! {
                <div class="acts">
                    <a class="btn sm" href=format!("/marketing/campaigns/{id}/edit#later")>"Change the time"</a>
                    <form method="post" action="/api/campaigns/unschedule">
                        <input type="hidden" name="id" value=id.to_string()/>
                        <button class="btn sm quiet" type="submit">"Unschedule"</button>
                    </form>
                </div>
            }
        });
        Some(
            view! {
                <section class="card pad when-card" aria-labelledby="when-title">
                    <h2 id="when-title">"When it goes out"</h2>
                    <p class="at"><time datetime=machine>{day_and_clock(at, self.zone)}</time></p>
                    <p>{words}</p>
                    {acts}
                </section>
            }
            .into_any(),
        )
    }

    fn who(&self) -> AnyView {
        let goes_to = self.audience_words.clone();
        let inside = match &self.preflight.audience {
            Some(audience) => counted(audience, &self.names, self.campaign.id).into_any(),
            None if self.campaign.recipients().is_none() && self.may_send => {
                let path = format!("/marketing/campaigns/{}/edit#rt-all", self.campaign.id);
                view! { <p class="below"><a href=path>"Choose who this is for"</a></p> }.into_any()
            }
            None => ().into_any(),
        };
        let bound = match (self.campaign.recipients(), &self.preflight.audience) {
            (Some(RecipientFilter::Segment(_)), Some(audience)) => {
                let name = goes_to.strip_prefix("Segment: ").unwrap_or(&goes_to).to_owned();
                Some(view! { <p class="hint below">{audience.segment_bound(&name)}</p> })
            }
            _ => None,
        };
        view! {
            <section class="card pad rail-card" aria-labelledby="who-title">
                <h2 id="who-title">"Who will get this"</h2>
                <p class="hint">{goes_to}</p>
                {inside}
                {bound}
            </section>
        }
        .into_any()
    }
}

/// `Sat 5 Dec 2026, 9:00 am`: the zone stands below.
fn day_and_clock(at: DateTime<Utc>, zone: Tz) -> String {
    format!(
        "{}, {}",
        at.with_timezone(&zone).format("%a %-d %b %Y"),
        time::clock(at, zone)
    )
}

/// The number today and the reasons, as beside the form.
fn counted(audience: &Audience, names: &[(SkipReason, Vec<Named>)], campaign: i64) -> impl IntoView + use<> {
    let share = audience.percent_sent().to_string();
    let words = match audience.will_send {
        0 => audience.sentence(),
        _ => format!("{} today.", audience.sentence()),
    };
    let class = if audience.will_send == 0 { "none" } else { "" };
    let again = format!("/marketing/campaigns/{campaign}#who-title");
    let bar = (audience.matched > 0).then(|| {
        view! {
            <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                <rect class="skip" width="100" height="8"></rect>
                <rect class="send" width=share height="8"></rect>
            </svg>
        }
    });
    view! {
        <p class=class>
            <span class="big" aria-hidden="true">{grouped(audience.will_send)}</span>
            <span>{words}</span>
        </p>
        {bar}
        {skipped(audience, names)}
        <p class="hint counted">
            "Counted when you opened this page. We count again when it sends. "<a href=again>"Count again"</a>
        </p>
    }
}

fn skipped(audience: &Audience, names: &[(SkipReason, Vec<Named>)]) -> Option<AnyView> {
    let total = audience.skipped_total();
    let reasons: Vec<_> = audience
        .skipped
        .iter()
        .map(|(reason, n)| {
            let known = names
                .iter()
                .find(|(r, _)| r == reason)
                .map(|(_, known)| known.as_slice());
            let known = known.unwrap_or_default();
            let fix = reason.fix().map(|fix| format!(" · {fix}"));
            let people: Vec<_> = known
                .iter()
                .map(|person| {
                    let path = format!("/customers/{}", person.id);
                    view! { <li><a href=path>{person.name.clone()}</a><span class="hint">{fix.clone()}</span></li> }
                })
                .collect();
            let more = n - i64::try_from(known.len()).unwrap_or(0);
            let more = (more > 0).then(|| view! { <li class="hint">{format!("and {} more", grouped(more))}</li> });
            view! {
                <dt>{grouped(*n)}</dt>
                <dd>
                    <details>
                        <summary><span>{reason.label()}" "</span><span class="see">"See who"</span></summary>
                        <ul>{people}{more}</ul>
                    </details>
                </dd>
            }
        })
        .collect();
    (total > 0).then(|| {
        view! {
            <details open>
                <summary>{format!("{} will be skipped", grouped(total))}</summary>
                <dl class="why">{reasons}</dl>
            </details>
        }
        .into_any()
    })
}

fn checks(list: &[Check]) -> AnyView {
    let items: Vec<_> = list
        .iter()
        .map(|check| {
            view! { <li><StandingIcon status=check.status/><b>{check.status.word()}</b>" "<span>{check.words.clone()}</span></li> }
        })
        .collect();
    view! {
        <section class="card pad" aria-labelledby="checks-title">
            <h2 id="checks-title">"Checks"</h2>
            <ul class="checks">{items}</ul>
        </section>
    }
    .into_any()
}
