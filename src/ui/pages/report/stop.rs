//! `/sends/{id}/stop`: asks before a send is stopped, with who has it and who won't get it.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use super::customers;
use crate::{
    context::actor::Permission,
    error::AppError,
    messages,
    sends::{self, model::SendState},
    server::page_request::StaffRequest,
    text::grouped,
    ui::{
        components::{Crumbs, PageHead},
        page::Page,
        shell::Nav,
    },
};

/// The question, with the numbers of this moment.
pub async fn show(staff: StaffRequest, Path(send_id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let (db, store) = (staff.db(), staff.store_id());
    let send = sends::queries::find(db, store, send_id)
        .await?
        .ok_or(AppError::NotFound)?;
    if send.state != SendState::Sending {
        // It ended, or was stopped, before the question was asked.
        return Ok(Redirect::to(&send.page()).into_response());
    }
    let tally = messages::tallies::of_send(db, store, send_id).await?;
    let words = words(tally.settled(), tally.waiting);
    let (up, nav) = match send.campaign_id {
        Some(_) => (("Campaigns", "/marketing/campaigns"), Nav::Campaigns),
        None => (("Bulk email", "/marketing/bulk-email"), Nav::BulkEmail),
    };
    let back = send.page();
    let page = Page::new("Stop sending?".to_owned(), nav, move || {
        view! {
            <Crumbs links=vec![up] here=send.label/>
            <PageHead title="Stop sending?".to_owned() words/>
            <div class="acts">
                <a class="btn" href=back autofocus>"Keep sending"</a>
                <form method="post" action="/api/sends/stop">
                    <input type="hidden" name="send_id" value=send_id.to_string()/>
                    <button class="btn danger filled" type="submit">"Stop sending"</button>
                </form>
            </div>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

/// `145 customers already have it. The other 203 won't get it.`
fn words(settled: i64, waiting: i64) -> String {
    let have = match settled {
        0 => "Nobody has it yet.".to_owned(),
        1 => "1 customer already has it.".to_owned(),
        n => format!("{} already have it.", customers(n)),
    };
    let rest = match (settled, waiting) {
        (_, 0) => "Nobody is left to send to.".to_owned(),
        (0, n) => format!("The {} it was for won't get it.", customers(n)),
        (_, n) => format!("The other {} won't get it.", grouped(n)),
    };
    format!("{have} {rest}")
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn it_says_who_has_it_and_who_will_not() {
        assert_eq!(
            words(145, 203),
            "145 customers already have it. The other 203 won't get it."
        );
        assert_eq!(words(1, 1), "1 customer already has it. The other 1 won't get it.");
        assert_eq!(
            words(0, 5),
            "Nobody has it yet. The 5 customers it was for won't get it."
        );
    }
}
