//! What readers and mail programs take amiss in a text. Worth a look, never a reason to refuse.

use super::model::{Check, CheckStatus};

/// Addresses that hide where a link goes; spam filters count them against the sender.
const SHORTENERS: [&str; 9] = [
    "bit.ly",
    "buff.ly",
    "cutt.ly",
    "goo.gl",
    "is.gd",
    "ow.ly",
    "rebrand.ly",
    "t.co",
    "tinyurl.com",
];
/// More exclamation marks than this read as shouting.
const MOST_MARKS: usize = 3;

/// Everything worth a look in a subject and a body.
pub fn remarks(subject: &str, body: &str) -> Vec<Check> {
    let mut remarks = Vec::new();
    let mut say = |words: String, field: &str| remarks.push(Check::new(CheckStatus::Review, words, Some(field)));
    if is_shouted(subject) {
        say("The subject is all in capitals".to_owned(), "subject");
    }
    match subject.matches('!').count() + without_pictures(body).matches('!').count() {
        n if n > MOST_MARKS => say(format!("There are {n} exclamation marks"), "body"),
        _ => {}
    }
    match pictures_without_words(body) {
        0 => {}
        1 => say(
            "1 picture has no description, for those who don't see it".to_owned(),
            "body",
        ),
        n => say(
            format!("{n} pictures have no description, for those who don't see them"),
            "body",
        ),
    }
    for host in SHORTENERS.into_iter().filter(|host| links_to(body, host)) {
        say(
            format!("A link by {host} hides where it leads: use the whole address"),
            "body",
        );
    }
    remarks
}

/// Several letters, none of them small. Personal fields don't count.
fn is_shouted(subject: &str) -> bool {
    let mut said = String::new();
    for part in subject.split("{{") {
        said.push_str(part.split_once("}}").map_or(part, |(_, after)| after));
    }
    let letters = said.chars().filter(|c| c.is_alphabetic()).count();
    letters > 4 && !said.chars().any(char::is_lowercase) && said.chars().any(char::is_uppercase)
}

/// The `!` that begins a picture is none that shouts.
fn without_pictures(body: &str) -> String {
    body.replace("![", "[")
}

fn pictures_without_words(body: &str) -> usize {
    body.split("![")
        .skip(1)
        .filter(|rest| {
            rest.split_once(']')
                .is_some_and(|(words, after)| words.trim().is_empty() && after.starts_with('('))
        })
        .count()
}

fn links_to(body: &str, host: &str) -> bool {
    body.to_lowercase()
        .split("://")
        .skip(1)
        .map(|rest| rest.strip_prefix("www.").unwrap_or(rest))
        .any(|rest| {
            rest.strip_prefix(host)
                .is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '.' || c == '-'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(subject: &str, body: &str) -> Vec<String> {
        remarks(subject, body).into_iter().map(|check| check.words).collect()
    }

    #[test]
    fn a_quiet_message_has_no_remarks() {
        let body =
            "Dear {{first_name}}!\n\n![The ring](https://example.com/a.jpg)\n\nhttps://at.company.example.com/t.co";
        assert_eq!(words("A quiet hour, {{first_name}}", body), Vec::<String>::new());
        assert_eq!(words("VIP, {{first_name}}", "Come."), Vec::<String>::new());
    }

    #[test]
    fn what_reads_as_noise_is_remarked_upon() {
        let body = "Now!! Today!\n![ ](https://example.com/a.jpg)\nhttps://bit.ly/x and http://www.T.co/y";
        assert_eq!(
            words("SALE TODAY!", body),
            [
                "The subject is all in capitals",
                "There are 4 exclamation marks",
                "1 picture has no description, for those who don't see it",
                "A link by bit.ly hides where it leads: use the whole address",
                "A link by t.co hides where it leads: use the whole address",
            ]
        );
    }
}
