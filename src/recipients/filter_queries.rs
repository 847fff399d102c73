//! The one place that turns a filter into SQL: which customers it means, and why each of them
//! would get nothing. Count, names, sample and freeze all stand on [`AudienceSql::of`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::model::{Earlier, RecipientFilter, SkipReason};
use crate::{
    db::{Backend, binds::Binds, dialect},
    ids::StoreId,
    segments::{
        model::SystemSegment,
        rule_queries::{self, Moment},
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
    /// Leave out, as "already got it", whoever one of these sends reached.
    pub not_again: Option<Earlier>,
}

/// A filter whose segment has been looked up.
#[derive(Clone, Debug)]
pub enum Picked {
    Everybody,
    System(SystemSegment),
    Tags(Vec<String>),
    Ids(Vec<i64>),
    /// Whom this send, or another one of the very same message, reached or may have.
    Reached(i64),
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
            RecipientFilter::Reached(send) => Picked::Reached(send),
        }
    }
}

/// Expressions over a table `customers c`, and the values they bind.
#[derive(Clone, Debug)]
pub struct AudienceSql {
    /// Whether the filter means this customer.
    pub matched: String,
    /// 0 for somebody who will get it, else the [`code`] of the reason why not.
    pub reason: String,
    /// The same without looking at who else is in the audience: never a duplicate address.
    pub reason_alone: String,
    /// Whether an earlier send reached somebody who is otherwise fine, if that matters.
    received: Option<String>,
    /// A table `customers o`, and the condition for everybody in the audience who shares an address and
    /// is otherwise fine.
    sharing: String,
    /// What the rows of an index that has everybody whom the filter means are in the order of.
    in_order_of: Option<&'static str>,
    pub binds: Binds,
    backend: Backend,
    requires_opt_in: bool,
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
        let mut build = Build {
            backend,
            scope,
            picked,
            binds: Binds::default(),
            store: String::new(),
        };
        build.store = build.binds.add(scope.store.0);
        let matched = build.matched("c");
        let received = scope.not_again.map(|earlier| build.received(earlier));
        let fine = fine(scope.requires_opt_in);

        // Only people who share an address can be doubles, and only of somebody in this audience
        // who is otherwise fine: the lowest id keeps it.
        let not_received = received
            .as_ref()
            .map(|r| format!(" and o.id not in ({r})"))
            .unwrap_or_default();
        let by_index = match picked {
            // They are fewer than those who share an address may be.
            Picked::Ids(_) => String::new(),
            _ => dialect::by_index(backend, "customers_shared"),
        };
        let sharing = format!(
            "customers o {by_index} where {} and o.email_shared and o.email_standing in ({fine}){not_received}",
            build.matched("o")
        );
        let doubles = format!(
            "select id from (
                select o.id, row_number() over (partition by o.email_norm order by o.id) as place from {sharing}) sharing
              where place > 1",
        );
        let received = received.map(|r| format!("c.id in ({r})"));
        let already = received
            .as_ref()
            .map(|r| format!(" when {r} then {}", code(SkipReason::AlreadyReceived)))
            .unwrap_or_default();
        let alone = format!("{}{already}", standing_arms(scope.requires_opt_in));
        let duplicate = code(SkipReason::DuplicateAddress);
        Self {
            matched,
            reason: format!("case{alone} when c.email_shared and c.id in ({doubles}) then {duplicate} else 0 end"),
            reason_alone: format!("case{alone} else 0 end"),
            received,
            sharing,
            in_order_of: match picked {
                Picked::Everybody => Some("c.email_standing"),
                Picked::Tags(_) => Some("c.tag_set"),
                _ => None,
            },
            binds: build.binds,
            backend,
            requires_opt_in: scope.requires_opt_in,
        }
    }

    /// A statement that counts what [`AudienceSql::reason`] says of everybody, as rows (part, how many). It is
    /// the same partition, taken apart so that indexes alone can answer it: reading each reason
    /// row by row costs several times as much.
    pub fn parts(&self) -> String {
        let matched = &self.matched;
        let mut parts = dialect::tally(
            self.backend,
            "c.email_standing",
            &STANDINGS,
            &format!("customers c where {matched}"),
            self.in_order_of,
        );
        if let Some(received) = &self.received {
            let fine = fine(self.requires_opt_in);
            parts += &format!(
                " union all select {}, count(*) from customers c
                   where {matched} and c.email_standing in ({fine}) and {received}",
                code(SkipReason::AlreadyReceived)
            );
        }
        let duplicate = code(SkipReason::DuplicateAddress);
        let sharing = &self.sharing;
        parts
            + &format!(
                " union all select {duplicate}, cast(coalesce(sum(n - 1), 0) as bigint)
                   from (select count(*) as n from {sharing} group by o.email_norm) doubles"
            )
    }

    /// The rows of [`AudienceSql::parts`] as (code of the reason, how many).
    pub fn put_together(&self, parts: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
        let mut by_code: BTreeMap<i64, i64> = BTreeMap::new();
        for (part, n) in parts {
            let skipped_late = part > 10;
            let reason = if skipped_late {
                part
            } else {
                reason_of_standing(part, self.requires_opt_in)
            };
            *by_code.entry(reason).or_default() += n;
            if skipped_late {
                // They stand among those who are otherwise fine.
                *by_code.entry(0).or_default() -= n;
            }
        }
        by_code.into_iter().filter(|(_, n)| *n != 0).collect()
    }
}

