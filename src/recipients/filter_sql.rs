//! The one place that turns a filter into SQL: which customers it means, and why each of them
//! would get nothing. Count, names, sample and freeze all stand on [`AudienceSql::of`].

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::model::{RecipientFilter, SkipReason};
use crate::{
    auth::model::StoreId,
    db::{Backend, binds::Binds, dialect},
    segments::{
        model::SystemSegment,
        rule_sql::{self, Moment},
    },
};

/// What a filter is evaluated against.
#[derive(Clone, Debug)]
pub struct Scope {
    pub store: StoreId,
    pub zone: Tz,
    pub now: DateTime<Utc>,
    /// Whether marketing email needs an agreement on record.
    pub requires_opt_in: bool,
    /// Leave out, as "already got it", whoever an earlier send of this campaign reached.
    pub not_again: Option<i64>,
}

/// A filter whose segment has been looked up.
#[derive(Clone, Debug)]
pub enum Picked {
    Everybody,
    System(SystemSegment),
    Tags(Vec<String>),
    Ids(Vec<i64>),
    /// A segment that this store does not have.
    Nobody,
}

impl Picked {
    /// `segment` is what the store has under the id of [`RecipientFilter::Segment`].
    pub fn new(filter: &RecipientFilter, segment: Option<SystemSegment>) -> Self {
        match filter.clone().normalised() {
            RecipientFilter::All => Picked::Everybody,
            RecipientFilter::Segment(_) => segment.map_or(Picked::Nobody, Picked::System),
            RecipientFilter::Tags(tags) => Picked::Tags(tags),
            RecipientFilter::Manual(ids) => Picked::Ids(ids),
        }
    }
}

/// Two expressions over a table `customers c`, and the values they bind.
#[derive(Clone, Debug)]
pub struct AudienceSql {
    /// Whether the filter means this customer.
    pub matched: String,
    /// 0 for somebody who will get it, else the [`code`] of the reason why not.
    pub reason: String,
    /// The same without looking at who else is in the audience: never a duplicate address.
    pub reason_alone: String,
    pub binds: Binds,
}

/// The number that stands for a reason inside SQL. The first ten agree with the column
/// `customers.email_standing`.
pub fn code(reason: SkipReason) -> i64 {
    match reason {
        SkipReason::Archived => 1,
        SkipReason::DoNotContact => 2,
        SkipReason::NoAddress => 4,
        SkipReason::NotValid => 5,
        SkipReason::Complained => 6,
        SkipReason::Unsubscribed => 7,
        SkipReason::NoOptIn => 8,
        SkipReason::Bounced => 10,
        SkipReason::AlreadyReceived => 11,
        SkipReason::DuplicateAddress => 12,
    }
}

/// The reason behind a [`code`]; none for 0.
pub fn reason_of(number: i64) -> Option<SkipReason> {
    SkipReason::ALL.into_iter().find(|reason| code(*reason) == number)
}

/// The words of the database for a reason's code, as an SQL expression.
pub fn key_of(expression: &str) -> String {
    let arms: String = SkipReason::ALL
        .into_iter()
        .map(|reason| format!(" when {} then '{}'", code(reason), reason.key()))
        .collect();
    format!("case {expression}{arms} end")
}

impl AudienceSql {
    /// The SQL for what was picked.
    pub fn of(backend: Backend, scope: &Scope, picked: &Picked) -> Self {
        let mut binds = Binds::default();
        let store = binds.add(scope.store.0);
        let matched = matched(backend, scope, picked, "c", &store, &mut binds);
        let campaign = scope.not_again.map(|campaign| binds.add(campaign));
        let received = |alias| campaign.as_ref().map(|campaign| received(alias, &store, campaign));

        // Only people who share an address can be doubles, and only of somebody in this audience
        // who is otherwise fine: the lowest id keeps it.
        let fine = if scope.requires_opt_in { "0" } else { "0, 8" };
        let not_received = received("o").map(|r| format!(" and not ({r})")).unwrap_or_default();
        let again = self::matched(backend, scope, picked, "o", &store, &mut binds);
        let later = format!(
            "select id from (
                select o.id, row_number() over (partition by o.email_norm order by o.id) as place from customers o
                 where {again} and o.email_shared and o.email_standing in ({fine}){not_received}) doubles
              where place > 1"
        );
        let already = received("c")
            .map(|r| format!(" when {r} then {}", code(SkipReason::AlreadyReceived)))
            .unwrap_or_default();
        let alone = format!("{}{already}", standing("c", scope.requires_opt_in));
        let duplicate = code(SkipReason::DuplicateAddress);
        let reason = format!("case{alone} when c.email_shared and c.id in ({later}) then {duplicate} else 0 end");
        Self {
            matched,
            reason,
            reason_alone: format!("case{alone} else 0 end"),
            binds,
        }
    }
}

/// The condition "the filter means this customer".
fn matched(backend: Backend, scope: &Scope, picked: &Picked, alias: &str, store: &str, binds: &mut Binds) -> String {
    let moment = Moment {
        now: scope.now,
        zone: scope.zone,
    };
    let own = format!("{alias}.store_id = {store}");
    match picked {
        Picked::Everybody => own,
        Picked::Nobody => format!("{own} and 1 = 0"),
        Picked::System(segment) => {
            format!(
                "{own} and {}",
                rule_sql::condition(*segment, alias, store, moment, binds)
            )
        }
        // `in`, not `exists`: SQLite walks every customer for the latter.
        Picked::Tags(tags) => {
            let list = dialect::json_texts(backend, &binds.add(json(tags)));
            format!(
                "{own} and {alias}.id in (select t.customer_id from customer_tags t
                    where t.store_id = {store} and t.tag in {list})"
            )
        }
        Picked::Ids(ids) => {
            let list = dialect::json_ids(backend, &binds.add(json(ids)));
            format!("{own} and {alias}.id in {list}")
        }
    }
}

/// The arms of a `case` for everything that is known about a customer before anything is sent.
/// The column cannot know whether the store asks for an agreement: 8 and 9 depend on it.
fn standing(alias: &str, requires_opt_in: bool) -> String {
    let standing = format!("{alias}.email_standing");
    let (no_opt_in, bounced) = (code(SkipReason::NoOptIn), code(SkipReason::Bounced));
    if requires_opt_in {
        format!(" when {standing} in (8, 9) then {no_opt_in} when {standing} > 0 then {standing}")
    } else {
        format!(" when {standing} in (9, 10) then {bounced} when {standing} not in (0, 8) then {standing}")
    }
}

/// Whether an earlier send of the campaign reached this customer, or anybody at their address:
/// whoever shares a mailbox would read it twice. What may have gone out counts as reached.
fn received(alias: &str, store: &str, campaign: &str) -> String {
    let of = |column: &str| {
        format!(
            "select m.{column} from messages m join sends s on s.id = m.send_id
              where s.store_id = {store} and s.campaign_id = {campaign}
                and m.state in ('accepted', 'unknown', 'attempting', 'leased') and m.{column} is not null"
        )
    };
    format!(
        "{alias}.id in ({}) or {alias}.email_norm in ({})",
        of("customer_id"),
        of("addr_norm")
    )
}

fn json<T: serde::Serialize>(list: &[T]) -> String {
    serde_json::to_string(list).unwrap_or_else(|_| "[]".to_owned())
}
