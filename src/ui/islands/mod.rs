//! The parts that run in the browser. Nothing heavy may be reached from here: this is all the
//! browser downloads.
//!
//! Each island is one view, drawn by the server with the page and alive in the browser, and asks
//! the typed server functions. The fields of a form are never bound: they are the server's, so that
//! typing before this code came to life is not lost and everything works without it. The form for
//! writing is read as a whole into one signal (`editing`), which the islands inside it follow.
//!
//! The toolbar, and the copy of what is typed that stays on this device, act on the page by hand:
//! they have nothing to draw.

pub mod audience_panel;
pub mod buttons;
pub mod campaign_editor;
mod combobox;
pub mod customer_search;
mod debounce;
mod device;
mod dom;
mod draft_autosave;
mod editing;
pub mod following;
pub mod hold;
mod local_backup;
pub mod markdown_edit;
mod note;
pub mod preflight;
pub mod progress;
mod saving;
pub mod schedule;
pub mod template_picker;
mod toolbar;