struct Build<'a> {
    backend: Backend,
    scope: &'a Scope,
    picked: &'a Picked,
    binds: Binds,
    /// The placeholder of the store's id.
    store: String,
}

impl Build<'_> {
    /// The condition "the filter means this customer".
    fn matched(&mut self, alias: &str) -> String {
        let store = self.store.clone();
        let moment = Moment {
            now: self.scope.now,
            zone: self.scope.zone,
        };
        let own = format!("{alias}.store_id = {store}");
        match self.picked {
            Picked::Everybody => own,
            Picked::Nobody => format!("{own} and 1 = 0"),
            Picked::System(segment) => {
                let rule = rule_queries::condition(*segment, alias, &store, moment, &mut self.binds);
                format!("{own} and {rule}")
            }
            Picked::Tags(tags) => {
                let any = dialect::one_of_texts(
                    self.backend,
                    "t.tag",
                    &self.binds.add(dialect::text_list(self.backend, tags)),
                );
                // The sets of tags with any of these, see the migration: nobody has two sets, so
                // nobody is met twice.
                format!(
                    "{own} and {alias}.tag_set in (select t.tag_set from tag_set_tags t where t.store_id = {store} and {any})"
                )
            }
            Picked::Reached(send) => {
                let send = self.binds.add(*send);
                // The very same message that was stopped and went to the rest later is several sends.
                format!(
                    "{own} and {alias}.id in (
                        select g.customer_id
                          from sends f
                          join sends s on s.store_id = f.store_id and s.subject = f.subject and s.body = f.body
                                      and (s.id = f.id or s.campaign_id = f.campaign_id
                                           or s.of_send = f.id or f.of_send in (s.id, s.of_send))
                          join messages g on g.send_id = s.id
                         where f.store_id = {store} and f.id = {send}
                           and g.state in ('accepted', 'unconfirmed', 'attempting'))"
                )
            }
            Picked::Ids(ids) => {
                let list = dialect::json_ids(
                    self.backend,
                    &self.binds.add(serde_json::Value::from(ids.as_slice()).to_string()),
                );
                format!("{own} and {alias}.id in {list}")
            }
        }
    }

    /// The ids of everybody one of these sends reached, and of everybody at those
    /// addresses: whoever shares a mailbox would read it twice. What may have gone out counts as
    /// reached.
    fn received(&mut self, earlier: Earlier) -> String {
        let which = match earlier {
            Earlier::Campaign(id) => format!("s.campaign_id = {}", self.binds.add(id)),
            Earlier::Send(id) => {
                let id = self.binds.add(id);
                format!("(s.id = {id} or s.of_send = {id})")
            }
        };
        let store = &self.store;
        let reached = format!(
            "messages m join sends s on s.id = m.send_id and s.store_id = {store} and {which}
                and m.state in ('accepted', 'unconfirmed', 'attempting', 'leased')"
        );
        format!(
            "select m.customer_id from {reached}
              union
             select e.id from {reached} join customers e on e.store_id = {store} and e.email_norm = m.addr_norm"
        )
    }
}

/// Everything the column `customers.email_standing` says.
const STANDINGS: [i64; 10] = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10];

/// The code of the reason behind a standing. The column cannot know whether the store asks for an
/// agreement: 8 is somebody who never agreed, 9 the same with an address that bounced.
fn reason_of_standing(standing: i64, requires_opt_in: bool) -> i64 {
    match standing {
        8 | 9 if requires_opt_in => code(SkipReason::NoOptIn),
        8 => 0,
        9 => code(SkipReason::Bounced),
        other => other,
    }
}

/// The standings of those who may get it, as a list.
fn fine(requires_opt_in: bool) -> String {
    let fine: Vec<String> = STANDINGS
        .into_iter()
        .filter(|standing| reason_of_standing(*standing, requires_opt_in) == 0)
        .map(|standing| standing.to_string())
        .collect();
    fine.join(", ")
}

/// The arms of a `case` for what is known about a customer before anything is sent.
fn standing_arms(requires_opt_in: bool) -> String {
    STANDINGS
        .into_iter()
        .map(|standing| (standing, reason_of_standing(standing, requires_opt_in)))
        .filter(|(_, reason)| *reason != 0)
        .map(|(standing, reason)| format!(" when c.email_standing = {standing} then {reason}"))
        .collect()
}
