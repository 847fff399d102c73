//! The address of a page of results, with what narrows it.

use crate::paths;

/// Its path, and what stays in the address whatever else is asked for.
#[derive(Clone, Debug, Default)]
pub struct Address {
    path: String,
    kept: Vec<(&'static str, String)>,
}

impl Address {
    pub fn new(path: String) -> Self {
        Self { path, kept: Vec::new() }
    }

    /// Of one go of several.
    pub fn of_go(path: String, go: i64) -> Self {
        Self {
            path,
            kept: vec![("go", go.to_string())],
        }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// What stays, for forms and pages of a list.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        self.kept.clone()
    }

    /// The same page with these things asked for, at this place on it.
    pub fn with(&self, asked: &[(&str, &str)], place: &str) -> String {
        let kept = self.kept.iter().map(|(name, value)| (*name, value.as_str()));
        let pairs: Vec<String> = kept
            .chain(asked.iter().copied())
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", paths::encode(value)))
            .collect();
        let joint = if pairs.is_empty() { "" } else { "?" };
        format!("{}{joint}{}#{place}", self.path, pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn what_stays_comes_first_and_nothing_is_left_empty() {
        let one = Address::of_go("/marketing/campaigns/3".to_owned(), 7);
        assert_eq!(
            one.with(&[("show", "failed"), ("page", "")], "people"),
            "/marketing/campaigns/3?go=7&show=failed#people"
        );
        assert_eq!(Address::new("/x".to_owned()).with(&[], "people"), "/x#people");
    }
}
