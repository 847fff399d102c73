//! Customers in the database: one person at a time. Lists are in `list_sql`, what they bought in
//! `facts_sql`, tags in `tags_sql`; all are reached from here.

use chrono::{DateTime, Utc};

use super::{
    details::{Details, Email},
    model::YearlyDate,
    phone::Phone,
};
pub use super::{
    facts_queries::{
        PurchaseRow, RepairRow, add_purchase, add_repair, close_repair, has_repair, purchases, refresh_all_facts,
        refresh_facts, repairs,
    },
    list_queries::{Contactable, ListFilter, ListRow, count, page},
    tags_queries::{add_tags, all_tags, set_tags, sweep_sets, tags_of},
};
use crate::{
    consent::model::ConsentState,
    db::{Db, Tx},
    ids::StoreId,
    on_db, on_tx, tokens,
};

/// A customer as they stand in the book.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Customer {
    pub id: i64,
    pub external_id: Option<String>,
    pub name: String,
    pub first_name: String,
    pub last_name: String,
    pub email: Option<String>,
    pub email_norm: Option<String>,
    pub email_valid: bool,
    /// E.164, when what was typed could be read.
    pub phone: Option<String>,
    pub phone_typed: Option<String>,
    pub is_vip: bool,
    pub birthday_month: Option<i64>,
    pub birthday_day: Option<i64>,
    pub birthday_year: Option<i64>,
    pub partner_name: String,
    pub partner_birthday_month: Option<i64>,
    pub partner_birthday_day: Option<i64>,
    pub anniversary_month: Option<i64>,
    pub anniversary_day: Option<i64>,
    pub anniversary_year: Option<i64>,
    pub notes: String,
    pub email_consent: ConsentState,
    pub whatsapp_consent: ConsentState,
    pub do_not_contact: bool,
    pub archived_at: Option<DateTime<Utc>>,
    pub email_bounced_at: Option<DateTime<Utc>>,
    pub email_bounce_reason: Option<String>,
    pub email_complained_at: Option<DateTime<Utc>>,
    /// Cents: what was spent here, and before that elsewhere.
    pub spent_cents: i64,
    pub spent_elsewhere_cents: i64,
    pub largest_purchase_cents: i64,
    pub last_purchase_at: Option<DateTime<Utc>>,
    pub last_repair_at: Option<DateTime<Utc>>,
    pub open_repairs: i64,
    pub last_visit_at: Option<DateTime<Utc>>,
    pub last_contacted_at: Option<DateTime<Utc>>,
    pub unsubscribe_token: String,
    pub email_shared: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// What email_standing says: 0 fine, else the first reason against (see the migration).
    pub email_standing: i64,
}

impl Customer {
    pub fn birthday(&self) -> Option<YearlyDate> {
        YearlyDate::from_columns(self.birthday_month, self.birthday_day, self.birthday_year)
    }

    pub fn partner_birthday(&self) -> Option<YearlyDate> {
        YearlyDate::from_columns(self.partner_birthday_month, self.partner_birthday_day, None)
    }

    pub fn anniversary(&self) -> Option<YearlyDate> {
        YearlyDate::from_columns(self.anniversary_month, self.anniversary_day, self.anniversary_year)
    }

    /// What a form would show of them.
    pub fn details(&self) -> Details {
        Details {
            name: self.name.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            email: self.email.clone().map(|typed| Email {
                norm: self.email_norm.clone().unwrap_or_default(),
                valid: self.email_valid,
                typed,
            }),
            phone: self.phone_typed.clone().map(|typed| Phone {
                typed,
                e164: self.phone.clone(),
            }),
            is_vip: self.is_vip,
            birthday: self.birthday(),
            partner_name: self.partner_name.clone(),
            partner_birthday: self.partner_birthday(),
            anniversary: self.anniversary(),
            do_not_contact: self.do_not_contact,
        }
    }
}

macro_rules! columns {
    () => {
        "id, external_id, name, first_name, last_name, email, email_norm, email_valid, phone, phone_typed, is_vip,
         birthday_month, birthday_day, birthday_year, partner_name, partner_birthday_month, partner_birthday_day,
         anniversary_month, anniversary_day, anniversary_year, notes, email_consent, whatsapp_consent, do_not_contact,
         archived_at, email_bounced_at, email_bounce_reason, email_complained_at, spent_cents, spent_elsewhere_cents,
         largest_purchase_cents, last_purchase_at, last_repair_at, open_repairs, last_visit_at, last_contacted_at,
         unsubscribe_token, email_shared, created_at, updated_at, email_standing"
    };
}

/// What a [`Customer`] is read from.
pub(super) const COLUMNS: &str = columns!();

const ONE: &str = concat!("select ", columns!(), " from customers where store_id = $1 and id = $2");

