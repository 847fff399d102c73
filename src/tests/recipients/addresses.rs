//! For random lives of a book: nobody is counted, named or written down for mail at an address whose last
//! word is no. Held against a second book-keeping, in plain code.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use loupe::{
    consent::{
        link,
        model::{
            Channel,
            ConsentState::{self, Granted, None as Unsaid, Withdrawn},
            Source, Wish,
        },
        rules::change_by_staff,
    },
    customers::{
        agreement::Agreement,
        import::{Job, Mode, run_file},
        model::CustomerForm,
        queries, rules as customers,
    },
    error::AppError,
    on_db,
    recipients::{
        model::{RecipientFilter, SkipReason},
        rules,
    },
};

use super::{Outcome, outcome, partition::holds};
use crate::{
    both,
    support::{app::TestApp, books::Dice},
};

const STEPS: usize = 220;
const ADDRESSES: u64 = 5;
const FILE_IDS: u64 = 4;

#[derive(Clone, Debug)]
struct Person {
    name: String,
    address: Option<String>,
    state: ConsentState,
    complained: bool,
    archived: bool,
    /// Where their latest word came from.
    source: Option<Source>,
}

/// The last word of an address.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    no: bool,
    spam: bool,
    bounced: bool,
}

/// A link that was given out; with an address once its person has another one.
#[derive(Clone, Debug)]
struct Link {
    person: i64,
    of: Option<String>,
}

#[derive(Default)]
struct Model {
    people: BTreeMap<i64, Person>,
    by_file: BTreeMap<u64, i64>,
    said: BTreeMap<String, Said>,
    links: BTreeMap<String, Link>,
}

impl Model {
    fn said(&self, address: Option<&String>) -> Said {
        address.and_then(|a| self.said.get(a)).copied().unwrap_or_default()
    }

    fn at(&self, address: &str) -> Vec<i64> {
        let has = |p: &Person| p.address.as_deref() == Some(address);
        self.people.iter().filter(|(_, p)| has(p)).map(|(id, _)| *id).collect()
    }

    fn move_to(&mut self, id: i64, address: Option<String>) {
        let before = self.people[&id].address.clone();
        if before != address && before.is_some() {
            for link in self.links.values_mut().filter(|l| l.person == id && l.of.is_none()) {
                link.of.clone_from(&before);
            }
        }
        self.people.get_mut(&id).unwrap().address = address;
    }

    /// Somebody says something themselves.
    fn record(&mut self, id: i64, wish: Wish, source: Source) {
        let person = self.people.get_mut(&id).unwrap();
        let said = person.address.clone().map(|a| self.said.entry(a).or_default());
        let of_address = match (wish, said) {
            (_, None) => false,
            (Wish::Withdraw, Some(said)) => !std::mem::replace(&mut said.no, true),
            (Wish::Grant, Some(said)) => {
                std::mem::replace(&mut said.no, false) | std::mem::replace(&mut said.spam, false)
            }
        };
        let of_person = person.state != wish.state() || (wish == Wish::Grant && person.complained);
        person.state = wish.state();
        person.complained &= wish == Wish::Withdraw;
        if of_address || of_person {
            person.source = Some(source);
        }
    }

    fn unsubscribe(&mut self, token: &str) {
        let link = self.links[token].clone();
        let Some(address) = link.of.or_else(|| self.people[&link.person].address.clone()) else {
            return self.record(link.person, Wish::Withdraw, Source::Link);
        };
        self.said.entry(address.clone()).or_default().no = true;
        for id in self.at(&address) {
            self.record(id, Wish::Withdraw, Source::Link);
        }
    }

    fn subscribe_again(&mut self, token: &str) {
        let link = self.links[token].clone();
        let address = link.of.or_else(|| self.people[&link.person].address.clone());
        let said = address.as_ref().map(|a| self.said.entry(a.clone()).or_default());
        let is_news =
            said.is_some_and(|said| std::mem::replace(&mut said.no, false) | std::mem::replace(&mut said.spam, false));
        let people = address.map_or(vec![link.person], |a| self.at(&a));
        for id in people {
            let (p, is_owner) = (&self.people[&id], id == link.person);
            let has_left = p.state == Withdrawn && (is_owner || p.source == Some(Source::Link));
            if has_left || (is_owner && (is_news || p.complained)) {
                self.record(id, Wish::Grant, Source::Link);
            }
        }
    }

