use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{super::problem::MOST_PROBLEMS, *};

const OUT: &str = "https://loupe.example.com/u/abc";

fn try_compile(subject: &str, body: &str) -> Result<Compiled, Vec<TemplateProblem>> {
    let fallbacks = BTreeMap::from([("first_name".to_owned(), "fri<end>".to_owned())]);
    compile(Source {
        subject,
        body,
        fallbacks: &fallbacks,
        store_name: "Aurelia & Co",
        footer: "12 George St\nSydney",
        signature: "Mia <3\nAurelia",
        lang: "en-AU",
    })
}

fn compiled(subject: &str, body: &str) -> Compiled {
    match try_compile(subject, body) {
        Ok(compiled) => compiled,
        Err(problems) => panic!("{problems:?}"),
    }
}

fn person<'a>(first_name: &'a str, last_name: &'a str) -> Person<'a> {
    Person {
        first_name,
        last_name,
        next_anniversary: "12 June",
        unsubscribe_url: OUT,
    }
}

fn rendered(body: &str, first_name: &str) -> Rendered {
    compiled("Hello", body).render(&person(first_name, "Okafor"))
}

/// The part of the page that the body became.
fn middle(html: &str) -> &str {
    let start = html
        .find("break-word\">\n")
        .map_or(0, |at| at + "break-word\">\n".len());
    let end = html.find("\n<div class=\"foot\"").unwrap_or(html.len());
    html.get(start..end).unwrap_or_default()
}

fn kinds(subject: &str, body: &str) -> Vec<(Place, usize, usize, ProblemKind)> {
    let problems = try_compile(subject, body).err().unwrap_or_default();
    problems
        .into_iter()
        .map(|p| (p.place, p.line, p.column, p.kind))
        .collect()
}

