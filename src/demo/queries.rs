//! Writing the demo store down, row by row, within one transaction.

use chrono::{DateTime, Utc};

use super::{
    history::{Row, Sent},
    people::{Person, Purchase, Repair, Said},
};
use crate::{
    campaigns::queries::search_key,
    consent::{model::Channel, suppressions_queries as suppressions},
    customers::names::name_key,
    db::Tx,
    ids::StoreId,
    on_tx,
    sends::model::{SendKind, SendState},
    tokens,
};

/// Writes a customer; answers the id and the token of their unsubscribe link. What sums up their
/// purchases and repairs is worked out when all are there.
pub(super) async fn add_person(
    tx: &mut Tx,
    store: StoreId,
    person: &Person,
    now: DateTime<Utc>,
) -> sqlx::Result<(i64, String)> {
    let token = tokens::public();
    let word = |said: Said| match said {
        Said::Nothing => "none",
        Said::Yes(_) => "granted",
        Said::No(..) => "withdrawn",
    };
    if let (Said::No(_, left), Some(address)) = (person.said_email, person.email_key()) {
        suppressions::unsubscribe(tx, store, Channel::Email, &address, left).await?;
    }
    let id = on_tx!(tx, |conn| sqlx::query_scalar(
        "insert into customers (store_id, external_id, name, name_key, first_name, last_name, email, email_norm,
                                email_valid, phone, phone_typed, is_vip, birthday_month, birthday_day, birthday_year,
                                partner_name, partner_birthday_month, partner_birthday_day, anniversary_month,
                                anniversary_day, anniversary_year, notes, email_consent, whatsapp_consent,
                                do_not_contact, archived_at, email_bounced_at, email_bounce_reason,
                                email_complained_at, last_visit_at, last_contacted_at, unsubscribe_token, created_at,
                                updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)
         returning id"
    )
    .bind(store)
    .bind(&person.external_id)
    .bind(&person.name)
    .bind(name_key(&person.name))
    .bind(&person.first)
    .bind(&person.last)
    .bind(&person.email)
    .bind(person.email_key())
    .bind(person.email_valid)
    .bind(person.phone_e164())
    .bind(&person.phone)
    .bind(person.vip)
    .bind(person.birthday.map(|d| d.0))
    .bind(person.birthday.map(|d| d.1))
    .bind(person.birthday.and_then(|d| d.2))
    .bind(&person.partner)
    .bind(person.partner_birthday.map(|d| d.0))
    .bind(person.partner_birthday.map(|d| d.1))
    .bind(person.anniversary.map(|d| d.0))
    .bind(person.anniversary.map(|d| d.1))
    .bind(person.anniversary.and_then(|d| d.2))
    .bind(person.notes)
    .bind(word(person.said_email))
    .bind(word(person.said_whatsapp))
    .bind(person.do_not_contact)
    .bind(person.archived)
    .bind(person.bounced.map(|b| b.0))
    .bind(person.bounced.map(|b| b.1))
    .bind(person.complained)
    .bind(person.last_visit)
    .bind(person.last_contacted)
    .bind(&token)
    .bind(person.joined)
    .bind(now)
    .fetch_one(&mut *conn)
    .await)?;
    Ok((id, token))
}

/// Writes what belongs to a customer: tags, sales, repairs, and what they agreed to.
pub(super) async fn add_facts(tx: &mut Tx, store: StoreId, id: i64, person: &Person) -> sqlx::Result<()> {
    for tag in &person.tags {
        on_tx!(tx, |conn| sqlx::query(
            "insert into customer_tags (store_id, customer_id, tag) values ($1, $2, $3)"
        )
        .bind(store)
        .bind(id)
        .bind(tag)
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
    }
    for Purchase { what, cents, at } in &person.purchases {
        on_tx!(tx, |conn| sqlx::query(
            "insert into purchases (store_id, customer_id, description, amount_cents, bought_at)
             values ($1, $2, $3, $4, $5)"
        )
        .bind(store)
        .bind(id)
        .bind(what)
        .bind(cents)
        .bind(at)
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
    }
    for Repair { what, opened, closed } in &person.repairs {
        on_tx!(tx, |conn| sqlx::query(
            "insert into repairs (store_id, customer_id, description, opened_at, closed_at)
             values ($1, $2, $3, $4, $5)"
        )
        .bind(store)
        .bind(id)
        .bind(what)
        .bind(opened)
        .bind(closed)
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
    }
    for (channel, said) in [("email", person.said_email), ("whatsapp", person.said_whatsapp)] {
        let (agreed, left) = match said {
            Said::Nothing => continue,
            Said::Yes(agreed) => (agreed, None),
            Said::No(agreed, left) => (agreed, Some(left)),
        };
        add_word(
            tx,
            store,
            id,
            channel,
            "granted",
            "Ticked the card at the counter",
            agreed,
        )
        .await?;
        if let Some(left) = left {
            add_word(
                tx,
                store,
                id,
                channel,
                "withdrawn",
                "The link at the end of a message",
                left,
            )
            .await?;
        }
    }
    Ok(())
}

async fn add_word(
    tx: &mut Tx,
    store: StoreId,
    id: i64,
    channel: &str,
    change: &str,
    evidence: &str,
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into consent_events (store_id, customer_id, channel, change, source, evidence, actor, happened_at)
         values ($1, $2, $3, $4, 'demo', $5, 'Demo store', $6)"
    )
    .bind(store)
    .bind(id)
    .bind(channel)
    .bind(change)
    .bind(evidence)
    .bind(at)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// A template of the store's own.
pub(super) async fn add_template(
    tx: &mut Tx,
    store: StoreId,
    (name, subject, body): (&str, &str, &str),
    fallbacks: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "insert into templates (store_id, name, subject, body, fallbacks, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6) returning id"
    )
    .bind(store)
    .bind(name)
    .bind(subject)
    .bind(body)
    .bind(fallbacks)
    .bind(now)
    .fetch_one(&mut *conn)
    .await)
}

/// The id of a segment every store has.
pub(super) async fn segment(tx: &mut Tx, store: StoreId, key: &str) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "select id from segments where store_id = $1 and system_key = $2"
    )
    .bind(store)
    .bind(key)
    .fetch_one(&mut *conn)
    .await)
}