    /// A row of a file.
    fn read(&mut self, id: i64, address: &str, consent: &str) {
        let moved = self.people[&id].address.as_deref() != Some(address);
        self.move_to(id, Some(address.to_owned()));
        let said = self.said.entry(address.to_owned()).or_default();
        let person = self.people.get_mut(&id).unwrap();
        match consent {
            "no" => {
                let is_news = person.state != Withdrawn;
                said.no |= is_news || moved;
                person.state = Withdrawn;
                if is_news {
                    person.source = Some(Source::Import);
                }
            }
            "yes" => {
                let against = person.complained || person.state == Withdrawn || said.no || said.spam || said.bounced;
                if person.state != Granted && !against {
                    person.state = Granted;
                    person.source = Some(Source::Import);
                }
            }
            _ => {}
        }
    }

    /// What comes of everybody.
    fn outcome(&self, requires_opt_in: bool) -> Outcome {
        let mut taken = BTreeSet::new();
        let alone = |p: &Person| {
            let said = self.said(p.address.as_ref());
            match () {
                () if p.archived => Some(SkipReason::Archived),
                () if p.address.is_none() => Some(SkipReason::NoAddress),
                () if p.complained || said.spam => Some(SkipReason::Complained),
                () if p.state == Withdrawn || said.no => Some(SkipReason::Unsubscribed),
                () if p.state == Unsaid && requires_opt_in => Some(SkipReason::NoOptIn),
                () if said.bounced => Some(SkipReason::Bounced),
                () => None,
            }
        };
        self.people
            .iter()
            .map(|(id, p)| {
                let reason = alone(p).or_else(|| {
                    let first = taken.insert(p.address.clone());
                    (!first).then_some(SkipReason::DuplicateAddress)
                });
                (*id, reason)
            })
            .collect()
    }
}

fn address(dice: &mut Dice) -> String {
    format!("a{}@example.com", dice.below(ADDRESSES))
}

/// Somebody new by the form, who agreed or did not.
async fn add(app: &TestApp, model: &mut Model, dice: &mut Dice, step: usize) {
    let address = (!dice.percent(15)).then(|| address(dice));
    let form = CustomerForm {
        name: format!("Form {step}"),
        email: address.clone().unwrap_or_default(),
        ..CustomerForm::default()
    };
    let said = model.said(address.as_ref());
    let (agrees, is_asked) = (dice.percent(50), dice.percent(50));
    let since = address.as_deref().filter(|_| is_asked).unwrap_or_default();
    let agreed = agrees.then_some(Agreement { how: "card", since });
    let added = customers::add(app.db(), &app.store, "Priya Nair", &form, agreed, app.now()).await;
    if agrees && (said.no || said.spam) && !is_asked {
        assert!(matches!(added, Err(AppError::Invalid { .. })), "{added:?}");
        return;
    }
    let id = added.unwrap();
    let person = Person {
        name: form.name,
        address,
        state: Unsaid,
        complained: false,
        archived: false,
        source: None,
    };
    model.people.insert(id, person);
    if agrees {
        model.record(id, Wish::Grant, Source::Staff);
    }
}

async fn edit(app: &TestApp, model: &mut Model, dice: &mut Dice, id: i64) {
    let address = (!dice.percent(10)).then(|| address(dice));
    let form = CustomerForm {
        name: model.people[&id].name.clone(),
        email: address.clone().unwrap_or_default(),
        ..CustomerForm::default()
    };
    let before = queries::find(app.db(), app.store.id, id).await.unwrap().unwrap();
    let read_at = before.updated_at.timestamp_micros();
    customers::edit(app.db(), &app.store, "Priya Nair", id, read_at, &form, app.now())
        .await
        .unwrap();
    model.move_to(id, address);
}

async fn import(app: &TestApp, model: &mut Model, dice: &mut Dice) {
    let first = dice.below(FILE_IDS);
    let rows: Vec<(u64, String, &str)> = (0..=dice.below(3))
        .map(|n| ((first + n) % FILE_IDS, address(dice), *dice.pick(&["yes", "no", ""])))
        .collect();
    let lines: String = rows
        .iter()
        .map(|(n, address, consent)| format!("f{n},File {n},{address},{consent}\n"))
        .collect();
    let path = app.folder.path().join("rows.csv");
    std::fs::write(&path, format!("id,name,email,email consent\n{lines}")).unwrap();
    let job = Job {
        file_name: "rows.csv".to_owned(),
        path,
        mapping: None,
        mode: Mode::Apply,
        actor: "Priya Nair".to_owned(),
    };
    run_file(app.db(), &app.store, &job, &app.clock, None, |_| {})
        .await
        .unwrap();
    for (n, address, consent) in rows {
        let name = format!("File {n}");
        let id: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
            "select id from customers where name = $1"
        )
        .bind(&name)
        .fetch_one(pool)
        .await)
        .unwrap();
        if model.by_file.insert(n, id).is_none() {
            let person = Person {
                name,
                address: None,
                state: Unsaid,
                complained: false,
                archived: false,
                source: None,
            };
            model.people.insert(id, person);
        }
        model.read(id, &address, consent);
    }
}