/// Binds what [`insert`] and [`update`] both write.
macro_rules! bind_details {
    ($query:expr, $details:expr) => {{
        let (d, email, phone) = ($details, $details.email.as_ref(), $details.phone.as_ref());
        $query
            .bind(&d.name)
            .bind(d.name_key())
            .bind(&d.first_name)
            .bind(&d.last_name)
            .bind(email.map(|e| e.typed.as_str()))
            .bind(email.map(|e| e.norm.as_str()))
            .bind(email.is_some_and(|e| e.valid))
            .bind(phone.and_then(|p| p.e164.as_deref()))
            .bind(phone.map(|p| p.typed.as_str()))
            .bind(d.is_vip)
            .bind(d.birthday.map(|b| b.month))
            .bind(d.birthday.map(|b| b.day))
            .bind(d.birthday.and_then(|b| b.year))
            .bind(&d.partner_name)
            .bind(d.partner_birthday.map(|b| b.month))
            .bind(d.partner_birthday.map(|b| b.day))
            .bind(d.anniversary.map(|a| a.month))
            .bind(d.anniversary.map(|a| a.day))
            .bind(d.anniversary.and_then(|a| a.year))
            .bind(d.do_not_contact)
    }};
}

/// One customer of the store.
pub async fn find(db: &Db, store: StoreId, id: i64) -> sqlx::Result<Option<Customer>> {
    on_db!(db, |pool| sqlx::query_as(ONE)
        .bind(store)
        .bind(id)
        .fetch_optional(pool)
        .await)
}

/// One customer of the store, inside a change.
pub async fn find_in(tx: &mut Tx, store: StoreId, id: i64) -> sqlx::Result<Option<Customer>> {
    on_tx!(tx, |conn| sqlx::query_as(ONE)
        .bind(store)
        .bind(id)
        .fetch_optional(&mut *conn)
        .await)
}

/// Adds a customer, without consent, tags or purchases, and answers the id.
pub async fn insert(
    tx: &mut Tx,
    store: StoreId,
    external_id: Option<&str>,
    details: &Details,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| {
        let query = sqlx::query_scalar(
            "insert into customers (store_id, external_id, unsubscribe_token, created_at, updated_at, name, name_key,
                    first_name, last_name, email, email_norm, email_valid, phone, phone_typed, is_vip, birthday_month,
                    birthday_day, birthday_year, partner_name, partner_birthday_month, partner_birthday_day,
                    anniversary_month, anniversary_day, anniversary_year, do_not_contact)
             values ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                    $21, $22, $23, $24)
             returning id",
        )
        .bind(store)
        .bind(external_id)
        .bind(tokens::public())
        .bind(now);
        bind_details!(query, details).fetch_one(&mut *conn).await
    })
}

/// Writes the details, if the row still is as it was at `read_at`. Another address has not
/// bounced. Answers whether it was.
pub async fn update(
    tx: &mut Tx,
    store: StoreId,
    id: i64,
    details: &Details,
    read_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = on_tx!(tx, |conn| {
        let query = sqlx::query(
            "update customers set updated_at = $4,
                    email_bounced_at = case when email_norm = $10 then email_bounced_at end,
                    email_bounce_reason = case when email_norm = $10 then email_bounce_reason end,
                    name = $5, name_key = $6, first_name = $7, last_name = $8, email = $9, email_norm = $10,
                    email_valid = $11, phone = $12, phone_typed = $13, is_vip = $14, birthday_month = $15,
                    birthday_day = $16, birthday_year = $17, partner_name = $18, partner_birthday_month = $19,
                    partner_birthday_day = $20, anniversary_month = $21, anniversary_day = $22, anniversary_year = $23,
                    do_not_contact = $24
              where store_id = $1 and id = $2 and updated_at = $3",
        )
        .bind(store)
        .bind(id)
        .bind(read_at)
        .bind(now);
        bind_details!(query, details)
            .execute(&mut *conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(done == 1)
}

/// Archives (a time) or restores (nothing). Answers whether that changed anything.
pub async fn set_archived(
    tx: &mut Tx,
    store: StoreId,
    id: i64,
    at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(
        "update customers set archived_at = $3, updated_at = $4
          where store_id = $1 and id = $2 and (archived_at is null) <> (cast($5 as boolean))"
    )
    .bind(store)
    .bind(id)
    .bind(at)
    .bind(now)
    .bind(at.is_none())
    .execute(&mut *conn)
    .await
    .map(|d| d.rows_affected()))?;
    Ok(done == 1)
}

/// Writes the notes. Answers whether the store has the customer.
pub async fn set_notes(tx: &mut Tx, store: StoreId, id: i64, notes: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(
        "update customers set notes = $3, updated_at = $4 where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .bind(notes)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|d| d.rows_affected()))?;
    Ok(done == 1)
}

/// Notes that mail to this person's address came back, with the provider's words.
pub async fn note_bounce(tx: &mut Tx, store: StoreId, id: i64, reason: &str, at: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "update customers set email_bounced_at = $3, email_bounce_reason = $4 where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .bind(at)
    .bind(reason)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Forgets a bounce of this person and of everyone else with their address. Answers whether there was one.
pub async fn clear_bounce(tx: &mut Tx, store: StoreId, id: i64) -> sqlx::Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(
        "update customers set email_bounced_at = null, email_bounce_reason = null
          where store_id = $1 and email_bounced_at is not null and id in (
                select i.id from customers i where i.id = $2
                 union
                select o.id from customers i join customers o on o.store_id = i.store_id and o.email_norm = i.email_norm
                 where i.store_id = $1 and i.id = $2)"
    )
    .bind(store)
    .bind(id)
    .execute(&mut *conn)
    .await
    .map(|d| d.rows_affected()))?;
    Ok(done > 0)
}

/// Notes that this person called a message spam.
pub async fn note_complaint(tx: &mut Tx, store: StoreId, id: i64, at: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "update customers set email_complained_at = $3 where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .bind(at)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}
