//! Every server function of the program, registered by name. `tests/endpoints.rs` holds this
//! list against a written table of permissions.

use leptos::server_fn::axum::register_explicit;

use crate::auth;

/// Makes the server functions known to the router. Safe to call again.
pub fn register() {
    register_explicit::<auth::api::SignIn>();
    register_explicit::<auth::api::SignOut>();
}
