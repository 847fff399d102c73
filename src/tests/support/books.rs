//! Customer books made up for a test or a measurement, from a seed.

use chrono::{DateTime, Duration, Utc};
use loupe::{
    db::{
        Tx,
        dialect::{self, Column},
    },
    ids::StoreId,
    on_tx,
};

/// A customer to be written: by default somebody with an address who agreed to marketing email.
#[derive(Clone, Debug)]
pub struct Someone {
    pub name: String,
    pub email: Option<String>,
    pub email_valid: bool,
    pub phone: Option<String>,
    pub email_consent: &'static str,
    pub do_not_contact: bool,
    pub archived: bool,
    pub bounced: bool,
    pub complained: bool,
    pub birthday: Option<(i64, i64)>,
    pub anniversary: Option<(i64, i64)>,
    pub spent_cents: i64,
    pub largest_purchase_cents: i64,
    pub open_repairs: i64,
    pub last_purchase_at: Option<DateTime<Utc>>,
    pub last_repair_at: Option<DateTime<Utc>>,
    pub last_visit_at: Option<DateTime<Utc>>,
    pub last_contacted_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub tags: Vec<String>,
}

impl Someone {
    /// Somebody fine, in the book since `created_at`.
    pub fn new(name: &str, created_at: DateTime<Utc>) -> Self {
        let mailbox = name.to_lowercase().replace(' ', ".");
        Self {
            name: name.to_owned(),
            email: Some(format!("{mailbox}@example.com")),
            email_valid: true,
            phone: None,
            email_consent: "granted",
            do_not_contact: false,
            archived: false,
            bounced: false,
            complained: false,
            birthday: None,
            anniversary: None,
            spent_cents: 0,
            largest_purchase_cents: 0,
            open_repairs: 0,
            last_purchase_at: None,
            last_repair_at: None,
            last_visit_at: None,
            last_contacted_at: None,
            created_at,
            tags: Vec::new(),
        }
    }

    /// The address as it is compared.
    pub fn email_norm(&self) -> Option<String> {
        self.email.as_ref().map(|email| email.to_lowercase())
    }

    /// Writes the customer, without tags, and answers the id.
    pub async fn insert(&self, tx: &mut Tx, store: StoreId) -> sqlx::Result<i64> {
        let ids = insert(tx, store, std::slice::from_ref(self)).await?;
        ids.first().copied().ok_or(sqlx::Error::RowNotFound)
    }

    /// As a row of [`COLUMNS`].
    fn row(&self, n: usize) -> serde_json::Value {
        let (first, last) = self.name.split_once(' ').unwrap_or((&self.name, ""));
        let moment = |at: Option<DateTime<Utc>>| at.map(dialect::moment_text);
        let at = Some(self.created_at);
        serde_json::json!({
            "n": n,
            "name": self.name,
            "name_key": self.name.to_lowercase(),
            "first_name": first,
            "last_name": last,
            "email": self.email,
            "email_norm": self.email_norm(),
            "email_valid": self.email_valid && self.email.is_some(),
            "phone": self.phone,
            "email_consent": self.email_consent,
            "do_not_contact": self.do_not_contact,
            "archived_at": moment(at.filter(|_| self.archived)),
            "email_bounced_at": moment(at.filter(|_| self.bounced)),
            "email_complained_at": moment(at.filter(|_| self.complained)),
            "birthday_month": self.birthday.map(|b| b.0),
            "birthday_day": self.birthday.map(|b| b.1),
            "anniversary_month": self.anniversary.map(|a| a.0),
            "anniversary_day": self.anniversary.map(|a| a.1),
            "spent_cents": self.spent_cents,
            "largest_purchase_cents": self.largest_purchase_cents,
            "open_repairs": self.open_repairs,
            "last_purchase_at": moment(self.last_purchase_at),
            "last_repair_at": moment(self.last_repair_at),
            "last_visit_at": moment(self.last_visit_at),
            "last_contacted_at": moment(self.last_contacted_at),
            "unsubscribe_token": loupe::tokens::public(),
            "created_at": moment(at),
        })
    }
}

const COLUMNS: [(&str, Column); 26] = [
    ("name", Column::Text),
    ("name_key", Column::Text),
    ("first_name", Column::Text),
    ("last_name", Column::Text),
    ("email", Column::Text),
    ("email_norm", Column::Text),
    ("email_valid", Column::Flag),
    ("phone", Column::Text),
    ("email_consent", Column::Text),
    ("do_not_contact", Column::Flag),
    ("archived_at", Column::Moment),
    ("email_bounced_at", Column::Moment),
    ("email_complained_at", Column::Moment),
    ("birthday_month", Column::Number),
    ("birthday_day", Column::Number),
    ("anniversary_month", Column::Number),
    ("anniversary_day", Column::Number),
    ("spent_cents", Column::Number),
    ("largest_purchase_cents", Column::Number),
    ("open_repairs", Column::Number),
    ("last_purchase_at", Column::Moment),
    ("last_repair_at", Column::Moment),
    ("last_visit_at", Column::Moment),
    ("last_contacted_at", Column::Moment),
    ("unsubscribe_token", Column::Text),
    ("created_at", Column::Moment),
];

