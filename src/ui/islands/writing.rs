//! The form for writing, alive.

use leptos::prelude::*;

use super::{audience, customers, dom, keeper, schedule, wording};

/// Stands at the top of the form and wakes its parts.
#[island]
pub fn WritingForm(
    /// Whose form it is, and of what: the name of the copy on this device.
    key: String,
    /// Whether "Save as draft" saves without leaving the page.
    in_place: bool,
) -> impl IntoView {
    Effect::new(move |_| {
        let Some(form) = dom::form() else { return };
        // Before anything is changed by a script.
        let untouched = dom::is_untouched(&form);
        customers::wake();
        wording::wake();
        schedule::wake(untouched);
        audience::wake(&form);
        keeper::wake(&form, key.clone(), in_place, untouched);
        // Tests may wait for this; people need not.
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-hydrated", "");
        }
    });
    view! { <span hidden></span> }
}
