//! Markdown-lite to the middle of a page and to plain text, both at once, gaps kept.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{
    clean::escape_html,
    field::Field,
    link::{is_bare_mail, percent_encoded, starts_with_scheme, without_button},
    marks::{Marked, field_of, is_mark},
    pieces::{Pieces, Slot},
    problem::{Place, ProblemKind, TemplateProblem},
};

const P: &str = "<p dir=\"auto\" style=\"margin:0 0 16px\">";
const LINK: &str = "color:#1d4479;text-decoration:underline";
const BUTTON: &str = "display:inline-block;padding:12px 22px;border-radius:8px;background:#1b1917;color:#fbf7ee;\
                      font-weight:600;text-decoration:none";
const PICTURE: &str = "display:block;max-width:100%;height:auto;border:0;border-radius:8px";

/// Quotations and lists in each other, at most.
const DEEPEST: usize = 12;

/// Where a line begins more quotations and lists in each other than anybody reads. Looked for before
/// Markdown does: what it takes for them grows faster than their number.
fn too_deep(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if nesting(line) > DEEPEST {
            return Some(start);
        }
        start += line.len();
    }
    None
}

/// The marks of quotations and lists that a line begins with.
fn nesting(line: &str) -> usize {
    let mut depth = 0;
    let mut rest = line.trim_start();
    while depth <= DEEPEST && !is_rule(rest) {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let after = match rest.get(digits..).and_then(|rest| rest.chars().next()) {
            Some('>') if digits == 0 => rest.get(1..),
            Some('-' | '*' | '+') if digits == 0 => rest.get(1..).filter(|after| after.starts_with([' ', '\n'])),
            Some('.' | ')') if digits > 0 => rest.get(digits + 1..).filter(|after| after.starts_with([' ', '\n'])),
            _ => None,
        };
        let Some(after) = after else { break };
        depth += 1;
        rest = after.trim_start();
    }
    depth
}

/// A line across, which may be drawn with the mark of a list.
fn is_rule(rest: &str) -> bool {
    ['-', '*'].iter().any(|mark| {
        rest.chars().filter(|c| c == mark).count() >= 3 && rest.chars().all(|c| c == *mark || c.is_whitespace())
    })
}

/// What a body became.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub html: Pieces,
    pub text: Pieces,
}

/// Renders a marked body. `same_for_all` gives the words of a field that nobody has of their own.
pub(super) fn render(
    typed: &str,
    marked: &Marked,
    same_for_all: &dyn Fn(Field) -> String,
    problems: &mut Vec<TemplateProblem>,
) -> Body {
    if let Some(at) = too_deep(&marked.text) {
        let kind = ProblemKind::TooDeep(DEEPEST);
        Place::Body.note(problems, typed, marked.typed_offset(at), kind);
        return Body::default();
    }
    let events: Vec<(Event<'_>, Range<usize>)> = Parser::new_ext(&marked.text, Options::empty())
        .into_offset_iter()
        .collect();
    let mut writer = Writer {
        typed,
        marked,
        same_for_all,
        problems,
        body: Body::default(),
        gap: 0,
        prefix: String::new(),
        lists: Vec::new(),
        fresh_bullet: false,
        link: None,
        pictures: 0,
    };
    for (at, (event, range)) in events.iter().enumerate() {
        let next = events.get(at + 1).map(|(event, _)| event);
        writer.event(event, range, next);
    }
    writer.body
}

struct Link {
    address: String,
    label: String,
    /// The word that makes it a button has still to be taken off its label.
    is_button: bool,
    trim: bool,
}

struct Writer<'a> {
    typed: &'a str,
    marked: &'a Marked,
    same_for_all: &'a dyn Fn(Field) -> String,
    problems: &'a mut Vec<TemplateProblem>,
    body: Body,
    /// Line ends the plain text owes before its next words.
    gap: usize,
    /// What each new line of the plain text starts with.
    prefix: String,
    lists: Vec<Option<u64>>,
    fresh_bullet: bool,
    link: Option<Link>,
    /// Open pictures: inside one, text is its description.
    pictures: usize,
}

