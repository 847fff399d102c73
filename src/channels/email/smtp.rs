//! SMTP.
#[derive(Clone, Debug)]
pub struct Account;
#[derive(Debug, thiserror::Error)]
#[error("not an SMTP address")]
pub struct AccountProblem;
impl std::str::FromStr for Account {
    type Err = AccountProblem;
    fn from_str(s: &str) -> Result<Self, AccountProblem> {
        if s.starts_with("smtp") {
            Ok(Account)
        } else {
            Err(AccountProblem)
        }
    }
}