#[test]
fn a_letter_reads_well_in_both_forms() {
    let body = "# Happy anniversary\n\nDear {{first_name}},\nit is **soon**: *{{next_anniversary}}*.\n\n- one\n- two\n\n\
                1. first\n2. second\n\n[Look](https://shop.example.com/a?b=1&c=2) or \
                [button: Book a time](https://shop.example.com)\n\n![A ring](https://img.example.com/r.jpg)\n\n{{staff_signature}}";
    let message = rendered(body, "Amara");
    assert_eq!(
        message.text,
        "Happy anniversary\n\nDear Amara,\nit is soon: 12 June.\n\n- one\n- two\n\n1. first\n2. second\n\n\
         Look (https://shop.example.com/a?b=1&c=2) or Book a time: https://shop.example.com\n\n[A ring]\n\n\
         Mia <3\nAurelia\n\n-- \nAurelia & Co\n12 George St\nSydney\nUnsubscribe: https://loupe.example.com/u/abc\n"
    );
    let html = middle(&message.html);
    for part in [
        ">Happy anniversary</h1>",
        ">Dear Amara,<br>it is <strong>soon</strong>: <em>12 June</em>.</p>",
        ">one</li>",
        "href=\"https://shop.example.com/a?b=1&amp;c=2\"",
        ">Book a time</a>",
        "alt=\"A ring\">",
        "Mia &lt;3<br>Aurelia",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(message.html.contains("<html lang=\"en-AU\">") && message.html.contains("Aurelia &amp; Co<br>"));
    assert!(
        message
            .html
            .contains("href=\"https://loupe.example.com/u/abc\">Unsubscribe</a>")
    );
}

#[test]
fn nested_lists_and_quotations_keep_their_shape_in_plain_text() {
    let message = rendered("- one\n  - inner\n- two\n\n> said\n> twice\n\nend", "A");
    assert!(
        message
            .text
            .starts_with("- one\n  - inner\n- two\n\n> said\n> twice\n\nend\n\n-- \n"),
        "{}",
        message.text
    );
    let loose = rendered("1. one\n\n   more\n\n2. two", "A");
    assert!(
        loose.text.starts_with("1. one\n\n  more\n2. two\n\n-- "),
        "{}",
        loose.text
    );
}

#[test]
fn a_name_is_only_ever_a_name() {
    for name in [
        "<img src=x onerror=alert(1)>",
        "**Bob**",
        "{{last_name}}",
        "[x](javascript:1)",
        "\" onclick=\"x",
        "&lt;",
        "# T",
    ] {
        let message = rendered(
            "Dear {{first_name}}, ![for {{first_name}}](https://i.example.com/a.png)",
            name,
        );
        assert!(
            message.text.starts_with(&format!("Dear {name}, [for {name}]")),
            "{}",
            message.text
        );
        let mut escaped = String::new();
        escape_html(name, &mut escaped);
        let html = middle(&message.html);
        assert!(
            html.contains(&format!(">Dear {escaped}, <img")) && html.contains(&format!("alt=\"for {escaped}\">")),
            "{html}"
        );
        let subject = compiled("For {{first_name}}", "x").subject_for(&person(name, ""));
        assert_eq!(subject, format!("For {name}"));
    }
}

#[test]
fn a_blank_field_reads_its_fallback_escaped() {
    let message = compiled("Hi {{first_name}}", "Dear {{first_name}} {{last_name}}!").render(&person(" \u{200b}", ""));
    assert_eq!(message.subject, "Hi fri<end>");
    assert!(message.text.starts_with("Dear fri<end> !"), "{}", message.text);
    assert!(
        message.html.contains("Dear fri&lt;end&gt; !") && message.html.contains("<title>Hi fri&lt;end&gt;</title>")
    );
}

#[test]
fn html_is_shown_as_text() {
    for body in [
        "<script>alert(1)</script>",
        "a <b>c</b> <img src=x onerror=y> d",
        "<div onclick=x>\nhi\n</div>",
        "<!-- x -->",
        "    <b>indented</b>",
    ] {
        let message = rendered(body, "A");
        let html = middle(&message.html);
        assert!(
            !html.contains("<script")
                && !html.contains("<b>")
                && !html.contains("<img")
                && !html.contains("<div")
                && !html.contains("<!--"),
            "{html}"
        );
        let first = body.trim().lines().next().unwrap_or_default();
        assert!(message.text.starts_with(first), "{} starts with {first}", message.text);
    }
}

#[test]
fn only_safe_addresses_become_links() {
    let wrong = kinds(
        "x",
        "ok\n\n[a](javascript:alert(1)) [b](//x.example.com) [c](www.example.com)\n![d](http://x.example.com/a.png) <data:text/html,x>",
    );
    assert_eq!(
        wrong,
        vec![
            (Place::Body, 3, 1, ProblemKind::Link("javascript:alert(1)".to_owned())),
            (Place::Body, 3, 26, ProblemKind::Link("//x.example.com".to_owned())),
            (Place::Body, 3, 47, ProblemKind::Link("www.example.com".to_owned())),
            (
                Place::Body,
                4,
                1,
                ProblemKind::Picture("http://x.example.com/a.png".to_owned())
            ),
            (Place::Body, 4, 34, ProblemKind::Link("data:text/html,x".to_owned())),
        ]
    );
    let message = rendered(
        "[m](mailto:hi@example.com) [t](tel:+61290000000) <hi@example.com> [q](https://x.example.com/\"é)",
        "A",
    );
    assert!(
        message.text.starts_with(
            "m (mailto:hi@example.com) t (tel:+61290000000) hi@example.com q (https://x.example.com/%22%C3%A9)"
        ),
        "{}",
        message.text
    );
}

#[test]
fn problems_of_both_texts_are_listed_together_in_order() {
    let found = kinds(
        "Hi {{name}}",
        "Dear {{first_name}}, {{x}}\n[a](https://x.example.com/{{first_name}})",
    );
    assert_eq!(
        found,
        vec![
            (Place::Subject, 1, 4, ProblemKind::UnknownField("name".to_owned())),
            (Place::Body, 1, 22, ProblemKind::UnknownField("x".to_owned())),
            (Place::Body, 2, 1, ProblemKind::FieldInAddress),
        ]
    );
    let words = TemplateProblem {
        place: Place::Body,
        line: 1,
        column: 2,
        kind: ProblemKind::UnknownField("x".into()),
    }
    .to_string();
    assert!(
        words.starts_with("Line 1, column 2: There is no personal field {{x}}. Use {{first_name}}, {{last_name}}"),
        "{words}"
    );
}

#[test]
fn a_reference_to_a_mark_is_not_a_field() {
    let message = rendered("a&#xFDD0;b \u{fdd0} &amp; &copy;", "SECRET");
    assert!(message.text.starts_with("ab  & ©"), "{}", message.text);
}

#[test]
fn used_fields_and_blanks_are_told() {
    let compiled = compiled("{{last_name}}", "{{first_name}} {{store_name}}");
    let used: Vec<_> = compiled
        .used_fields()
        .iter()
        .map(|u| (u.field, u.fallback.as_str(), u.in_subject))
        .collect();
    assert_eq!(
        used,
        vec![
            (Field::FirstName, "fri<end>", false),
            (Field::LastName, "", true),
            (Field::StoreName, "", false)
        ]
    );
    assert_eq!(compiled.blanks(&person("", "Okafor")), vec![Field::FirstName]);
    assert_eq!(compiled.blanks(&person("Amara", " ")), vec![Field::LastName]);
}

#[test]
fn a_subject_is_one_line_of_bounded_length() {
    let long = "é".repeat(400);
    let subject = compiled("A\r\nB\u{202e} {{first_name}} {{last_name}}", "x").subject_for(&person(&long, &long));
    assert_eq!(subject.chars().count(), 250);
    assert!(subject.starts_with("A B é"), "{subject}");
    assert_eq!(kinds(&"x".repeat(251), "x").len(), 1);
    assert_eq!(kinds("x", &"x".repeat(100_001)).len(), 1);
    assert!(compiled("", "").render(&person("", "")).text.contains("Unsubscribe"));
}

#[test]
fn of_many_problems_the_first_are_listed() {
    for body in [
        "{{".repeat(49_000),
        "}}".repeat(49_000),
        "{{no_such_field}}\n".repeat(5_000),
        "[x](no:where) ".repeat(7_000),
    ] {
        let problems = try_compile("x", &body).err().unwrap_or_default();
        assert_eq!(problems.len(), MOST_PROBLEMS);
        assert!(problems.is_sorted_by_key(|p| (p.line, p.column)));
    }
}

#[test]
fn quotations_and_lists_go_only_so_deep_into_each_other() {
    for mark in ["> ", "- ", "* ", "1. ", "12) ", "> - ", "> 1. - ", ">"] {
        let deep = format!("Hello\n\n{}words", mark.repeat(10_000));
        let found = (Place::Body, 3, 1, ProblemKind::TooDeep(12));
        assert_eq!(kinds("x", &deep), [found], "{mark}");
    }
    for fine in [
        "> ".repeat(12) + "words",
        "1. ".repeat(12) + "words",
        "- ".repeat(40),
        "* ".repeat(40) + "\n\nwords",
        "---".repeat(40),
        "+1 -1 *x* 1.5 >".repeat(40),
        "x > ".repeat(40),
    ] {
        assert_eq!(kinds("x", &fine), [], "{fine}");
    }
}

proptest! {
    #[test]
    fn any_name_is_shown_as_text_and_adds_no_tag(first in any::<String>(), last in "\\PC{0,40}") {
        let compiled = compiled("{{first_name}} {{last_name}}", "**{{first_name}}**\n\n- {{last_name}}");
        let one = compiled.render(&person(&first, &last));
        let other = compiled.render(&person("A", "B"));
        prop_assert_eq!(one.html.matches('<').count(), other.html.matches('<').count());
        prop_assert_eq!(one.html.matches('"').count(), other.html.matches('"').count());
        prop_assert!(one.text.contains(clean_line(&last).as_ref()));
        prop_assert!(!one.subject.chars().any(char::is_control));
        prop_assert!(!one.text.contains(['\r', '\0']));
    }

    #[test]
    fn any_body_compiles_or_says_where_it_is_wrong(body in "[ \\n*_#`<>&;:/{}\\[\\]()!a-z0-9é.-]{0,120}") {
        match try_compile("x", &body) {
            Ok(compiled) => {
                let html = compiled.render(&person("A", "B")).html;
                let html = middle(&html);
                for tag in html.split('<').skip(1) {
                    let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                    prop_assert!(["p", "br", "h1", "h2", "h3", "em", "strong", "ul", "ol", "li", "a", "img", "hr", "blockquote"].contains(&name.as_str()), "{} in {}", name, html);
                }
            }
            Err(problems) => prop_assert!(problems.iter().all(|p| p.line >= 1 && p.line <= body.lines().count().max(1) + 1)),
        }
    }
}
