//! The demo's 1,240 people.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{
    dice::Dice,
    moments::Calendar,
    names::{self, Name},
    phones,
    pieces::{self, Piece},
};

/// How many customers the demo store has.
pub const PEOPLE: usize = 1_240;
const SEED: u64 = 0x4C6F_7570_6531;

/// A day of the year, with its first year where somebody told it.
pub type Yearly = (i64, i64, Option<i64>);

/// What somebody said about marketing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Nothing,
    Yes(DateTime<Utc>),
    /// Agreed, then withdrew.
    No(DateTime<Utc>, DateTime<Utc>),
}

/// One sale.
#[derive(Clone, Debug)]
pub struct Purchase {
    pub what: &'static str,
    pub cents: i64,
    pub at: DateTime<Utc>,
}

/// One repair; open while it has no end.
#[derive(Clone, Debug)]
pub struct Repair {
    pub what: &'static str,
    pub opened: DateTime<Utc>,
    pub closed: Option<DateTime<Utc>>,
}

/// One customer.
#[derive(Clone, Debug)]
pub struct Person {
    pub external_id: Option<String>,
    pub name: String,
    pub first: String,
    pub last: String,
    pub email: Option<String>,
    pub email_valid: bool,
    /// As typed, in the national form.
    pub phone: Option<String>,
    pub vip: bool,
    pub birthday: Option<Yearly>,
    pub partner: String,
    pub partner_birthday: Option<(i64, i64)>,
    pub anniversary: Option<Yearly>,
    pub notes: &'static str,
    pub said_email: Said,
    pub said_whatsapp: Said,
    pub do_not_contact: bool,
    pub archived: Option<DateTime<Utc>>,
    pub complained: Option<DateTime<Utc>>,
    /// The mailbox is closed: the first message to it comes back.
    pub closed_mailbox: bool,
    pub bounced: Option<(DateTime<Utc>, &'static str)>,
    pub tags: BTreeSet<&'static str>,
    pub purchases: Vec<Purchase>,
    pub repairs: Vec<Repair>,
    pub last_visit: Option<DateTime<Utc>>,
    pub last_contacted: Option<DateTime<Utc>>,
    pub joined: DateTime<Utc>,
}

impl Person {
    pub fn email_key(&self) -> Option<String> {
        self.email.as_ref().map(|e| e.to_lowercase())
    }

    /// `+61255500123` for `(02) 5550 0123`.
    pub fn phone_e164(&self) -> Option<String> {
        self.phone.as_ref().map(|typed| {
            let digits: String = typed.chars().filter(char::is_ascii_digit).skip(1).collect();
            format!("+61{digits}")
        })
    }
}

/// Why somebody comes to the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bent {
    Couple,
    Gifts,
    Collector,
    Watches,
    Repairs,
    Looking,
}

/// Everyone, in the order they are written down.
pub fn everyone(calendar: &Calendar) -> Vec<Person> {
    let mut dice = Dice::new(SEED);
    let mut taken = HashMap::new();
    let mut people = Vec::with_capacity(PEOPLE);
    people.push(amara(calendar, &mut dice, &mut taken));
    while people.len() < PEOPLE {
        let person = somebody(people.len(), calendar, &mut dice, &mut taken);
        // Couples who share one address are two customers.
        let shared = dice.permille(45) && person.email.is_some() && !person.partner.is_empty();
        let twin = shared.then(|| other_half(people.len() + 1, &person, calendar, &mut dice));
        people.push(person);
        if let Some(twin) = twin.filter(|_| people.len() < PEOPLE) {
            people.push(twin);
        }
    }
    people
}

/// The customer the manual speaks of.
fn amara(calendar: &Calendar, dice: &mut Dice, taken: &mut HashMap<String, i64>) -> Person {
    let mut person = plain(0, &names::of("Amara", "Okafor"), calendar.at(900, 11, 20), taken, dice);
    person.phone = Some("0491 570 006".to_owned());
    person.vip = true;
    person.tags.extend(["collectors", "opals"]);
    person.notes = "Collects opals from Lightning Ridge.";
    person.said_email = Said::Yes(person.joined);
    person.birthday = Some((5, 14, Some(1979)));
    for (days, (what, least, _)) in [(640, pieces::COLLECTOR[0]), (210, pieces::COLLECTOR[2])] {
        let at = calendar.at(days, 14, 5);
        person.purchases.push(Purchase {
            what,
            cents: least * 100,
            at,
        });
    }
    person
}

