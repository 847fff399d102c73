//! The page around a body: one column, no tables, readable in light and dark, and the store's
//! footer with the way out.

use super::{
    body::Body,
    clean::escape_html,
    pieces::{Part, Pieces, Slot},
};

const STYLE: &str = "<style>:root{color-scheme:light dark;supported-color-schemes:light dark}\
@media (prefers-color-scheme:dark){\
.page{background:#131210!important}.sheet{background:#1b1a17!important;color:#f4f0e8!important}\
.link,.out{color:#a5c3ef!important}.button{background:#efe6d2!important;color:#1b1917!important}\
.foot{color:#a79f91!important;border-color:#35322c!important}}</style>";

/// The whole HTML document. `subject` must hold plain text.
pub(super) fn html(body: &Pieces, subject: &Pieces, store_name: &str, footer: &str, lang: &str) -> Pieces {
    let mut page = Pieces::default();
    page.push_same("<!doctype html>\n<html lang=\"");
    page.push_same(&escaped(lang));
    page.push_same(
        "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"supported-color-schemes\" content=\"light dark\">\n<title>",
    );
    for part in subject.parts() {
        match part {
            Part::Same(text) => page.push_same(&escaped(text)),
            Part::Own(slot) => page.push_own(*slot),
        }
    }
    page.push_same("</title>\n");
    page.push_same(STYLE);
    page.push_same(
        "\n</head>\n<body class=\"page\" style=\"margin:0;padding:0;background:#faf8f4\">\n\
         <div class=\"sheet\" style=\"max-width:600px;margin:0 auto;padding:28px 24px;background:#ffffff;color:#1b1917;\
         font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.55;\
         overflow-wrap:break-word\">\n",
    );
    page.extend(body);
    page.push_same(
        "\n<div class=\"foot\" dir=\"auto\" style=\"margin:32px 0 0;padding:16px 0 0;border-top:1px solid #e4dfd5;\
         font-size:13px;line-height:1.5;color:#696359\">\n",
    );
    let lines: Vec<String> = footer_lines(store_name, footer).into_iter().map(escaped).collect();
    page.push_same(&lines.join("<br>\n"));
    page.push_same("<br>\n<a class=\"out\" style=\"color:#1d4479\" href=\"");
    page.push_own(Slot::Unsubscribe);
    page.push_same("\">Unsubscribe</a>\n</div>\n</div>\n</body>\n</html>\n");
    page
}

/// The whole plain text.
pub(super) fn text(body: &Body, store_name: &str, footer: &str) -> Pieces {
    let mut page = Pieces::default();
    page.extend(&body.text);
    page.push_same("\n\n-- \n");
    page.push_same(&footer_lines(store_name, footer).join("\n"));
    page.push_same("\nUnsubscribe: ");
    page.push_own(Slot::Unsubscribe);
    page.push_same("\n");
    page
}

/// The store's name first, unless its footer already starts with it.
fn footer_lines<'a>(store_name: &'a str, footer: &'a str) -> Vec<&'a str> {
    let lines = footer.lines().map(str::trim).filter(|line| !line.is_empty());
    let named = footer.trim_start().starts_with(store_name);
    let name = (!named && !store_name.is_empty()).then_some(store_name);
    name.into_iter().chain(lines).collect()
}

fn escaped(text: impl AsRef<str>) -> String {
    let mut out = String::new();
    escape_html(text.as_ref(), &mut out);
    out
}
