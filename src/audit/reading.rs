//! Lines of the log as people read them.

use super::queries::Line;

/// One thing that changed: what, from, to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub what: String,
    pub before: String,
    pub after: String,
}

/// `Campaign sent` for `campaign.sent`.
pub fn action_words(action: &str) -> String {
    sentence(action)
}

/// What a line compares, field by field; empty when it compares nothing.
pub fn differences(line: &Line) -> Vec<Difference> {
    let object = |text: &Option<String>| {
        text.as_deref()
            .and_then(|t| serde_json::from_str::<serde_json::Value>(t).ok())
            .unwrap_or_default()
    };
    let (before, after) = (object(&line.before), object(&line.after));
    let mut keys: Vec<&String> = Vec::new();
    for side in [&before, &after] {
        for key in side.as_object().into_iter().flat_map(|o| o.keys()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    if keys.is_empty() && !(before.is_null() && after.is_null()) {
        return vec![Difference {
            what: "Value".to_owned(),
            before: value_words(Some(&before)),
            after: value_words(Some(&after)),
        }];
    }
    keys.into_iter()
        .map(|key| Difference {
            what: sentence(key),
            before: value_words(before.get(key)),
            after: value_words(after.get(key)),
        })
        .collect()
}

fn sentence(key: &str) -> String {
    let words = key.replace(['.', '_', '-'], " ");
    let mut chars = words.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn value_words(value: Option<&serde_json::Value>) -> String {
    match value {
        None | Some(serde_json::Value::Null) => "nothing".to_owned(),
        Some(serde_json::Value::Bool(true)) => "yes".to_owned(),
        Some(serde_json::Value::Bool(false)) => "no".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_field_by_field() {
        let line = Line {
            id: 1,
            actor: "Priya".to_owned(),
            action: "store.sending_changed".to_owned(),
            subject: "store".to_owned(),
            subject_id: Some(1),
            summary: String::new(),
            before: Some(r#"{"from_name":"Aurelia","opt_in":true}"#.to_owned()),
            after: Some(r#"{"from_name":"Aurelia Sydney","opt_in":false,"reason":"known"}"#.to_owned()),
            happened_at: chrono::DateTime::UNIX_EPOCH,
        };
        assert_eq!(action_words(&line.action), "Store sending changed");
        let said: Vec<_> = differences(&line)
            .into_iter()
            .map(|d| format!("{}: {} → {}", d.what, d.before, d.after))
            .collect();
        assert_eq!(
            said,
            [
                "From name: Aurelia → Aurelia Sydney",
                "Opt in: yes → no",
                "Reason: nothing → known"
            ]
        );
        let nothing = Line {
            before: None,
            after: None,
            ..line
        };
        assert!(differences(&nothing).is_empty());
    }
}