fn somebody(n: usize, calendar: &Calendar, dice: &mut Dice, taken: &mut HashMap<String, i64>) -> Person {
    let name = names::name(dice);
    let days = if dice.percent(4) {
        dice.between(1, 28)
    } else {
        dice.between(32, 2_300)
    };
    let joined = calendar.shop_hours(days, dice);
    let mut person = plain(n, &name, joined, taken, dice);
    let bent = match dice.between(1, 100) {
        1..=34 => Bent::Couple,
        35..=56 => Bent::Gifts,
        57..=63 => Bent::Collector,
        64..=73 => Bent::Watches,
        74..=88 => Bent::Repairs,
        _ => Bent::Looking,
    };
    live(&mut person, bent, days, calendar, dice);
    speak(&mut person, days, calendar, dice);
    mishaps(&mut person, days, calendar, dice);
    person
}

/// Name, address and phone.
fn plain(n: usize, name: &Name, joined: DateTime<Utc>, taken: &mut HashMap<String, i64>, dice: &mut Dice) -> Person {
    let times = taken.entry(name.mailbox.clone()).or_insert(0);
    *times += 1;
    let mailbox = match *times {
        1 => name.mailbox.clone(),
        more => format!("{}{more}", name.mailbox),
    };
    let host = dice.pick(&[
        "example.com",
        "example.com",
        "mail.example.com",
        "home.example.com",
        "post.example.com",
    ]);
    let titled = n > 0 && dice.permille(15);
    let (whole, first) = if titled {
        let title = if dice.percent(60) { "Mrs" } else { "Dr" };
        (format!("{title} {}", name.last), String::new())
    } else {
        (format!("{} {}", name.first, name.last), name.first.clone())
    };
    Person {
        external_id: dice.percent(60).then(|| format!("AUR-{:05}", 10_000 + n)),
        name: whole,
        first,
        last: name.last.clone(),
        email: Some(format!("{mailbox}@{}", host.copied().unwrap_or("example.com"))),
        email_valid: true,
        phone: None,
        vip: false,
        birthday: None,
        partner: String::new(),
        partner_birthday: None,
        anniversary: None,
        notes: "",
        said_email: Said::Nothing,
        said_whatsapp: Said::Nothing,
        do_not_contact: false,
        archived: None,
        complained: None,
        closed_mailbox: false,
        bounced: None,
        tags: BTreeSet::new(),
        purchases: Vec::new(),
        repairs: Vec::new(),
        last_visit: None,
        last_contacted: None,
        joined,
    }
}

/// What they bought and had mended since they came, and what the shop knows of them.
fn live(person: &mut Person, bent: Bent, days: i64, calendar: &Calendar, dice: &mut Dice) {
    let buy = |person: &mut Person, dice: &mut Dice, from: &[Piece], ago: i64| {
        let Some((what, least, most)) = dice.pick(from) else {
            return;
        };
        let cents = (dice.between(*least, *most) / 5 * 5) * 100;
        let at = calendar.shop_hours(ago.clamp(1, days), dice).max(person.joined);
        person.purchases.push(Purchase { what, cents, at });
        let what = what.to_lowercase();
        for (word, tag) in [("pearl", "pearls"), ("opal", "opals"), ("watch", "watches")] {
            if what.contains(word) {
                person.tags.insert(tag);
            }
        }
    };
    let some_day = |dice: &mut Dice| dice.between(1, days);
    match bent {
        Bent::Couple => {
            let engaged = some_day(dice);
            person.partner = names::first_name(dice);
            if dice.percent(70) {
                buy(person, dice, &pieces::ENGAGEMENT, engaged);
                person.tags.insert("engagement");
            }
            if dice.percent(60) {
                let wed = (engaged - dice.between(90, 420)).max(1);
                buy(person, dice, &pieces::WEDDING, wed);
                person.tags.insert("wedding");
                person.anniversary = Some(some_yearly(dice, calendar, 0, 6, 80));
            }
            if dice.percent(20) {
                person.tags.insert("bespoke");
            }
        }
        Bent::Gifts => {
            for _ in 0..dice.between(1, 4) {
                let ago = some_day(dice);
                buy(person, dice, &pieces::GIFTS, ago);
            }
        }
        Bent::Collector => {
            person.tags.insert("collectors");
            person.vip = dice.percent(45);
            for _ in 0..dice.between(2, 7) {
                let ago = some_day(dice);
                buy(person, dice, &pieces::COLLECTOR, ago);
            }
        }
        Bent::Watches => {
            person.tags.insert("watches");
            for _ in 0..dice.between(1, 3) {
                let ago = some_day(dice);
                buy(person, dice, &pieces::WATCHES, ago);
            }
        }
        Bent::Repairs => {
            person.tags.insert("repairs");
            if dice.percent(35) {
                let ago = some_day(dice);
                buy(person, dice, &pieces::GIFTS, ago);
            }
        }
        Bent::Looking => {}
    }
    let repairs = match bent {
        Bent::Repairs => dice.between(1, 3),
        Bent::Looking => 0,
        _ => i64::from(dice.percent(9)),
    };
    for _ in 0..repairs {
        mend(person, days, calendar, dice);
    }
    if dice.percent(15) {
        person.last_visit = Some(
            calendar
                .shop_hours(dice.between(1, days.min(400)), dice)
                .max(person.joined),
        );
    }
    if dice.percent(62) {
        person.birthday = Some(some_yearly(dice, calendar, 22, 78, 65));
    }
    if person.partner.is_empty() && dice.percent(18) {
        person.partner = names::first_name(dice);
        if dice.percent(60) {
            person.anniversary = Some(some_yearly(dice, calendar, 1, 45, 70));
        }
    }
    if !person.partner.is_empty() && dice.percent(30) {
        let (month, day, _) = some_yearly(dice, calendar, 22, 78, 0);
        person.partner_birthday = Some((month, day));
    }
    if dice.percent(16) {
        person.notes = dice.pick(&pieces::NOTES).copied().unwrap_or_default();
    }
    person.purchases.sort_by_key(|p| p.at);
}

