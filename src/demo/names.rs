//! Invented names, as a Sydney jeweller's book holds them.

use super::dice::Dice;

/// First and last names that are given together.
struct Origin {
    /// How many of a hundred customers.
    share: i64,
    first: &'static [&'static str],
    last: &'static [&'static str],
}

const ORIGINS: [Origin; 18] = [
    Origin {
        share: 26,
        first: &[
            "Charlotte",
            "Olivia",
            "Amelia",
            "Isla",
            "Grace",
            "Harriet",
            "Matilda",
            "Ruby",
            "Eleanor",
            "Georgia",
            "Jack",
            "Oliver",
            "William",
            "Thomas",
            "Henry",
            "Angus",
            "Callum",
            "Hamish",
            "Lachlan",
            "Archie",
            "Margaret",
            "Judith",
            "Beverley",
            "Ross",
            "Graham",
            "Trevor",
            "Kylie",
            "Shane",
            "Narelle",
            "Bronwyn",
        ],
        last: &[
            "Whitford",
            "Ashcroft",
            "Hartley",
            "Pemberton",
            "Langdon",
            "Mercer",
            "Kingsley",
            "Thornbury",
            "Wakefield",
            "Barrow",
            "Colville",
            "Drummond",
            "Fairweather",
            "Galloway",
            "Holloway",
            "Ingram",
            "Kendrick",
            "Lockwood",
            "McAllister",
            "Northcott",
            "Oakley",
            "Prescott",
            "Rutherford",
            "Sinclair",
            "Trescott",
            "Winslow",
        ],
    },
    Origin {
        share: 7,
        first: &[
            "Aoife", "Niamh", "Siobhán", "Róisín", "Ciarán", "Eoin", "Pádraig", "Maeve", "Declan", "Sinéad",
        ],
        last: &[
            "O’Brien",
            "Donnelly",
            "Byrne",
            "Gallagher",
            "O’Sullivan",
            "Kavanagh",
            "Doyle",
            "Ó Dálaigh",
        ],
    },
    Origin {
        share: 8,
        first: &[
            "Giulia",
            "Chiara",
            "Francesca",
            "Alessia",
            "Niccolò",
            "Matteo",
            "Lorenzo",
            "Rosaria",
            "Carmelo",
            "Salvatore",
        ],
        last: &[
            "Ferraro",
            "De Luca",
            "Esposito",
            "Bianchi",
            "Calabrò",
            "D’Angelo",
            "Marchetti",
            "Rizzo",
            "Lo Presti",
        ],
    },
    Origin {
        share: 7,
        first: &[
            "Eleni", "Sofia", "Katerina", "Despina", "Nikos", "Yiannis", "Dimitri", "Stavros", "Vasiliki", "Theo",
        ],
        last: &[
            "Papadopoulos",
            "Kostas",
            "Georgiou",
            "Stavropoulos",
            "Nikolaidis",
            "Economou",
            "Vlahos",
        ],
    },
    Origin {
        share: 9,
        first: &[
            "Mei", "Jia Yi", "Xin", "Wei", "Jun", "Hui Min", "Li Na", "Zhen", "Yifan", "Siyu",
        ],
        last: &[
            "Chen", "Wang", "Zhang", "Lin", "Huang", "Zhao", "Lü", "Xu", "Liang", "Guo",
        ],
    },
    Origin {
        share: 7,
        first: &[
            "Linh", "Thảo", "Ngọc", "Hương", "Minh", "Tuấn", "Đức", "Quỳnh", "Trang", "Bảo",
        ],
        last: &["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Đặng", "Võ", "Bùi"],
    },
    Origin {
        share: 8,
        first: &[
            "Priyanka", "Ananya", "Kavya", "Meera", "Arjun", "Rohan", "Vikram", "Lakshmi", "Sanjay", "Divya",
        ],
        last: &[
            "Sharma",
            "Iyer",
            "Patel",
            "Reddy",
            "Kapoor",
            "Nair",
            "Banerjee",
            "Gill",
            "Desai",
            "Subramaniam",
        ],
    },
    Origin {
        share: 6,
        first: &[
            "Layla",
            "Nour",
            "Yasmin",
            "Rania",
            "Karim",
            "Elias",
            "Samir",
            "Hana",
            "Charbel",
            "Georgette",
        ],
        last: &[
            "Haddad",
            "Khoury",
            "Mansour",
            "Nasser",
            "Saab",
            "El-Khoury",
            "Boutros",
            "Rahme",
        ],
    },
    Origin {
        share: 4,
        first: &[
            "Zofia",
            "Małgorzata",
            "Łukasz",
            "Tomáš",
            "Kateřina",
            "Jiří",
            "Agnieszka",
            "Wojciech",
        ],
        last: &[
            "Kowalczyk",
            "Wójcik",
            "Dvořák",
            "Nováková",
            "Zieliński",
            "Svoboda",
            "Jabłoński",
        ],
    },
    Origin {
        share: 4,
        first: &[
            "Astrid",
            "Søren",
            "Björn",
            "Anneliese",
            "Jürgen",
            "Freja",
            "Åsa",
            "Matthias",
        ],
        last: &[
            "Lindqvist",
            "Sørensen",
            "Müller",
            "Schröder",
            "Åberg",
            "Weiß",
            "Nygård",
            "Köhler",
        ],
    },
    Origin {
        share: 4,
        first: &[
            "Valentina",
            "Camila",
            "Joaquín",
            "Inês",
            "João",
            "Lucía",
            "Mateo",
            "Beatriz",
        ],
        last: &[
            "Muñoz",
            "Peña",
            "Gonçalves",
            "Álvarez",
            "Ibáñez",
            "Conceição",
            "Herrera",
            "Núñez",
        ],
    },
    Origin {
        share: 3,
        first: &["Chloé", "Élodie", "Mathieu", "Noémie", "François", "Anaïs"],
        last: &["Lefèvre", "Beaumont", "Dubois", "Garçon", "Lévesque"],
    },
    Origin {
        share: 2,
        first: &["Ji-woo", "Min-jun", "Soo-ah", "Seo-yeon", "Hye-jin"],
        last: &["Kim", "Park", "Choi", "Yoon", "Kang"],
    },
    Origin {
        share: 2,
        first: &["Haruka", "Kenji", "Yūko", "Shō", "Emi"],
        last: &["Tanaka", "Satō", "Ōno", "Mori", "Itō"],
    },
    Origin {
        share: 2,
        first: &["Chidinma", "Kwame", "Adaeze", "Thandiwe", "Tendai"],
        last: &["Okonkwo", "Mensah", "Dlamini", "Adeyemi", "Eze"],
    },
    Origin {
        share: 2,
        first: &["Sefa", "Mele", "Aroha", "Tāne", "Sione"],
        last: &["Tupou", "Fa‘alogo", "Ngata", "Taufa", "Pōtae"],
    },
    Origin {
        share: 1,
        first: &["Elif", "Çağla", "Ayşe", "Gökhan"],
        last: &["Yıldız", "Öztürk", "Şahin"],
    },
    Origin {
        share: 1,
        first: &["Dušan", "Željka", "Branislava", "Mirjana"],
        last: &["Petrović", "Đorđević", "Kovačević"],
    },
];

