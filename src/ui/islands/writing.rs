//! The form for writing, alive.

use leptos::prelude::*;

use super::{audience, customers, dom, keeper, looking, schedule, toolbar, wording};

/// Stands at the top of the form and wakes its parts.
#[island]
pub fn WritingForm(
    /// Whose form it is, and of what: the name of the copy on this device.
    key: String,
    /// What is being written, see [`crate::campaigns::model::Kind::key`].
    kind: String,
) -> impl IntoView {
    Effect::new(move |_| {
        let Some(form) = dom::form() else { return };
        // Before anything is changed by a script.
        let untouched = dom::is_untouched(&form);
        customers::wake();
        wording::wake();
        toolbar::wake();
        schedule::wake(untouched);
        audience::wake(&form);
        looking::wake(&form, &kind);
        keeper::wake(&form, key.clone(), kind.clone(), untouched);
        // Tests may wait for this; people need not.
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-hydrated", "");
        }
    });
    view! { <span hidden></span> }
}
