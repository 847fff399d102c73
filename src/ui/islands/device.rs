//! What only this device knows: its clock, its keys, and whether it is online.

use js_sys::Reflect;
use leptos::prelude::*;
use wasm_bindgen::JsValue;

/// As a browser counts them.
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// `10:02 am`, on the clock of this device.
pub fn clock(date: &js_sys::Date) -> String {
    let hours = date.get_hours();
    let half = if hours < 12 { "am" } else { "pm" };
    format!("{}:{:02} {half}", (hours + 11) % 12 + 1, date.get_minutes())
}

/// A moment on the clock of this device, where that is another one than what was typed.
pub fn same_moment(at: &str, date: &str, time: &str) -> Option<String> {
    let here = js_sys::Date::new(&at.into());
    let clock_here = format!(
        "{}-{:02}-{:02} {:02}:{:02}",
        here.get_full_year(),
        here.get_month() + 1,
        here.get_date(),
        here.get_hours(),
        here.get_minutes()
    );
    let day = usize::try_from(here.get_day()).ok().and_then(|day| DAYS.get(day))?;
    (clock_here != format!("{date} {time}")).then(|| format!("(your time: {day} {})", clock(&here)))
}

pub fn is_offline() -> bool {
    navigator("onLine").and_then(|online| online.as_bool()) == Some(false)
}

/// The key that makes a shortcut of another one, by its name on this device.
pub fn command_key() -> &'static str {
    let platform = navigator("platform").and_then(|platform| platform.as_string());
    match platform.is_some_and(|platform| platform.starts_with("Mac") || platform.starts_with("iP")) {
        true => "⌘",
        false => "Ctrl",
    }
}

fn navigator(property: &str) -> Option<JsValue> {
    let navigator = Reflect::get(&window(), &"navigator".into()).ok()?;
    Reflect::get(&navigator, &property.into()).ok()
}