impl Writer<'_> {
    fn event(&mut self, event: &Event<'_>, range: &Range<usize>, next: Option<&Event<'_>>) {
        match event {
            Event::Start(tag) => self.start(tag, range, next),
            Event::End(tag) => self.end(*tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.source_text(text, range),
            Event::Code(text) => {
                self.words("`");
                self.words(text);
                self.words("`");
            }
            Event::SoftBreak | Event::HardBreak => self.line_break(),
            Event::Rule => {
                self.html("<hr style=\"border:0;border-top:1px solid #e4dfd5;margin:24px 0\">");
                self.block(2);
                self.plain("---");
                self.block(2);
            }
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => self.words(text),
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: &Range<usize>, next: Option<&Event<'_>>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.open_block(P),
            Tag::CodeBlock(kind) => {
                self.open_block(P);
                // Not a form of ours: the words stay, the marks around them go.
                if let CodeBlockKind::Fenced(info) = kind
                    && !info.is_empty()
                {
                    self.words(info);
                    self.line_break();
                }
            }
            Tag::Heading { level, .. } => self.open_block(match level {
                HeadingLevel::H1 => {
                    "<h1 dir=\"auto\" style=\"margin:0 0 16px;font-size:26px;line-height:1.25;font-weight:600\">"
                }
                HeadingLevel::H2 => {
                    "<h2 dir=\"auto\" style=\"margin:8px 0 12px;font-size:21px;line-height:1.3;font-weight:600\">"
                }
                _ => "<h3 dir=\"auto\" style=\"margin:8px 0 8px;font-size:17px;line-height:1.4;font-weight:600\">",
            }),
            Tag::BlockQuote(_) => {
                self.open_block(
                    "<blockquote style=\"margin:0 0 16px;padding:0 0 0 16px;border-left:3px solid #a5823f\">",
                );
                self.prefix.push_str("> ");
            }
            Tag::List(start) => {
                self.block(if self.lists.is_empty() { 2 } else { 1 });
                self.lists.push(*start);
                let first = start.unwrap_or(1);
                match (start, first) {
                    (None, _) => self.html("<ul style=\"margin:0 0 16px;padding:0 0 0 24px\">"),
                    (Some(_), 1) => self.html("<ol style=\"margin:0 0 16px;padding:0 0 0 24px\">"),
                    (Some(_), n) => self.html(&format!(
                        "<ol start=\"{n}\" style=\"margin:0 0 16px;padding:0 0 0 24px\">"
                    )),
                }
            }
            Tag::Item => {
                self.html("<li dir=\"auto\" style=\"margin:0 0 6px\">");
                self.block(1);
                let bullet = match self.lists.last_mut() {
                    Some(Some(n)) => {
                        *n += 1;
                        format!("{}. ", *n - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.plain(&bullet);
                self.prefix.push_str("  ");
                self.fresh_bullet = true;
            }
            Tag::Emphasis => self.html("<em>"),
            Tag::Strong => self.html("<strong>"),
            Tag::Link { dest_url, .. } => self.open_link(dest_url, range, next),
            Tag::Image { dest_url, .. } => self.open_picture(dest_url, range),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::CodeBlock => self.close_block("</p>"),
            TagEnd::Heading(level) => self.close_block(match level {
                HeadingLevel::H1 => "</h1>",
                HeadingLevel::H2 => "</h2>",
                _ => "</h3>",
            }),
            TagEnd::BlockQuote(_) => {
                self.prefix.truncate(self.prefix.len().saturating_sub(2));
                self.close_block("</blockquote>");
            }
            TagEnd::List(ordered) => {
                self.lists.pop();
                self.close_block(if ordered { "</ol>" } else { "</ul>" });
            }
            TagEnd::Item => {
                self.prefix.truncate(self.prefix.len().saturating_sub(2));
                self.fresh_bullet = false;
                self.gap = self.gap.min(1);
                self.close_item();
            }
            TagEnd::Emphasis => self.html("</em>"),
            TagEnd::Strong => self.html("</strong>"),
            TagEnd::Link => self.close_link(),
            TagEnd::Image => self.close_picture(),
            _ => {}
        }
    }

    fn close_item(&mut self) {
        self.html("</li>");
        self.block(1);
    }

    fn open_block(&mut self, tag: &str) {
        self.html(tag);
        if !std::mem::take(&mut self.fresh_bullet) {
            self.block(2);
        }
    }

    fn close_block(&mut self, tag: &str) {
        self.html(tag);
        self.block(2);
    }

    fn open_link(&mut self, address: &str, range: &Range<usize>, next: Option<&Event<'_>>) {
        let address = self.address(
            address,
            range,
            &["https://", "http://", "mailto:", "tel:"],
            ProblemKind::Link,
        );
        let is_button = matches!(next, Some(Event::Text(text)) if without_button(text).is_some());
        let mut tag = "<a href=\"".to_owned();
        escape_html(&address, &mut tag);
        tag.push_str(if is_button {
            "\" class=\"button\" style=\""
        } else {
            "\" class=\"link\" style=\""
        });
        tag.push_str(if is_button { BUTTON } else { LINK });
        tag.push_str("\">");
        self.html(&tag);
        self.link = Some(Link {
            address,
            label: String::new(),
            is_button,
            trim: is_button,
        });
    }

    fn close_link(&mut self) {
        self.html("</a>");
        let Some(link) = self.link.take() else { return };
        let said = link
            .address
            .strip_prefix("mailto:")
            .or(link.address.strip_prefix("tel:"))
            .unwrap_or(&link.address);
        if link.label == link.address || link.label == said {
            return;
        }
        if link.is_button {
            self.plain(&format!(": {}", link.address));
        } else {
            self.plain(&format!(" ({})", link.address));
        }
    }

    fn open_picture(&mut self, address: &str, range: &Range<usize>) {
        let address = self.address(address, range, &["https://"], ProblemKind::Picture);
        if self.pictures == 0 {
            let mut tag = "<img src=\"".to_owned();
            escape_html(&address, &mut tag);
            tag.push_str("\" style=\"");
            tag.push_str(PICTURE);
            tag.push_str("\" alt=\"");
            self.body.html.push_same(&tag);
            self.plain("[");
        }
        self.pictures += 1;
    }

    fn close_picture(&mut self) {
        self.pictures = self.pictures.saturating_sub(1);
        if self.pictures == 0 {
            self.html("\">");
            self.plain("]");
        }
    }

    /// The address in a form that is safe in an attribute and in plain text, or a problem.
    fn address(
        &mut self,
        address: &str,
        range: &Range<usize>,
        schemes: &[&str],
        wrong: impl Fn(String) -> ProblemKind,
    ) -> String {
        let kind = if address.contains(is_mark) {
            ProblemKind::FieldInAddress
        } else if schemes.iter().any(|scheme| starts_with_scheme(address, scheme)) {
            return percent_encoded(address);
        } else if is_bare_mail(address) && schemes.contains(&"mailto:") {
            return format!("mailto:{}", percent_encoded(address));
        } else {
            wrong(address.chars().take(80).collect())
        };
        let place = self.marked.typed_offset(range.start);
        Place::Body.note(self.problems, self.typed, place, kind);
        String::new()
    }

    /// Text of the source: marks in it are fields, unless Markdown made them from a `&#…;`.
    fn source_text(&mut self, text: &str, range: &Range<usize>) {
        let is_verbatim = self
            .marked
            .text
            .get(range.clone())
            .is_some_and(|source| source.contains(text));
        if is_verbatim || !text.contains(is_mark) {
            self.words(text);
        } else {
            self.words(&text.replace(is_mark, ""));
        }
    }

    /// Words for a reader, with marks and line ends in them.
    fn words(&mut self, text: &str) {
        let mut text = text;
        if let Some(link) = self.link.as_mut().filter(|link| link.trim) {
            link.trim = false;
            text = without_button(text).unwrap_or(text);
        }
        let mut run = String::new();
        for c in text.chars() {
            if let Some(field) = field_of(c) {
                self.run(&std::mem::take(&mut run));
                self.field(field);
            } else if c == '\n' {
                self.run(&std::mem::take(&mut run));
                self.line_break();
            } else if !is_mark(c) {
                run.push(c);
            }
        }
        self.run(&run);
    }

    fn run(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(link) = &mut self.link {
            link.label.push_str(text);
        }
        let mut escaped = String::with_capacity(text.len() + 16);
        escape_html(text, &mut escaped);
        self.body.html.push_same(&escaped);
        self.plain(text);
    }

    fn field(&mut self, field: Field) {
        match Slot::of(field) {
            Some(slot) => {
                self.body.html.push_own(slot);
                self.flush();
                self.body.text.push_own(slot);
                if let Some(link) = &mut self.link {
                    link.label.push('\u{fffd}');
                }
            }
            None => {
                let value = (self.same_for_all)(field);
                for (at, line) in value.split('\n').enumerate() {
                    if at > 0 {
                        self.line_break();
                    }
                    self.run(line);
                }
            }
        }
    }

    fn line_break(&mut self) {
        if self.pictures > 0 {
            self.run(" ");
            return;
        }
        self.html("<br>");
        self.gap = self.gap.max(1);
    }

    /// Markup: none inside a picture's description.
    fn html(&mut self, markup: &str) {
        if self.pictures == 0 {
            self.body.html.push_same(markup);
        }
    }

    /// Plain-text words, after whatever line ends are owed.
    fn plain(&mut self, text: &str) {
        self.flush();
        self.fresh_bullet = false;
        self.body.text.push_same(text);
    }

    fn flush(&mut self) {
        let owed = std::mem::take(&mut self.gap);
        if self.body.text.is_empty() {
            self.body.text.push_same(&self.prefix);
            return;
        }
        for n in 0..owed {
            self.body.text.push_same("\n");
            if n + 1 == owed {
                self.body.text.push_same(&self.prefix);
            }
        }
    }

    fn block(&mut self, lines: usize) {
        self.gap = self.gap.max(lines);
    }
}
