//! The section "Mail provider" of the settings: whose the mail server is, and where its events go.

use leptos::prelude::*;

use crate::{
    channels::email::events::{POSTMARK_USER, Provider},
    mail_accounts::mail_provider::MailProvider,
    ui::{
        components::Copy,
        form::{Choice, Form, Line},
    },
};

/// With several stores there is nothing to set here: one must not choose for another.
pub fn section(form: &Form, current: &MailProvider) -> AnyView {
    let body = if current.is_shared {
        let name = current.provider().map_or("another", Provider::name);
        view! {
            <dl class="facts"><dt>"Provider"</dt><dd>{name}</dd></dl>
            <p class="hint">
                "Other stores send through this mail server too, so whoever runs Loupe sets whose it is: "
                <code>"loupe mail-server"</code>
            </p>
        }
        .into_any()
    } else {
        fields(form, current)
    };
    view! {
        <section class="card pad" aria-labelledby="mail-provider-heading">
            <h2 id="mail-provider-heading">"Mail provider"</h2>
            {body}
        </section>
    }
    .into_any()
}

fn fields(form: &Form, current: &MailProvider) -> AnyView {
    let options = Provider::ALL
        .into_iter()
        .map(|provider| (provider.key().to_owned(), provider.name().to_owned()));
    let options = std::iter::once((String::new(), "Another".to_owned()))
        .chain(options)
        .collect();
    view! {
        <p class="hint">
            "When a connection breaks, the mail server's answer to a message may be lost. These providers tell "
            "afterwards what happened to it, so that it does not stay unconfirmed."
        </p>
        <form method="post" action="/api/settings/mail-provider" class="prose" novalidate>
            {form.choice(Choice {
                id: "provider",
                name: "provider",
                label: "The mail server belongs to",
                value: current.provider().map(Provider::key).unwrap_or_default().to_owned(),
                options: vec![(String::new(), options)],
                ..Choice::default()
            })}
            {form.line(Line {
                id: "events-password",
                name: "events_password",
                label: "Secret of its events",
                kind: "password",
                hint: Some(format!(
                    "Mailgun: the HTTP webhook signing key. Postmark: a password of your choice for the user \
                     {POSTMARK_USER}. Resend: the signing secret of the webhook. Empty: as it is."
                )),
                autocomplete: Some("off"),
                ..Line::default()
            })}
            <div class="acts"><button class="btn primary" type="submit">"Save mail provider"</button></div>
        </form>
        {current.provider().zip(current.hook.clone()).map(|(provider, address)| hook(provider, address))}
    }
    .into_any()
}

/// Where the events go, and what else to do at the provider.
fn hook(provider: Provider, address: String) -> AnyView {
    let words = match provider {
        Provider::Mailgun => {
            "At Mailgun, add this address as a webhook for accepted, delivered, permanent and temporary failure."
                .to_owned()
        }
        Provider::Postmark => format!(
            "At Postmark, add this address as a webhook of the message stream, for Delivery and Bounce, with basic \
             auth: the user {POSTMARK_USER} and the password from above."
        ),
        Provider::Resend => "At Resend, add this address as a webhook for the events of emails. Every message also \
             carries a key: one that was never answered is tried again by itself within 20 hours, and Resend does not \
             send it twice."
            .to_owned(),
    };
    view! {
        <Copy name="Address of the webhook" text=address/>
        <p class="hint">{words}</p>
    }
    .into_any()
}
