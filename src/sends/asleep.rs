//! Quiet hours: whoever makes something go out again in them is asked first, unless they were told
//! that customers may be asleep. Nothing is moved for it, and nothing held back.

use super::store::Send;
use crate::{auth::guard::Ctx, error::AppError, ui::links::encode};

/// What somebody pressed, as the question keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Goes on after a pause.
    Resume,
    /// Goes on with what had stopped by itself.
    GoOn,
    /// Sends once more what was never answered, to one person or all of them.
    Again { message: Option<i64>, token: String },
}

impl Deed {
    /// From the address of the question.
    pub fn asked(what: &str, message: &str, token: &str) -> Option<Self> {
        match what {
            "resume" => Some(Deed::Resume),
            "go-on" => Some(Deed::GoOn),
            "again" => Some(Deed::Again {
                message: message.parse().ok(),
                token: token.to_owned(),
            }),
            _ => None,
        }
    }

    /// The address of the question about a send.
    fn question(&self, send: &Send) -> String {
        let (what, about) = match self {
            Deed::Resume => ("resume", String::new()),
            Deed::GoOn => ("go-on", String::new()),
            Deed::Again { message, token } => {
                let message = message.map(|id| format!("&message={id}")).unwrap_or_default();
                ("again", format!("{message}&token={}", encode(token)))
            }
        };
        format!("/sends/{}/asleep?what={what}{about}", send.id)
    }
}

/// Where it is asked first; nothing when they were told, or when nobody sleeps.
pub(super) async fn asks_first(
    ctx: &Ctx,
    send: &Send,
    deed: &Deed,
    told_quiet: bool,
) -> Result<Option<String>, AppError> {
    let store = ctx.shop().await?;
    Ok((store.in_quiet_hours(ctx.now) && !told_quiet).then(|| deed.question(send)))
}
