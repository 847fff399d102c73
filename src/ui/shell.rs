//! The frame around every page: head, navigation, footer.

use leptos::{hydration::HydrationScripts, prelude::*};

use super::{
    components::{Banner, Tone},
    page::Page,
};
use crate::{
    context::{actor::Permission, assets::Icons, send_gate::Why},
    scheduler::heartbeat::SchedulerStatus,
    server::page_request::{PageRequest, StaffRequest},
    time,
};

/// The entries of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nav {
    Campaigns,
    BulkEmail,
    Customers,
    Outbox,
    Settings,
    Audit,
    /// A page that is in no entry.
    Elsewhere,
}

impl Nav {
    fn entries(staff: &StaffRequest) -> Vec<(Nav, &'static str, &'static str)> {
        let may = |p| staff.actor.may(p);
        let outbox = staff.visit.state.settings.uses_outbox() && may(Permission::SeeOutbox);
        [
            (true, Nav::Campaigns, "Campaigns", "/marketing/campaigns"),
            (
                may(Permission::SendCampaigns),
                Nav::BulkEmail,
                "Bulk email",
                "/marketing/bulk-email",
            ),
            (true, Nav::Customers, "Customers", "/customers"),
            (outbox, Nav::Outbox, "Outbox", "/outbox"),
            (may(Permission::ManageStore), Nav::Settings, "Settings", "/settings"),
            (may(Permission::SeeAudit), Nav::Audit, "Audit log", "/audit-log"),
        ]
        .into_iter()
        .filter(|(shown, ..)| *shown)
        .map(|(_, nav, label, path)| (nav, label, path))
        .collect()
    }
}

/// What the frame shows, worked out before rendering.
#[derive(Clone, Debug)]
pub struct Frame {
    title: String,
    theme: Option<String>,
    stylesheet: String,
    icons: Icons,
    options: Option<LeptosOptions>,
    bare: bool,
    entries: Vec<(Nav, &'static str, &'static str)>,
    current: Nav,
    account: Option<(String, String)>,
    store_time: Option<String>,
    system: Option<SystemLine>,
    may_confirm: bool,
}

/// What the frame says of the program itself: facts of this moment.
#[derive(Clone, Copy, Debug)]
pub struct SystemLine {
    scheduler_status: SchedulerStatus,
    /// Why nothing is sent until an owner confirms.
    copy: Option<Why>,
}

impl SystemLine {
    /// Asks the scheduler's heartbeat. Whoever can't be asked is not running.
    pub async fn of(visit: &PageRequest) -> Self {
        Self {
            scheduler_status: SchedulerStatus::load(&visit.state, visit.now)
                .await
                .unwrap_or(SchedulerStatus::Paused),
            copy: visit.state.send_gate.why(),
        }
    }
}

impl Frame {
    pub fn of(visit: &PageRequest, staff: Option<&StaffRequest>, system: Option<SystemLine>, page: &Page) -> Self {
        let failed = visit.flash.as_ref().is_some_and(|f| !f.problems.is_empty());
        let prefix = if failed { "Error: " } else { "" };
        Self {
            title: format!("{prefix}{} · Loupe", page.title),
            theme: visit.theme.clone(),
            stylesheet: visit.state.assets.stylesheet.clone(),
            icons: visit.state.assets.icons.clone(),
            options: page.islands.then(|| visit.state.leptos_options()),
            bare: page.bare || staff.is_none(),
            entries: staff.map(Nav::entries).unwrap_or_default(),
            current: page.nav,
            account: staff.map(|s| (s.actor.name.clone(), s.actor.role.key().to_owned())),
            system,
            may_confirm: staff.is_some_and(|s| s.actor.may(Permission::ManageStore)),
            store_time: staff.map(|s| {
                format!(
                    "Loupe · Store time: {} ({})",
                    time::city(s.zone()),
                    time::zone_words(s.now(), s.zone())
                )
            }),
        }
    }
}

