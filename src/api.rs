//! Every server function of the program, registered by name. `tests/endpoints.rs` holds this
//! list against a written table of permissions.

use leptos::server_fn::axum::register_explicit;

use crate::{auth, consent, customers};

/// Makes the server functions known to the router. Safe to call again.
pub fn register() {
    register_explicit::<auth::api::SignIn>();
    register_explicit::<auth::api::SignOut>();
    register_explicit::<consent::api::ChangeConsent>();
    register_explicit::<customers::api::AddCustomer>();
    register_explicit::<customers::api::EditCustomer>();
    register_explicit::<customers::api::ArchiveCustomer>();
    register_explicit::<customers::api::WriteNotes>();
    register_explicit::<customers::api::AllowAgain>();
    register_explicit::<customers::api::AddPurchase>();
    register_explicit::<customers::api::AddRepair>();
    register_explicit::<customers::api::FinishRepair>();
}
