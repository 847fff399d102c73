//! The style sheet's colours, held against the contrast that reading them needs (WCAG 2.2).

use std::collections::HashMap;

const STYLE: &str = include_str!("../../../style/main.css");

/// Red, green, blue, 0 to 255.
type Colour = [u8; 3];

/// Every colour token: in daylight, at night.
fn pairs() -> HashMap<&'static str, (Colour, Colour)> {
    STYLE
        .lines()
        .filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("--")?.split_once(": light-dark(#")?;
            let (light, dark) = value.strip_suffix(");")?.split_once(", #")?;
            Some((name, (colour(light), colour(dark))))
        })
        .collect()
}

fn colour(hex: &str) -> Colour {
    let bytes = hex::decode(hex).expect("six hexadecimal digits");
    bytes.try_into().expect("three channels")
}

fn luminance(colour: Colour) -> f64 {
    let [r, g, b] = colour.map(|channel| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Colour, b: Colour) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Ink, paper, and the least contrast by day and by night: what the design was computed with.
const NEEDED: [(&str, &str, f64, f64); 30] = [
    ("ink", "bg", 16.4, 16.4),
    ("ink", "surface", 17.4, 15.2),
    ("ink-2", "bg", 8.7, 11.2),
    ("ink-2", "surface", 9.3, 10.4),
    ("ink-3", "bg", 5.5, 7.0),
    ("ink-3", "surface", 5.9, 6.5),
    ("ink-3", "sunken", 5.1, 7.0),
    ("line-strong", "bg", 3.4, 4.6),
    ("line-strong", "surface", 3.6, 4.3),
    ("primary-ink", "primary", 16.3, 14.0),
    ("primary-ink", "primary-hover", 11.6, 16.7),
    ("link", "bg", 9.1, 10.3),
    ("link", "surface", 9.6, 9.6),
    ("focus", "bg", 9.1, 10.3),
    ("gold", "bg", 3.3, 8.2),
    ("gold", "surface", 3.5, 7.6),
    ("gold-ink", "bg", 5.8, 10.5),
    ("gold-ink", "surface", 6.2, 9.7),
    ("emerald", "emerald-bg", 7.3, 8.6),
    ("sapphire", "sapphire-bg", 8.3, 7.9),
    ("citrine", "citrine-bg", 6.3, 8.7),
    ("garnet", "garnet-bg", 6.8, 8.0),
    ("amethyst", "amethyst-bg", 7.5, 8.5),
    ("stone", "stone-bg", 7.6, 8.6),
    // Words on a banner, hints on a chosen row, errors on the page.
    ("ink", "citrine-bg", 7.0, 7.0),
    ("ink", "garnet-bg", 7.0, 7.0),
    ("ink-2", "sapphire-bg", 7.0, 7.0),
    ("garnet", "bg", 7.0, 7.0),
    ("garnet", "surface", 7.0, 7.0),
    ("surface", "garnet", 7.0, 7.0),
];

#[test]
fn every_ink_can_be_read_on_its_paper_by_day_and_by_night() {
    let pairs = pairs();
    for (ink, paper, by_day, by_night) in NEEDED {
        let ((ink_day, ink_night), (paper_day, paper_night)) = (pairs[ink], pairs[paper]);
        let day = contrast(ink_day, paper_day);
        let night = contrast(ink_night, paper_night);
        assert!(day >= by_day, "{ink} on {paper} by day: {day:.2}, needs {by_day}");
        assert!(
            night >= by_night,
            "{ink} on {paper} at night: {night:.2}, needs {by_night}"
        );
    }
}

#[test]
fn browsers_that_know_only_daylight_get_the_same_daylight() {
    let (_, fallback) = STYLE
        .split_once("@supports not (color: light-dark(")
        .expect("a fallback");
    let (fallback, _) = fallback.split_once("@layer").expect("the next layer");
    for (name, (day, _)) in pairs() {
        let line = format!("--{name}: #{};", hex::encode_upper(day));
        assert!(fallback.contains(&line), "the fallback lacks {line}");
    }
}

#[test]
fn the_style_sheet_uses_no_token_that_it_does_not_have() {
    let declared = |name: &str| STYLE.contains(&format!("--{name}:"));
    for used in STYLE.split("var(--").skip(1) {
        let name = used.split([')', ',']).next().unwrap_or_default();
        assert!(declared(name), "--{name} is used and not declared");
    }
}

#[test]
fn no_rule_animates_for_those_who_asked_for_stillness() {
    let (_, still) = STYLE
        .split_once("@media (prefers-reduced-motion: reduce)")
        .expect("a rule for stillness");
    assert!(still.contains("animation: none !important"));
}
