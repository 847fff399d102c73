//! What a person reads, and can do, when a send seems to have stopped.

use leptos::prelude::*;

use crate::{
    messages::model::Tally,
    sends::queries::SendRecord,
    text::grouped,
    ui::components::{Banner, Tone},
};

/// The banner with its two ways out; only the words for whoever may not press.
pub fn view(send: &SendRecord, tally: &Tally, may_send: bool) -> AnyView {
    let send_id = send.id;
    let form = |action: &'static str, class: &'static str, words: String| {
        view! {
            <form method="post" action=action>
                <input type="hidden" name="send_id" value=send_id.to_string()/>
                <button class=class type="submit">{words}</button>
            </form>
        }
    };
    let resume = match (tally.reached_nobody(), tally.waiting) {
        (true, _) | (_, 0) => "Resume sending".to_owned(),
        (false, n) => format!("Resume sending to the remaining {}", grouped(n)),
    };
    let (end, what) = if tally.reached_nobody() {
        let back = if send.campaign_id.is_some() {
            "Back to draft"
        } else {
            "Take it back"
        };
        (back, "Nobody has it yet.".to_owned())
    } else {
        let done = tally.settled();
        let noun = if done == 1 { "customer has" } else { "customers have" };
        (
            "Mark as finished",
            format!("{} {noun} an outcome; that stays recorded.", grouped(done)),
        )
    };
    let acts = may_send.then(|| {
        view! {
            <div class="acts">
                {form("/api/sends/go-on", "btn sm primary", resume)}
                {form("/api/sends/end", "btn sm", end.to_owned())}
            </div>
        }
    });
    view! {
        <Banner tone=Tone::Warning title="This send seems to have stopped.">
            <p>{format!("Nothing has gone out for two minutes. {what}")}</p>
            {acts}
        </Banner>
    }
    .into_any()
}