/// Writes customers, without tags, in one statement; answers their ids in the same order.
async fn insert(tx: &mut Tx, store: StoreId, people: &[Someone]) -> sqlx::Result<Vec<i64>> {
    let rows: Vec<_> = people.iter().enumerate().map(|(n, someone)| someone.row(n)).collect();
    let names = COLUMNS.map(|(name, _)| name).join(", ");
    let mut columns = COLUMNS.to_vec();
    columns.push(("n", Column::Number));
    let statement = format!(
        "insert into customers (store_id, {names}, updated_at)
         select $1, {names}, created_at from {} r order by r.n returning id",
        dialect::json_rows(tx.backend(), "$2", &columns)
    );
    let mut ids: Vec<i64> = on_tx!(tx, |conn| sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
        .bind(store)
        .bind(serde_json::Value::from(rows).to_string())
        .fetch_all(&mut *conn)
        .await)?;
    // Given out in the order of the rows, told in any.
    ids.sort_unstable();
    Ok(ids)
}

/// Writes many customers with their tags; answers their ids in the same order.
pub async fn write(tx: &mut Tx, store: StoreId, people: &[Someone]) -> sqlx::Result<Vec<i64>> {
    let ids = insert(tx, store, people).await?;
    let tags: Vec<serde_json::Value> = people
        .iter()
        .zip(&ids)
        .flat_map(|(someone, id)| {
            someone
                .tags
                .iter()
                .map(move |tag| serde_json::json!({"customer": id, "tag": tag}))
        })
        .collect();
    let rows = dialect::json_rows(
        tx.backend(),
        "$2",
        &[("customer", Column::Number), ("tag", Column::Text)],
    );
    let statement =
        format!("insert into customer_tags (store_id, customer_id, tag) select $1, customer, tag from {rows} r");
    on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(store)
        .bind(serde_json::Value::from(tags).to_string())
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
    Ok(ids)
}

/// Numbers from a seed (SplitMix64): the same seed, the same book.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let n = self.below(of.len() as u64);
        &of[usize::try_from(n).unwrap_or(0)]
    }
}

/// The tags of a made-up book; the first ones are the common ones.
pub const TAGS: [&str; 12] = [
    "wedding",
    "engagement",
    "collectors",
    "repairs",
    "watches",
    "pearls",
    "opals",
    "bespoke",
    "trade",
    "corporate",
    "café",
    "o'neil's",
];

const FIRST: [&str; 12] = [
    "Amara",
    "Élodie",
    "Noah",
    "Mei",
    "Priya",
    "Zoë",
    "Liam",
    "Ngozi",
    "Sofía",
    "Jun",
    "Olu",
    "Anneliese-Marie",
];
const LAST: [&str; 10] = [
    "Okafor",
    "Martin",
    "O'Brien",
    "Nguyen",
    "Patel",
    "Smith",
    "Ó Dálaigh",
    "Li",
    "Kaur",
    "van der Berg",
];

/// How rough a made-up book is.
#[derive(Clone, Copy, Debug)]
pub struct Roughness {
    /// How many in a hundred have each thing that keeps a message from them.
    pub trouble: u64,
    /// How many in a hundred take an address somebody else has.
    pub shared: u64,
    /// How many in a hundred carry the commonest tag; each next tag is rarer by a third.
    pub tagged: u64,
}

/// A customer nobody knows, number `i` of the book.
pub fn somebody(dice: &mut Dice, i: u64, rough: Roughness, now: DateTime<Utc>) -> Someone {
    let ago = |dice: &mut Dice, days: u64| now - Duration::days(dice.below(days).cast_signed());
    let name = format!("{} {}", dice.pick(&FIRST), dice.pick(&LAST));
    let created_at = ago(dice, 1500);
    let mut someone = Someone::new(&name, created_at);
    let owner = if i > 0 && dice.percent(rough.shared) {
        dice.below(i)
    } else {
        i
    };
    someone.email = Some(format!("Person{owner}@example.com"));
    if dice.percent(rough.trouble) {
        someone.email = None;
    }
    someone.email_valid = !dice.percent(rough.trouble / 2);
    someone.email_consent = match dice.below(100) {
        n if n < rough.trouble => "none",
        n if n < 2 * rough.trouble => "withdrawn",
        _ => "granted",
    };
    someone.phone = dice.percent(70).then(|| format!("+614{:08}", 10_000_000 + i));
    someone.archived = dice.percent(rough.trouble / 2);
    someone.do_not_contact = dice.percent(rough.trouble / 4);
    someone.bounced = dice.percent(rough.trouble);
    someone.complained = dice.percent(rough.trouble / 4);
    someone.birthday = dice
        .percent(60)
        .then(|| (1 + dice.below(12).cast_signed(), 1 + dice.below(28).cast_signed()));
    someone.anniversary = dice
        .percent(40)
        .then(|| (1 + dice.below(12).cast_signed(), 1 + dice.below(28).cast_signed()));
    if dice.percent(65) {
        someone.largest_purchase_cents = 1000 * (1 + dice.below(300).cast_signed());
        someone.spent_cents = someone.largest_purchase_cents * (1 + dice.below(4).cast_signed());
        someone.last_purchase_at = Some(ago(dice, 900));
    }
    if dice.percent(20) {
        someone.last_repair_at = Some(ago(dice, 700));
        someone.open_repairs = i64::from(dice.percent(30));
    }
    someone.last_visit_at = dice.percent(30).then(|| ago(dice, 600));
    someone.last_contacted_at = dice.percent(50).then(|| ago(dice, 300));
    let mut chance = rough.tagged;
    for tag in TAGS {
        if dice.percent(chance.max(1)) {
            someone.tags.push(tag.to_owned());
        }
        chance = chance * 2 / 3;
    }
    someone
}
