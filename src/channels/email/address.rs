//! An e-mail address.
#[derive(Clone, Debug)]
pub struct EmailAddress(String);
#[derive(Debug, thiserror::Error)]
#[error("not an address")]
pub struct AddressProblem;
impl EmailAddress {
    pub fn parse(text: &str) -> Result<Self, AddressProblem> {
        if text.contains('@') {
            Ok(Self(text.trim().to_owned()))
        } else {
            Err(AddressProblem)
        }
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub fn normalised(&self) -> String {
        self.0.to_lowercase()
    }
}