fn mend(person: &mut Person, days: i64, calendar: &Calendar, dice: &mut Dice) {
    let Some(what) = dice.pick(&pieces::REPAIRS) else {
        return;
    };
    // Some are on the bench now.
    let open = dice.percent(9);
    let ago = if open {
        dice.between(1, days.min(20))
    } else {
        dice.between(1, days)
    };
    let opened = calendar.shop_hours(ago, dice).max(person.joined);
    let took = dice.between(2, 16);
    let closed = (!open && ago > took).then(|| calendar.shop_hours(ago - took, dice));
    person.repairs.push(Repair { what, opened, closed });
}

/// A day of the year, so many years back; the year is known in so many of a hundred cases.
fn some_yearly(dice: &mut Dice, calendar: &Calendar, least: i64, most: i64, known: i64) -> Yearly {
    let (month, day) = (dice.between(1, 12), dice.between(1, 28));
    let year = calendar.year(dice.between(least.max(1), most));
    (month, day, dice.percent(known).then_some(year))
}

/// How they can be reached and what they agreed to.
fn speak(person: &mut Person, days: i64, calendar: &Calendar, dice: &mut Dice) {
    if dice.percent(84) {
        person.phone = Some(phones::number(dice));
    }
    if dice.percent(8) {
        person.email = None;
    } else if dice.permille(9) {
        person.email = person.email.take().map(|e| e.replace('@', "."));
        person.email_valid = false;
    }
    person.said_email = match (person.email.is_some(), dice.between(1, 100)) {
        (false, _) => Said::Nothing,
        (true, 1..=77) => Said::Yes(person.joined),
        (true, 78..=84) => {
            let left = calendar.shop_hours(dice.between(0, days), dice).max(person.joined);
            Said::No(person.joined, left)
        }
        (true, _) => Said::Nothing,
    };
    if person.phone.is_some() && dice.percent(22) {
        person.said_whatsapp = Said::Yes(person.joined);
    }
}

/// The rare things every book holds.
fn mishaps(person: &mut Person, days: i64, calendar: &Calendar, dice: &mut Dice) {
    person.closed_mailbox = person.email.is_some() && person.email_valid && dice.percent(3);
    if dice.permille(8) {
        person.do_not_contact = true;
    }
    if days > 400 && dice.permille(14) {
        person.archived = Some(calendar.shop_hours(dice.between(20, 300), dice));
    }
    if days > 60 && matches!(person.said_email, Said::Yes(_)) && dice.permille(4) {
        person.complained = Some(calendar.shop_hours(dice.between(1, 50), dice));
    }
}

/// The other half of a couple, at the same address.
fn other_half(n: usize, person: &Person, calendar: &Calendar, dice: &mut Dice) -> Person {
    let mut other = plain(
        n,
        &names::of(&person.partner, &person.last),
        person.joined,
        &mut HashMap::new(),
        dice,
    );
    other.email.clone_from(&person.email);
    other.email_valid = person.email_valid;
    other.phone.clone_from(&person.phone);
    other.partner = if person.first.is_empty() {
        person.last.clone()
    } else {
        person.first.clone()
    };
    other.anniversary = person.anniversary;
    other.said_email = person.said_email;
    other.tags.clone_from(&person.tags);
    if dice.percent(50) {
        other.birthday = Some(some_yearly(dice, calendar, 22, 78, 65));
    }
    other
}
