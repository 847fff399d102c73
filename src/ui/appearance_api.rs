//! Daylight, night, or as the device is.

use leptos::prelude::*;
use leptos::server_fn::codec::PostUrl;

use crate::{
    context::{actor::Permission, ctx},
    error::AppError,
};

/// Keeps the choice in a cookie, a year long, and goes back to where it was made.
#[server(prefix = "/api", endpoint = "appearance/theme", input = PostUrl)]
pub async fn choose_theme(#[server(default)] theme: String) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SignedIn)?;
    let secure = if ctx.state.settings.https() { "; Secure" } else { "" };
    let kept = match theme.as_str() {
        "light" | "dark" => format!("theme={theme}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000{secure}"),
        _ => format!("theme=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}"),
    };
    crate::context::response::response_context()?.set_cookie(&kept);
    Ok(())
}
