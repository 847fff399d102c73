//! Every server function of the program, registered by name. `tests/endpoints.rs` holds this
//! list against a written table of permissions.

use leptos::server_fn::axum::register_explicit;

use crate::{auth, sends, ui};

/// Makes the server functions known to the router. Safe to call again.
pub fn register() {
    register_explicit::<auth::api::SignIn>();
    register_explicit::<auth::api::SignOut>();
    register_explicit::<sends::api::SendImmediately>();
    register_explicit::<sends::api::SendProgress>();
    register_explicit::<sends::api::UndoSend>();
    register_explicit::<ui::appearance_api::ChooseTheme>();
}
