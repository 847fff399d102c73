//! The form for writing, alive.

use std::time::Duration;

use leptos::prelude::*;

use super::{customers, dom, editing::Editing, keeper, looking, schedule, toolbar, wording};
use crate::campaigns::model::Kind;

/// The form and what stands above and below it; the fields inside are the server's.
#[island]
pub fn CampaignEditor(
    /// Whose form it is, and of what: the name of the copy on this device.
    key: String,
    kind: Kind,
    action: String,
    children: Children,
) -> impl IntoView {
    let editing = Editing::new(kind);
    provide_context(editing);
    Effect::new(move |_| {
        let Some(form) = editing.form.get() else { return };
        let untouched = dom::is_untouched(&form);
        customers::wake();
        wording::wake();
        toolbar::wake();
        schedule::wake(untouched);
        looking::wake(&form, kind.key());
        keeper::wake(&form, key.clone(), kind.key().to_owned(), untouched);
        editing.read();
        set_timeout(mark_awake, Duration::ZERO);
    });
    let label = match kind {
        Kind::Campaign => "Campaign",
        Kind::Bulk => "Bulk email",
    };
    view! {
        <div id="keeper" role="status"></div>
        <form id="writing" node_ref=editing.form method="post" action=action novalidate aria-label=label
            on:input=move |_| { editing.read(); } on:change=move |_| { editing.read(); }>
            {children()}
        </form>
    }
}

/// Tests may wait for this; people need not.
fn mark_awake() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "");
    }
}
