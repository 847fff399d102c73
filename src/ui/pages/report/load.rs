//! Everything that a page of results shows, loaded before it is drawn.

use super::{Report, address::Address, goes::Go, letter::Letter};
use crate::{
    context::actor::Permission,
    error::AppError,
    messages::{
        self,
        goes::{self, Go as Counted},
        model::Tally,
        people::Part,
        timeline::PAGE,
    },
    sends::{self, queries::SendRecord},
    server::page_request::StaffRequest,
    tokens,
    ui::components::Paging,
};

/// Rows below the numbers before somebody asks for all.
pub const FIRST: i64 = 10;

/// What a page is about.
struct About {
    /// Oldest first; the last is the one that may be under way.
    goes: Vec<Go>,
    tally: Tally,
    address: Address,
    is_one_of_several: bool,
}

impl Report {
    /// What the page at `path` shows of a send.
    pub async fn of_send(staff: &StaffRequest, send: SendRecord, path: String) -> Result<Self, AppError> {
        let tally = messages::tallies::of_send(staff.db(), staff.store_id(), send.id).await?;
        let about = About {
            goes: vec![Go { send, tally }],
            tally,
            address: Address::new(path),
            is_one_of_several: false,
        };
        load(staff, about).await
    }

    /// What a campaign's page shows of all its goes, or of the one that the address asks for; nothing
    /// when it has none.
    pub async fn of_campaign(staff: &StaffRequest, campaign: i64, path: String) -> Result<Option<Self>, AppError> {
        let (db, store) = (staff.db(), staff.store_id());
        let counted = goes::of_campaign(db, store, campaign).await?;
        let mut sends = sends::queries::of_campaign(db, store, campaign).await?;
        sends.reverse();
        let tally_of = |send: &SendRecord| counted.iter().find(|go| go.send == send.id).map(|go| go.tally);
        let mut all: Vec<Go> = sends
            .into_iter()
            .filter_map(|send| tally_of(&send).map(|tally| Go { send, tally }))
            .collect();
        let asked = staff.param("go").parse().ok();
        let one = all
            .iter()
            .position(|go| Some(go.send.id) == asked)
            .filter(|_| all.len() > 1);
        let about = match one {
            Some(at) => {
                let go = all.swap_remove(at);
                About {
                    tally: go.tally,
                    address: Address::of_go(path, go.send.id),
                    goes: vec![go],
                    is_one_of_several: true,
                }
            }
            None if all.is_empty() => return Ok(None),
            None => About {
                tally: total(staff, campaign, &counted).await?,
                address: Address::new(path),
                goes: all,
                is_one_of_several: false,
            },
        };
        load(staff, about).await.map(Some)
    }
}

async fn total(staff: &StaffRequest, campaign: i64, counted: &[Counted]) -> sqlx::Result<Tally> {
    goes::total(staff.db(), campaign, counted, staff.now()).await
}

async fn load(staff: &StaffRequest, about: About) -> Result<Report, AppError> {
    let (db, store) = (staff.db(), staff.store_id());
    let Some(last) = about.goes.last().cloned() else {
        return Err(AppError::NotFound);
    };
    let (send, of_send, tally) = (last.send, last.tally, about.tally);
    let ids: Vec<i64> = about.goes.iter().map(|go| go.send.id).collect();
    let page = Paging::asked(staff.param("page"));
    let show = match staff.param("show") {
        "" if page > 1 => "everyone".to_owned(),
        show => show.to_owned(),
    };
    let part = match show.as_str() {
        "" => Part::page(1, FIRST),
        _ => Part::page(page, PAGE),
    };
    let (rows, total) = messages::people::page(db, store, &ids, &tally, &show, part).await?;
    let newest = if send.state.is_open() {
        messages::people::newest(db, store, send.id).await?
    } else {
        Vec::new()
    };
    let failures = if tally.failed > 0 {
        crate::messages::timeline::failures(db, store, &ids).await?
    } else {
        Vec::new()
    };
    let mut unconfirmed = Vec::new();
    for go in about.goes.iter().filter(|go| go.tally.unconfirmed > 0) {
        unconfirmed.push((
            go.send.id,
            crate::messages::timeline::unconfirmed(db, store, go.send.id).await?,
        ));
    }
    let mut following = Vec::new();
    for id in &ids {
        following.extend(sends::queries::following(db, store, *id).await?);
    }
    let all: Vec<SendRecord> = about.goes.iter().map(|go| go.send.clone()).collect();
    Ok(Report {
        letter: Letter::load(staff, &all).await?,
        waits: sends::progress::waits(&staff.visit.state, &send, staff.now()).await?,
        drift: sends::drift::of(db, &send, &of_send).await?,
        stalled: sends::stalled::is_stalled(&staff.visit.state, &send, staff.now()).await?,
        unconfirmed,
        following,
        token: tokens::public(),
        tally,
        of_send,
        goes: about.goes,
        is_one_of_several: about.is_one_of_several,
        rows,
        total,
        newest,
        failures,
        show,
        page,
        address: about.address,
        may_send: staff.actor.may(Permission::SendCampaigns),
        now: staff.now(),
        zone: staff.zone(),
        send,
    })
}
