//! Everything the form shows, loaded before it is drawn.

use crate::{
    campaigns::{
        draft::Draft,
        draft_queries,
        model::{CampaignForm, Kind, WhenWords},
        preflight::{
            checks::Message,
            queries,
            rules::{self, Preflight},
        },
        schedule,
    },
    db::Db,
    error::Problem,
    ids::StoreId,
    recipients::{
        self,
        filter_queries::Scope,
        model::{Candidate, Count, Named, Person, RecipientFilter, SkipReason},
        search,
    },
    scheduler::heartbeat::SchedulerStatus,
    segments,
    server::page_request::StaffRequest,
    stores::model::Store,
    templates,
};

/// A segment to choose.
#[derive(Clone, Debug)]
pub struct SegmentChoice {
    pub id: i64,
    pub name: String,
    /// Customers it has: the most it can reach.
    pub size: i64,
}

/// The form and what stands around it.
#[derive(Clone, Debug)]
pub struct Writing {
    pub kind: Kind,
    pub user: i64,
    pub form: CampaignForm,
    /// What was wrong when it was sent.
    pub problems: Vec<Problem>,
    /// Whether what is shown has been kept on the server.
    pub saved: bool,
    pub templates: Vec<(i64, String)>,
    pub segments: Vec<SegmentChoice>,
    pub tags: Vec<String>,
    pub all_count: i64,
    pub chosen: Vec<Candidate>,
    pub searched: String,
    pub found: Vec<Candidate>,
    pub preflight: Preflight,
    /// What the look counted, in words.
    pub count: Option<Count>,
    pub names: Vec<(SkipReason, Vec<Named>)>,
    pub sample: Vec<Person>,
    pub when: WhenWords,
    pub picks: Vec<(String, String, String)>,
    /// Whether planned campaigns go out by themselves now.
    pub runs: bool,
    pub store: Store,
    pub outbox: bool,
}

impl Writing {
    /// Loads what belongs to a form. `saved` says whether it is kept; only then can it be
    /// previewed.
    pub async fn load(
        staff: &StaffRequest,
        kind: Kind,
        form: CampaignForm,
        saved: bool,
        searched: &str,
    ) -> sqlx::Result<Self> {
        let (db, store, now) = (staff.db(), &staff.store, staff.now());
        let draft = Draft::of(&form, store, now);
        let message = match kind {
            Kind::Campaign => Message::of(&draft),
            Kind::Bulk => Message::without_name(&draft),
        };
        let not_again = form.not_again();
        let mut preflight = rules::check_message(db, store, &staff.actor.name, &message, not_again, now).await?;
        if let Some(earlier) = form.earlier() {
            preflight.already = draft_queries::already_got(db, store.id, earlier).await?;
        }
        let names = match &preflight.audience {
            Some(audience) => rules::skipped_names(db, store, &message, audience, not_again, now).await?,
            None => Vec::new(),
        };
        let sample = rules::sample(db, store, &message, not_again, now).await?;
        let scope = recipients::rules::scope(store, now, None);
        let count = match (&preflight.audience, &draft.filter) {
            (Some(audience), Some(filter)) => {
                Some(recipients::rules::described(db, &scope, filter, audience.clone()).await?)
            }
            _ => None,
        };
        let chosen = match &draft.filter {
            Some(RecipientFilter::Manual(ids)) => search::described(db, &scope, ids).await?,
            _ => Vec::new(),
        };
        let found = match searched {
            "" => Vec::new(),
            text => search::candidates(db, &scope, text).await?,
        };
        let zone = staff.zone();
        Ok(Self {
            kind,
            user: staff.actor.user_id,
            problems: Vec::new(),
            saved,
            templates: template_choices(db, store.id).await?,
            segments: segment_choices(db, &scope).await?,
            tags: tag_choices(db, store.id, &form.tags).await?,
            all_count: recipients::queries::count(db, &scope, &RecipientFilter::All)
                .await?
                .will_send,
            chosen,
            searched: searched.to_owned(),
            found,
            preflight,
            count,
            names,
            sample,
            when: schedule::words(&form.date, &form.time, &form.fold, zone, now),
            picks: schedule::quick_picks(zone, now),
            runs: SchedulerStatus::load(&staff.visit.state, now).await?.is_running(),
            store: store.clone(),
            outbox: staff.visit.state.settings.uses_outbox(),
            form,
        })
    }

    /// What is wrong with a field.
    pub fn problem(&self, field: &str) -> Option<String> {
        self.problems.iter().find(|p| p.field == field).map(|p| p.words.clone())
    }

    /// Where the kept message can be seen as somebody.
    pub fn preview_path(&self) -> Option<String> {
        match (self.kind, self.form.campaign_id()) {
            (Kind::Campaign, Some(id)) => Some(format!("/marketing/campaigns/{id}/preview")),
            (Kind::Bulk, _) if self.saved => Some("/marketing/bulk-email/preview".to_owned()),
            _ => None,
        }
    }
}

async fn template_choices(db: &Db, store: StoreId) -> sqlx::Result<Vec<(i64, String)>> {
    Ok(templates::queries::all(db, store)
        .await?
        .into_iter()
        .map(|t| (t.id, t.name))
        .collect())
}

async fn segment_choices(db: &Db, scope: &Scope) -> sqlx::Result<Vec<SegmentChoice>> {
    let mut choices = Vec::new();
    for segment in segments::queries::all(db, scope.store).await? {
        let size = queries::segment_size(db, scope, &segment).await?;
        choices.push(SegmentChoice {
            id: segment.id,
            name: segment.name,
            size,
        });
    }
    Ok(choices)
}

/// Every tag of the book, and those chosen that nobody has any more.
async fn tag_choices(db: &Db, store: StoreId, chosen: &[String]) -> sqlx::Result<Vec<String>> {
    let mut tags = draft_queries::tags(db, store).await?;
    for tag in chosen {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    Ok(tags)
}
