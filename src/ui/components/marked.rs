//! A text with personal fields as people read it: never with braces. Each field is a quiet chip.

use leptos::prelude::*;

use crate::rendering::Field;

/// The text, its `{{first_name}}` a chip that says "first name". Other braces stay as they are typed.
#[component]
pub fn Marked(#[prop(into)] text: String) -> impl IntoView {
    pieces(&text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.into_any(),
            Piece::Field(field) => view! { <span class="blank">{field.label().to_lowercase()}</span> }.into_any(),
        })
        .collect_view()
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Field),
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        plain.push_str(before);
        let field = after
            .split_once("}}")
            .and_then(|(key, behind)| Some((Field::from_key(key.trim())?, behind)));
        match field {
            Some((field, behind)) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Field(field));
                rest = behind;
            }
            None => {
                plain.push_str("{{");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_chips_and_nothing_is_lost() {
        let text = |words: &str| Piece::Text(words.to_owned());
        assert_eq!(
            pieces("Dear {{first_name}}, {{ last_name }}!"),
            [
                text("Dear "),
                Piece::Field(Field::FirstName),
                text(", "),
                Piece::Field(Field::LastName),
                text("!")
            ]
        );
        assert_eq!(pieces("{{nobody}} {{ {{"), [text("{{nobody}} {{ {{")]);
        assert_eq!(pieces(""), []);
    }
}
