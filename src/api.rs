//! Every server function of the program, registered by name. `tests/endpoints.rs` holds this
//! list against a written table of permissions.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use axum::{
    body::Body,
    http::{Request, Response},
};
use leptos::server_fn::{ContentType, Http, ServerFn, axum::register_explicit as register_function, server::Server};

/// What each function reads: its path, and the content type.
static READS: RwLock<BTreeMap<&str, &str>> = RwLock::new(BTreeMap::new());

/// The content type that the function at this path reads.
pub fn content_type(path: &str) -> Option<&'static str> {
    READS.read().unwrap_or_else(PoisonError::into_inner).get(path).copied()
}

/// How the arguments of a function are written.
trait Reads {
    const CONTENT_TYPE: &str;
}

impl<Input: ContentType, Output> Reads for Http<Input, Output> {
    const CONTENT_TYPE: &str = Input::CONTENT_TYPE;
}

fn register_explicit<T>()
where
    T: ServerFn<
            Protocol: Reads,
            Server: Server<
                T::Error,
                T::InputStreamError,
                T::OutputStreamError,
                Request = Request<Body>,
                Response = Response<Body>,
            >,
        > + 'static,
{
    let mut reads = READS.write().unwrap_or_else(PoisonError::into_inner);
    reads.insert(T::PATH, <T::Protocol as Reads>::CONTENT_TYPE);
    register_function::<T>();
}

/// Makes the server functions known to the router. Safe to call again.
pub fn register() {
    register_explicit::<crate::auth::api::AddMember>();
    register_explicit::<crate::auth::api::ChangePassword>();
    register_explicit::<crate::auth::api::ChangeRole>();
    register_explicit::<crate::auth::api::DisableMember>();
    register_explicit::<crate::auth::api::EnableMember>();
    register_explicit::<crate::auth::api::EndOthers>();
    register_explicit::<crate::auth::api::ResetPassword>();
    register_explicit::<crate::auth::api::SetUp>();
    register_explicit::<crate::auth::api::SignIn>();
    register_explicit::<crate::auth::api::SignOut>();
    register_explicit::<crate::campaigns::api::ConfirmBulk>();
    register_explicit::<crate::campaigns::api::ConfirmCampaign>();
    register_explicit::<crate::campaigns::api::DeleteCampaign>();
    register_explicit::<crate::campaigns::api::DuplicateCampaign>();
    register_explicit::<crate::campaigns::api::Preflight>();
    register_explicit::<crate::campaigns::api::SaveBulkEmail>();
    register_explicit::<crate::campaigns::api::SendBulkEmail>();
    register_explicit::<crate::campaigns::api::SendCampaign>();
    register_explicit::<crate::campaigns::api::ScheduleCampaign>();
    register_explicit::<crate::campaigns::api::SaveCampaign>();
    register_explicit::<crate::campaigns::api::ScheduleAgain>();
    register_explicit::<crate::campaigns::api::SendRest>();
    register_explicit::<crate::campaigns::api::TemplateText>();
    register_explicit::<crate::campaigns::api::UnscheduleCampaign>();
    register_explicit::<crate::campaigns::api::WhenItGoes>();
    register_explicit::<crate::consent::api::ChangeConsent>();
    register_explicit::<crate::customers::api::AddCustomer>();
    register_explicit::<crate::customers::api::AddPurchase>();
    register_explicit::<crate::customers::api::AddRepair>();
    register_explicit::<crate::customers::api::AllowAgain>();
    register_explicit::<crate::customers::api::ArchiveCustomer>();
    register_explicit::<crate::customers::api::EditCustomer>();
    register_explicit::<crate::customers::api::FinishRepair>();
    register_explicit::<crate::customers::api::WriteNotes>();
    register_explicit::<crate::instance::api::ConfirmInstance>();
    register_explicit::<crate::recipients::api::CountRecipients>();
    register_explicit::<crate::recipients::api::FindCustomers>();
    register_explicit::<crate::recipients::api::SkippedNames>();
    register_explicit::<crate::sends::api::EndStalled>();
    register_explicit::<crate::sends::api::GoOn>();
    register_explicit::<crate::sends::api::PauseSend>();
    register_explicit::<crate::sends::api::ResumeSend>();
    register_explicit::<crate::sends::api::SendAgain>();
    register_explicit::<crate::sends::api::SendImmediately>();
    register_explicit::<crate::sends::api::SendProgress>();
    register_explicit::<crate::sends::api::StopSend>();
    register_explicit::<crate::sends::api::TreatAsSent>();
    register_explicit::<crate::sends::api::UndoSend>();
    register_explicit::<crate::mail_accounts::api::SaveMailProvider>();
    register_explicit::<crate::mail_accounts::api::SaveMailServer>();
    register_explicit::<crate::stores::api::SaveSafety>();
    register_explicit::<crate::stores::api::SaveSending>();
    register_explicit::<crate::stores::api::SaveStore>();
    register_explicit::<crate::stores::api::SaveTiming>();
    register_explicit::<crate::ui::appearance_api::ChooseTheme>();
}