/// Something that is noted of a person's address, or taken back.
async fn note(app: &TestApp, model: &mut Model, dice: &mut Dice, id: i64) {
    let (db, shop, now) = (app.db(), app.store.id, app.now());
    let address = model.people[&id].address.clone();
    match dice.below(4) {
        0 => {
            let mut tx = db.begin().await.unwrap();
            queries::note_bounce(&mut tx, shop, id, "no mailbox", now)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            if let Some(address) = address {
                model.said.entry(address).or_default().bounced = true;
            } else {
                // Nothing of nobody's: it is gone with the next address.
                customers::allow_again(db, shop, "Priya Nair", id, now).await.unwrap();
            }
        }
        1 => {
            customers::allow_again(db, shop, "Priya Nair", id, now).await.unwrap();
            if let Some(address) = address {
                model.said.entry(address).or_default().bounced = false;
            }
        }
        2 => {
            let mut tx = db.begin().await.unwrap();
            queries::note_complaint(&mut tx, shop, id, now).await.unwrap();
            tx.commit().await.unwrap();
            model.people.get_mut(&id).unwrap().complained = true;
            if let Some(address) = address {
                model.said.entry(address).or_default().spam = true;
            }
        }
        _ => {
            let archived = dice.percent(60);
            customers::archive(db, shop, "Priya Nair", id, archived, now)
                .await
                .unwrap();
            model.people.get_mut(&id).unwrap().archived = archived;
        }
    }
}

async fn step(app: &TestApp, model: &mut Model, dice: &mut Dice, n: usize) {
    let ids: Vec<i64> = model.people.keys().copied().collect();
    let tokens: Vec<String> = model.links.keys().cloned().collect();
    let what = dice.below(10);
    if ids.len() < 3 || (what == 0 && ids.len() < 12) {
        return add(app, model, dice, n).await;
    }
    let (id, token) = (*dice.pick(&ids), dice.pick(&tokens).clone());
    let wish = if dice.percent(60) { Wish::Grant } else { Wish::Withdraw };
    match what {
        0..=2 => edit(app, model, dice, id).await,
        3 | 4 => import(app, model, dice).await,
        5 => {
            link::unsubscribe(app.db(), &token, app.now()).await.unwrap();
            model.unsubscribe(&token);
        }
        6 => {
            link::subscribe_again(app.db(), &token, app.now()).await.unwrap();
            model.subscribe_again(&token);
        }
        7 | 8 => {
            let (db, shop) = (app.db(), app.store.id);
            change_by_staff(db, shop, "Priya Nair", id, Channel::Email, wish, "card", app.now())
                .await
                .unwrap();
            model.record(id, wish, Source::Staff);
        }
        _ => note(app, model, dice, id).await,
    }
}

both!(nobody_is_mailed_at_an_address_whose_last_word_is_no, |app| {
    let (mut model, mut dice) = (Model::default(), Dice(77));
    let mut reasons_seen = BTreeSet::new();
    for n in 0..STEPS {
        app.clock.set(app.now() + Duration::seconds(1));
        step(&app, &mut model, &mut dice, n).await;
        let tokens: Vec<(String, i64)> = on_db!(app.db(), |pool| sqlx::query_as(
            "select unsubscribe_token, id from customers where store_id = $1"
        )
        .bind(app.store.id)
        .fetch_all(pool)
        .await)
        .unwrap();
        for (token, person) in tokens {
            let link = model.links.entry(token).or_insert(Link { person, of: None });
            assert_eq!(
                (link.person, &link.of),
                (person, &None),
                "step {n}: a link that was given up"
            );
        }
        let mut scope = rules::scope(&app.store, app.now(), None);
        scope.requires_opt_in = dice.percent(50);
        let expected = model.outcome(scope.requires_opt_in);
        reasons_seen.extend(expected.values().flatten().copied());
        let found = outcome(&app, &scope, &RecipientFilter::All).await;
        assert_eq!(found, expected, "step {n}: {:?} {:?}", model.said, model.people);
        if n % 8 == 0 {
            holds(&app, &scope, &RecipientFilter::All, &expected).await;
        }
    }
    let retired = model.links.values().filter(|l| l.of.is_some()).count();
    assert!(retired > 20 && model.people.len() > 8, "{retired}");
    assert_eq!(reasons_seen.len(), 7, "{reasons_seen:?}");
});
