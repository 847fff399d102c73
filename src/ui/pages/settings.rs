//! `/settings`: the store's own settings, one form per section.

use axum::response::Response;
use leptos::prelude::*;

use super::{mail_provider as provider, setup};
use crate::{
    context::actor::Permission,
    error::AppError,
    mail_accounts::{
        mail_provider,
        smtp_settings::{self, MailServer},
    },
    server::page_request::StaffRequest,
    stores::{
        model::Store,
        settings::{LONGEST_GRACE, LONGEST_UNDO, time_of_day},
    },
    ui::{
        components::{Banner, PageHead, Tone},
        form::{Form, Line},
        page::Page,
        shell::Nav,
    },
};

/// Store, sending and safety.
pub async fn show(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::ManageStore)?;
    let form = Form::of(staff.visit.flash.as_ref());
    let saved = match staff.param("ok") {
        "store" => Some("Store settings saved."),
        "sending" => Some("Sending settings saved."),
        "mail-server" => Some("Mail server settings saved."),
        "mail-provider" => Some("Mail provider saved."),
        "timing" => Some("Planned sends and quiet hours saved."),
        "safety" => Some("Safety settings saved."),
        _ => None,
    };
    let store = staff.store.clone();
    let mail_server = smtp_settings::current(staff.db(), &staff.visit.state.settings).await?;
    let mail_provider = mail_provider::current(staff.db(), &staff.visit.state.settings).await?;
    let fixed_undo = staff.visit.state.settings.undo_seconds;
    let page = Page::new("Settings", Nav::Settings, move || {
        view! {
            <PageHead title="Settings"/>
            {tabs("/settings")}
            {form.summary()}
            {saved.map(|words| view! { <Banner tone=Tone::Success><p>{words}</p></Banner> })}
            <div class="stack">
                {store_section(&form, &store)}
                {sending_section(&form, &store)}
                {mail_server.map(|server| mail_server_section(&form, &server))}
                {mail_provider.map(|current| provider::section(&form, &current))}
                {timing_section(&form, &store)}
                {safety_section(&form, &store, fixed_undo)}
            </div>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

/// The pages of the settings, as links.
pub fn tabs(here: &'static str) -> AnyView {
    let items: Vec<_> = [("/settings", "Store and sending"), ("/settings/team", "Team")]
        .into_iter()
        .map(|(path, label)| {
            let current = (path == here).then_some("page");
            view! { <li><a href=path aria-current=current>{label}</a></li> }
        })
        .collect();
    view! { <nav class="tabs" aria-label="Settings"><ul>{items}</ul></nav> }.into_any()
}

fn store_section(form: &Form, store: &Store) -> AnyView {
    view! {
        <section class="card pad" aria-labelledby="store-heading">
            <h2 id="store-heading">"Store"</h2>
            <form method="post" action="/api/settings/store" class="prose" novalidate>
                {form.line(Line {
                    id: "name",
                    name: "name",
                    label: "Store name",
                    value: store.name.clone(),
                    ..Line::default()
                })}
                {form.choice(setup::time_zone("time_zone", &store.time_zone))}
                {form.choice(setup::country("country", &store.country))}
                {form.choice(setup::currency("currency", &store.currency))}
                <div class="acts"><button class="btn primary" type="submit">"Save store settings"</button></div>
            </form>
        </section>
    }
    .into_any()
}

fn sending_section(form: &Form, store: &Store) -> AnyView {
    view! {
        <section class="card pad" aria-labelledby="sending-heading">
            <h2 id="sending-heading">"Sending"</h2>
            <form method="post" action="/api/settings/sending" class="prose" novalidate>
                {form.line(Line {
                    id: "from-name",
                    name: "from_name",
                    label: "From name",
                    hint: Some("Who messages come from, as customers see it.".to_owned()),
                    value: store.from_name.clone(),
                    ..Line::default()
                })}
                {form.line(Line {
                    id: "from",
                    name: "from_email",
                    label: "From email",
                    kind: "email",
                    hint: Some("Your mail provider must let you send from it.".to_owned()),
                    value: store.from_email.clone(),
                    ..Line::default()
                })}
                {form.line(Line {
                    id: "reply-to",
                    name: "reply_to",
                    label: "Answers go to",
                    kind: "email",
                    hint: Some("Empty: to the address messages come from.".to_owned()),
                    value: store.reply_to.clone().unwrap_or_default(),
                    ..Line::default()
                })}
                {form.area(Line {
                    id: "footer",
                    name: "footer",
                    label: "Postal address",
                    hint: Some("Stands at the end of every message: the law asks for it.".to_owned()),
                    value: store.footer.clone(),
                    ..Line::default()
                }, 3)}
                <div class="acts"><button class="btn primary" type="submit">"Save sending settings"</button></div>
            </form>
        </section>
    }
    .into_any()
}

fn mail_server_section(form: &Form, server: &MailServer) -> AnyView {
    let set = |limit: Option<i64>| limit.map(|n| n.to_string()).unwrap_or_default();
    let unset = match server.account.rate {
        Some(rate) => format!("{rate} a second, as LOUPE_SMTP_URL says"),
        None => "as fast as the server takes them".to_owned(),
    };
    if server.is_shared {
        return shared_mail_server(server, unset);
    }
    view! {
        <section class="card pad" aria-labelledby="mail-server-heading">
            <h2 id="mail-server-heading">"Mail server"</h2>
            <p class="hint">{format!(
                "{}:{}. Changes hold at once.",
                server.account.host, server.account.port
            )}</p>
            <form method="post" action="/api/settings/mail-server" class="prose" novalidate>
                {form.line(Line {
                    id: "rate",
                    name: "rate",
                    label: "Messages a second, at most",
                    kind: "number",
                    hint: Some(format!("Your mail provider says how many it takes. Empty: {unset}.")),
                    value: set(server.limits.rate),
                    range: Some((1, server.fastest())),
                    ..Line::default()
                })}
                {form.line(Line {
                    id: "domain-rate",
                    name: "domain_rate",
                    label: "Messages a second to one domain, at most",
                    kind: "number",
                    hint: Some("Some mailbox providers slow down or refuse whoever writes too fast. Empty: no limit.".to_owned()),
                    value: set(server.limits.domain_rate),
                    range: Some((1, server.fastest())),
                    ..Line::default()
                })}
                {form.line(Line {
                    id: "connections",
                    name: "connections",
                    label: "Connections at a time",
                    kind: "number",
                    hint: Some(match server.most_connections() {
                        1 => "From each running program. LOUPE_SMTP_URL allows one.".to_owned(),
                        most => format!("From each running program, 1 to {most}. Empty: {}.", server.account.connections),
                    }),
                    value: set(server.limits.connections),
                    range: Some((1, server.most_connections())),
                    ..Line::default()
                })}
                <div class="acts"><button class="btn primary" type="submit">"Save mail server settings"</button></div>
            </form>
        </section>
    }
    .into_any()
}

/// One store must not slow another: with several there is nothing to set here.
fn shared_mail_server(server: &MailServer, unset: String) -> AnyView {
    let rate = server.limits.rate.map_or(unset, |n| format!("{n} at most"));
    let domain_rate = server
        .limits
        .domain_rate
        .map_or_else(|| "no limit".to_owned(), |n| format!("{n} at most"));
    let connections = server
        .limits
        .connections
        .map_or_else(|| server.account.connections.to_string(), |n| n.to_string());
    view! {
        <section class="card pad" aria-labelledby="mail-server-heading">
            <h2 id="mail-server-heading">"Mail server"</h2>
            <dl class="facts">
                <dt>"Server"</dt><dd>{format!("{}:{}", server.account.host, server.account.port)}</dd>
                <dt>"Messages a second"</dt><dd>{rate}</dd>
                <dt>"Messages a second to one domain"</dt><dd>{domain_rate}</dd>
                <dt>"Connections at a time"</dt><dd>{connections}</dd>
            </dl>
            <p class="hint">
                "Other stores send through this mail server too, so whoever runs Loupe sets how it is used: "
                <code>"loupe mail-server"</code>
            </p>
        </section>
    }
    .into_any()
}

fn timing_section(form: &Form, store: &Store) -> AnyView {
    let quiet = store.quiet_from != store.quiet_to;
    let time = |minute| if quiet { time_of_day(minute) } else { String::new() };
    view! {
        <section class="card pad" aria-labelledby="timing-heading">
            <h2 id="timing-heading">"Planned sends and quiet hours"</h2>
            <form method="post" action="/api/settings/timing" class="prose" novalidate>
                {form.line(Line {
                    id: "late-grace",
                    name: "late_grace_minutes",
                    label: "How late a planned campaign may still go by itself, in minutes",
                    kind: "number",
                    hint: Some("Later than that it waits, and its page asks you.".to_owned()),
                    value: store.late_grace_minutes.to_string(),
                    range: Some((0, LONGEST_GRACE)),
                    ..Line::default()
                })}
                {form.line(Line {
                    id: "quiet-from",
                    name: "quiet_from",
                    label: "Quiet hours from",
                    kind: "time",
                    hint: Some(
                        "Whatever somebody sends in these hours, store time, asks first; nothing is moved for them. Both empty: no quiet hours."
                            .to_owned(),
                    ),
                    value: time(store.quiet_from),
                    ..Line::default()
                })}
                {form.line(Line {
                    id: "quiet-to",
                    name: "quiet_to",
                    label: "Quiet hours until",
                    kind: "time",
                    value: time(store.quiet_to),
                    ..Line::default()
                })}
                <div class="acts">
                    <button class="btn primary" type="submit">"Save planned sends and quiet hours"</button>
                </div>
            </form>
        </section>
    }
    .into_any()
}

fn safety_section(form: &Form, store: &Store, fixed_undo: Option<i64>) -> AnyView {
    let overridden = fixed_undo.map(|seconds| {
        view! {
            <Banner tone=Tone::Info>
                <p>{format!("LOUPE_UNDO_SECONDS sets the undo window of every store to {seconds} s; what is set here waits.")}</p>
            </Banner>
        }
    });
    view! {
        <section class="card pad" aria-labelledby="safety-heading">
            <h2 id="safety-heading">"Safety"</h2>
            {overridden}
            <form method="post" action="/api/settings/safety" class="prose" novalidate>
                {form.line(Line {
                    id: "undo-seconds",
                    name: "undo_seconds",
                    label: "Undo window, in seconds",
                    kind: "number",
                    hint: Some("Between Send now and the first message, 0 to 120.".to_owned()),
                    value: store.undo_seconds.to_string(),
                    range: Some((0, LONGEST_UNDO)),
                    ..Line::default()
                })}
                {form.tick(
                    "requires-opt-in",
                    "email_requires_opt_in",
                    "undo_seconds",
                    "Email only customers whose agreement is on record",
                    store.email_requires_opt_in,
                )}
                {form.area(Line {
                    id: "basis-reason",
                    name: "email_basis_reason",
                    label: "Why others may be emailed too",
                    hint: Some(
                        "Needed when the box above is not ticked. Kept in the audit log with your name.".to_owned(),
                    ),
                    value: store.email_basis_reason.clone().unwrap_or_default(),
                    ..Line::default()
                }, 3)}
                <div class="acts"><button class="btn primary" type="submit">"Save safety settings"</button></div>
            </form>
        </section>
    }
    .into_any()
}
