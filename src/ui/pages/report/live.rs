//! The seconds in which a send can be taken back, and the send itself. The islands draw both, here
//! and in the browser.

use leptos::prelude::*;

use crate::{
    sends::model::Progress,
    ui::islands::{hold::HoldBar, progress::SendProgress},
};

/// The bar with Undo.
pub fn hold_bar(send_id: i64, customers: i64, seconds: i64, at: &str) -> AnyView {
    let form = move |action: &'static str, class: &'static str, words: &'static str| {
        view! {
            <form method="post" action=action>
                <input type="hidden" name="send_id" value=send_id.to_string()/>
                <button class=class type="submit">{words}</button>
            </form>
        }
    };
    view! {
        <HoldBar customers seconds at=at.to_owned()>
            {form("/api/sends/undo", "btn primary", "Undo")}
            {form("/api/sends/go", "btn", "Send immediately")}
        </HoldBar>
    }
    .into_any()
}

/// How far a send is. With the address of its page it also shows the newest outcomes.
pub fn progress(send_id: i64, start: Progress, may_halt: bool, rows_of: Option<String>) -> AnyView {
    view! { <SendProgress send_id start may_halt rows_of/> }.into_any()
}
