//! Waiting for a pause: what changes with every key is asked about once nothing changes any more.

use std::time::Duration;

use leptos::prelude::*;

/// A signal that follows another one as soon as that has stood still for a while.
pub fn debounced<T>(source: Memo<T>, pause: Duration) -> ReadSignal<T>
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let (settled, settle) = signal(source.get_untracked());
    let mut later = debounce(pause, move |value: T| {
        if settled.with_untracked(|before| *before != value) {
            settle.set(value);
        }
    });
    Effect::new(move |_| later(source.get()));
    settled
}