/// The whole document.
pub fn html(frame: Frame, body: impl FnOnce() -> Option<AnyView> + Send + 'static) -> impl IntoView {
    // Everything but the islands stays as the server wrote it.
    if let Some(shared) = Owner::current_shared_context() {
        shared.set_is_hydrating(false);
    }
    let scripts = frame
        .options
        .clone()
        .map(|options| view! { <HydrationScripts options islands=true/> });
    let class = if frame.bare { "bare" } else { "" };
    let main = view! { <main id="main" tabindex="-1">{body()}</main> };
    let inside = if frame.bare {
        main.into_any()
    } else {
        view! {
            <Sidebar frame=frame.clone()/>
            <div class="page">
                {frame.system.and_then(|s| s.copy).map(|why| copy_banner(why, frame.may_confirm))}
                {main}
                <footer class="foot">
                    <p>{frame.store_time.clone()}</p>
                    {frame.system.map(|s| view! { <p>{s.scheduler_status.words()}</p> })}
                </footer>
            </div>
        }
        .into_any()
    };
    view! {
        <!DOCTYPE html>
        <html lang="en-AU" data-theme=frame.theme.clone()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title inner_html=super::escape::text(&frame.title)></title>
                <link rel="preload" href="/fonts/figtree.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <link rel="stylesheet" href=frame.stylesheet.clone()/>
                <meta name="description" content="Campaigns and bulk email of a jewellery store: who gets it, who doesn't and why, before it goes."/>
                <link rel="icon" href=frame.icons.svg.clone() r#type="image/svg+xml"/>
                <link rel="alternate icon" href=frame.icons.ico.clone() sizes="32x32"/>
                <link rel="apple-touch-icon" href=frame.icons.touch.clone()/>
                {scripts}
            </head>
            <body class=class>
                <a class="skip" href="#main">"Skip to main content"</a>
                {inside}
            </body>
        </html>
    }
}

/// On every page of a copy: nothing is sent, and who can change that.
fn copy_banner(why: Why, may_confirm: bool) -> AnyView {
    let confirm = may_confirm.then(|| {
        view! {
            <form method="post" action="/api/instance/confirm" class="acts">
                <button class="btn sm" r#type="submit">"This is the one that sends"</button>
            </form>
        }
    });
    let who = if may_confirm {
        "If the original still runs somewhere, leave this one as it is: two that send would reach customers twice."
    } else {
        "An owner can change that."
    };
    view! {
        <Banner tone=Tone::Warning title="Nothing is sent until an owner confirms">
            <p>{why.words()}" "{who}</p>
            {may_confirm.then(|| view! {
                <p>
                    "When you confirm, campaigns that were being sent come back as drafts, those that are overdue wait for \
                     you, and everything planned from now on sends by itself."
                </p>
            })}
            {confirm}
        </Banner>
    }
    .into_any()
}

/// Brand, navigation and account. On a phone the last two open below the "Menu" disclosure, which
/// is empty itself: the style sheet shows what follows it when it is open, so that there is one
/// navigation in the page and no script.
#[component]
fn Sidebar(frame: Frame) -> impl IntoView {
    let entries: Vec<_> = frame
        .entries
        .iter()
        .map(|(nav, label, path)| {
            let current = (*nav == frame.current).then_some("page");
            view! { <li><a href=*path aria-current=current>{*label}</a></li> }
        })
        .collect();
    let account = frame
        .account
        .map(|(name, role)| view! { <Account name role theme=frame.theme/> });
    view! {
        <header class="side">
            <a class="brand" href="/marketing/campaigns">"Loupe"</a>
            <details class="menu"><summary>"Menu"</summary></details>
            <div class="drawer">
                <nav aria-label="Main"><ul>{entries}</ul></nav>
                {account}
            </div>
        </header>
    }
}

/// Who is signed in, how their pages look, and the way out.
#[component]
fn Account(name: String, role: String, theme: Option<String>) -> impl IntoView {
    let themes: Vec<_> = [("", "Match device"), ("light", "Light"), ("dark", "Dark")]
        .into_iter()
        .map(|(key, label)| {
            let chosen = theme.as_deref().unwrap_or_default() == key;
            view! { <button r#type="submit" name="theme" value=key aria-pressed=chosen.to_string()>{label}</button> }
        })
        .collect();
    view! {
        <details class="account">
            <summary><span>"Account: "<b>{name}</b>{format!(", {role}")}</span></summary>
            <div>
                <form method="post" action="/api/appearance/theme">
                    <p id="theme-label">"Theme"</p>
                    <div class="choice" role="group" aria-labelledby="theme-label">{themes}</div>
                </form>
                <p><a href="/account">"Your account"</a></p>
                <form method="post" action="/api/auth/sign-out">
                    <button class="btn sm" r#type="submit">"Sign out"</button>
                </form>
            </div>
        </details>
    }
}