/// A campaign in any status.
#[derive(Clone, Debug)]
pub(super) struct NewCampaign<'a> {
    pub name: &'a str,
    pub subject: &'a str,
    pub body: &'a str,
    pub fallbacks: &'a str,
    pub template: Option<i64>,
    pub filter: Option<String>,
    pub status: &'static str,
    /// Local time as typed, and its moment.
    pub scheduled: Option<(String, DateTime<Utc>)>,
    pub zone: &'a str,
    pub by: &'a str,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// When it was sent, and to how many with and without success.
    pub sent: Option<(DateTime<Utc>, i64, i64)>,
}

/// Writes a campaign and answers its id.
pub(super) async fn add_campaign(tx: &mut Tx, store: StoreId, new: &NewCampaign<'_>) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "insert into campaigns (store_id, name, subject, body, fallbacks, template_id, filter, status, scheduled_local,
                                scheduled_zone, scheduled_at, created_by, created_at, updated_by, updated_at, sent_at,
                                sent_count, failed_count, search_key)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $12, $14, $15, $16, $17, $18) returning id"
    )
    .bind(store)
    .bind(new.name)
    .bind(new.subject)
    .bind(new.body)
    .bind(new.fallbacks)
    .bind(new.template)
    .bind(&new.filter)
    .bind(new.status)
    .bind(new.scheduled.as_ref().map(|s| &s.0))
    .bind(new.scheduled.as_ref().map(|_| new.zone))
    .bind(new.scheduled.as_ref().map(|s| s.1))
    .bind(new.by)
    .bind(new.created_at)
    .bind(new.updated_at)
    .bind(new.sent.map(|s| s.0))
    .bind(new.sent.map(|s| s.1))
    .bind(new.sent.map(|s| s.2))
    .bind(search_key(new.name, new.subject))
    .fetch_one(&mut *conn)
    .await)
}

/// The frozen side of a past send.
#[derive(Clone, Debug)]
pub(super) struct PastSend<'a> {
    pub campaign: Option<i64>,
    pub filter: String,
    pub audience_words: String,
    pub fallbacks: &'a str,
    pub from_name: &'a str,
    pub from_email: &'a str,
    pub store_name: &'a str,
    pub footer: &'a str,
}

/// Writes a send that is over and answers its id.
pub(super) async fn add_send(tx: &mut Tx, store: StoreId, sent: &Sent, new: &PastSend<'_>) -> sqlx::Result<i64> {
    let kind = match new.campaign {
        Some(_) => SendKind::Campaign,
        None => SendKind::Bulk,
    };
    on_tx!(tx, |conn| {
        sqlx::query_scalar(
        "insert into sends (store_id, campaign_id, kind, token, label, subject, body, fallbacks, filter, audience_words,
                            from_name, from_email, store_name, footer, signature, state, hold_until, started_by,
                            started_at, finished_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         returning id"
    )
    .bind(store)
    .bind(new.campaign)
    .bind(kind)
    .bind(tokens::public())
    .bind(sent.past.name.unwrap_or("Bulk email"))
    .bind(sent.past.subject)
    .bind(sent.past.body)
    .bind(new.fallbacks)
    .bind(&new.filter)
    .bind(&new.audience_words)
    .bind(new.from_name)
    .bind(new.from_email)
    .bind(new.store_name)
    .bind(new.footer)
    .bind(format!("{}\n{}", sent.past.by, new.store_name))
    .bind(SendState::Done)
    .bind(sent.started + chrono::Duration::seconds(10))
    .bind(sent.past.by)
    .bind(sent.started)
    .bind(sent.finished)
    .fetch_one(&mut *conn)
    .await
    })
}

/// One person's message of a past send.
pub(super) async fn add_message(
    tx: &mut Tx,
    store: StoreId,
    send: i64,
    (customer, token): (i64, &str),
    person: &Person,
    row: &Row,
    created_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    on_tx!(tx, |conn| {
        sqlx::query(
        "insert into messages (store_id, send_id, customer_id, channel, state, skip_reason, name, first_name, last_name,
                               anniversary_month, anniversary_day, address, addr_norm, unsubscribe_token, attempts,
                               attempted_at, settled_at, reply_code, reply, created_at)
         values ($1, $2, $3, 'email', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
    )
    .bind(store)
    .bind(send)
    .bind(customer)
    .bind(row.state)
    .bind(row.skipped.map(|s| s.key()))
    .bind(&person.name)
    .bind(&person.first)
    .bind(&person.last)
    .bind(person.anniversary.map(|d| d.0))
    .bind(person.anniversary.map(|d| d.1))
    .bind(&person.email)
    .bind(person.email_key())
    .bind(token)
    .bind(row.attempts)
    .bind(row.settled)
    .bind(row.settled.unwrap_or(created_at))
    .bind(row.code)
    .bind(&row.reply)
    .bind(created_at)
    .execute(&mut *conn)
    .await
    .map(|_| ())
    })
}