/// A few who write their names in their own letters, with how an address spells them.
const OWN_LETTERS: [(&str, &str, &str); 8] = [
    ("雅婷", "林", "yating.lin"),
    ("Ελένη", "Παπαδοπούλου", "eleni.papadopoulou"),
    ("Олена", "Шевченко", "olena.shevchenko"),
    ("سارة", "حداد", "sara.haddad"),
    ("नेहा", "वर्मा", "neha.varma"),
    ("지은", "박", "jieun.park"),
    ("נועה", "לוי", "noa.levi"),
    ("さくら", "佐藤", "sakura.sato"),
];

/// A name, and the part of an address before the @.
#[derive(Clone, Debug)]
pub struct Name {
    pub first: String,
    pub last: String,
    pub mailbox: String,
}

/// Somebody's name.
pub fn name(dice: &mut Dice) -> Name {
    if dice.permille(9)
        && let Some((first, last, mailbox)) = dice.pick(&OWN_LETTERS)
    {
        return Name {
            first: (*first).to_owned(),
            last: (*last).to_owned(),
            mailbox: (*mailbox).to_owned(),
        };
    }
    let mut throw = dice.between(1, 100);
    let mut chosen = &ORIGINS[0];
    for origin in &ORIGINS {
        chosen = origin;
        throw -= origin.share;
        if throw <= 0 {
            break;
        }
    }
    let first = dice.pick(chosen.first).copied().unwrap_or("Alex");
    let last = dice.pick(chosen.last).copied().unwrap_or("Marsh");
    of(first, last)
}

/// A name of one's choice.
pub fn of(first: &str, last: &str) -> Name {
    Name {
        first: first.to_owned(),
        last: last.to_owned(),
        mailbox: format!("{}.{}", plain(first), plain(last)),
    }
}

/// A first name alone, for partners.
pub fn first_name(dice: &mut Dice) -> String {
    name(dice).first
}

/// Letters as addresses spell them.
fn plain(text: &str) -> String {
    text.chars()
        .filter_map(|c| {
            let c = c.to_lowercase().next().unwrap_or(c);
            Some(match c {
                'a'..='z' | '0'..='9' => c,
                'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ả' | 'ạ' | 'ă' | 'ầ' | 'ấ' | 'ặ' => 'a',
                'ç' | 'č' | 'ć' => 'c',
                'đ' => 'd',
                'é' | 'è' | 'ê' | 'ë' | 'ě' | 'ễ' | 'ế' => 'e',
                'ğ' => 'g',
                'í' | 'î' | 'ï' | 'ı' => 'i',
                'ł' => 'l',
                'ñ' | 'ń' => 'n',
                'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ọ' | 'ơ' => 'o',
                'ř' => 'r',
                'ş' | 'š' | 'ß' => 's',
                'ú' | 'ü' | 'ū' | 'ù' | 'ư' => 'u',
                'ý' | 'ỳ' => 'y',
                'ž' => 'z',
                _ => return None,
            })
        })
        .collect()
}
