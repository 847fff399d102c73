//! Text as HTML, for the two places the framework does not escape by itself: the title and text
//! areas, which it would also litter with markers. Nothing else may use `inner_html`.

/// Escapes text for use inside an element.
pub fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + 16);
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
