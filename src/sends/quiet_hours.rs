//! Quiet hours: whoever makes something go out again in them is asked first, unless they were told
//! that customers may be asleep. Nothing is moved for it, and nothing held back.

use super::queries::SendRecord;
use crate::{context::ctx::Ctx, error::AppError, paths::encode};

/// What somebody pressed, as the question keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumeAction {
    /// Goes on after a pause.
    Resume,
    /// Goes on with what had stopped by itself.
    GoOn,
    /// Sends once more what was never answered, to one person or all of them.
    Again { message: Option<i64>, token: String },
}

impl ResumeAction {
    /// From the address of the question.
    pub fn asked(what: &str, message: &str, token: &str) -> Option<Self> {
        match what {
            "resume" => Some(ResumeAction::Resume),
            "go-on" => Some(ResumeAction::GoOn),
            "again" => Some(ResumeAction::Again {
                message: message.parse().ok(),
                token: token.to_owned(),
            }),
            _ => None,
        }
    }

    /// The address of the question about a send.
    fn question(&self, send: &SendRecord) -> String {
        let (what, about) = match self {
            ResumeAction::Resume => ("resume", String::new()),
            ResumeAction::GoOn => ("go-on", String::new()),
            ResumeAction::Again { message, token } => {
                let message = message.map(|id| format!("&message={id}")).unwrap_or_default();
                ("again", format!("{message}&token={}", encode(token)))
            }
        };
        format!("/sends/{}/quiet-hours?what={what}{about}", send.id)
    }
}

/// Where it is asked first; nothing when they were told, or when nobody sleeps.
pub(crate) async fn asks_first(
    ctx: &Ctx,
    send: &SendRecord,
    action: &ResumeAction,
    quiet_hours_confirmed: bool,
) -> Result<Option<String>, AppError> {
    let store = ctx.shop().await?;
    Ok((store.in_quiet_hours(ctx.now) && !quiet_hours_confirmed).then(|| action.question(send)))
}
