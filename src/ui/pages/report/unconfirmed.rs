//! What the provider never answered, and what a person can make of it.

use leptos::prelude::*;

use super::customers;
use crate::ui::components::{Banner, Tone};

/// Whose messages a button is about.
#[derive(Clone, Debug)]
pub enum About<'a> {
    Everybody,
    One { message: i64, name: &'a str },
}

/// The panel over everybody without an answer; nothing when there is nobody, or nothing to press.
pub fn panel(send_id: i64, people: i64, token: &str) -> Option<AnyView> {
    if people == 0 {
        return None;
    }
    let title = if people == 1 {
        "1 customer is unconfirmed.".to_owned()
    } else {
        format!("{} are unconfirmed.", customers(people))
    };
    let buttons = buttons(send_id, &About::Everybody, token);
    Some(
        view! {
            <Banner tone=Tone::Warning title>
                <p>"The mail server didn't answer: it may have arrived. Loupe never sends it again by itself where that could be a second copy; after 72 hours it counts as sent."</p>
                {buttons}
            </Banner>
        }
        .into_any(),
    )
}

/// The two ways to settle it, as plain forms.
pub fn buttons(send_id: i64, about: &About<'_>, token: &str) -> AnyView {
    let (message, name) = match about {
        About::Everybody => (None, None),
        About::One { message, name } => (Some(message.to_string()), Some((*name).to_owned())),
    };
    let form = |action: &'static str, words: &'static str, token: Option<String>| {
        let label = name.as_ref().map(|name| format!("{words}: {name}"));
        view! {
            <form method="post" action=action>
                <input type="hidden" name="send_id" value=send_id.to_string()/>
                {message.clone().map(|id| view! { <input type="hidden" name="message_id" value=id/> })}
                {token.map(|token| view! { <input type="hidden" name="send_token" value=token/> })}
                <button class="btn sm" type="submit" aria-label=label>{words}</button>
            </form>
        }
    };
    // One token for each button: a second press of the same one is the first again.
    let token = match &message {
        Some(id) => format!("{token}-{id}"),
        None => token.to_owned(),
    };
    view! {
        <div class="acts">
            {form("/api/sends/treat-as-sent", "Treat as sent", None)}
            {form("/api/sends/again", "Send again (may reach them twice)", Some(token))}
        </div>
    }
    .into_any()
}
