//! Posting a form without leaving the page. The typed client would bring a parser and a writer of
//! forms into the browser's code.

use std::{cell::Cell, rc::Rc};

use js_sys::{Function, Object, Promise, Reflect};
use leptos::prelude::*;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::UrlSearchParams;

use crate::error::AppError;

/// What came of it.
pub enum Answer<T> {
    Done(T),
    Refused(AppError),
    /// It may have arrived, but no answer did.
    Lost,
}

/// Posts a form and reads the answer.
pub fn post<T: DeserializeOwned>(path: &str, body: &UrlSearchParams, then: impl FnOnce(Answer<T>) + 'static) {
    let read = move |answer: Option<(bool, String)>| {
        then(match answer {
            Some((true, json)) => serde_json::from_str(&json).map_or(Answer::Lost, Answer::Done),
            Some((false, json)) => match serde_json::from_str(&json) {
                // Nothing was decided: as if it had not been reached.
                Err(_) | Ok(AppError::Unavailable { .. }) => Answer::Lost,
                Ok(error) => Answer::Refused(error),
            },
            None => Answer::Lost,
        });
    };
    fetch(path, body, Box::new(read));
}

/// Whether it was done, and the answer. Nothing when none came.
type Answered = Box<dyn FnOnce(Option<(bool, String)>)>;

fn fetch(path: &str, body: &UrlSearchParams, answered: Answered) {
    let promise = || -> Result<Promise, JsValue> {
        let (headers, options) = (Object::new(), Object::new());
        Reflect::set(&headers, &"accept".into(), &"application/json".into())?;
        Reflect::set(&options, &"method".into(), &"POST".into())?;
        Reflect::set(&options, &"headers".into(), &headers)?;
        Reflect::set(&options, &"body".into(), body)?;
        let window = JsValue::from(window());
        let fetch: Function = Reflect::get(&window, &"fetch".into())?.dyn_into()?;
        let read = Closure::once_into_js(|response: JsValue| -> Result<JsValue, JsValue> {
            let ok = Reflect::get(&response, &"ok".into())?;
            let text: Function = Reflect::get(&response, &"text".into())?.dyn_into()?;
            let text: Promise = text.call0(&response)?.dyn_into()?;
            Ok(Promise::all(&js_sys::Array::of2(&ok, &text)).into())
        });
        let promise: Promise = fetch.call2(&window, &path.into(), &options)?.dyn_into()?;
        let then: Function = Reflect::get(&promise, &"then".into())?.dyn_into()?;
        then.call1(&promise, &read)?.dyn_into()
    };
    let answered = Rc::new(Cell::new(Some(answered)));
    let lost = answered.clone();
    let fail = Closure::once_into_js(move |_: JsValue| {
        if let Some(answered) = lost.take() {
            answered(None);
        }
    });
    let finish = Closure::once_into_js(move |both: JsValue| {
        let both = js_sys::Array::from(&both);
        if let Some(answered) = answered.take() {
            answered(Some((
                both.get(0).is_truthy(),
                both.get(1).as_string().unwrap_or_default(),
            )));
        }
    });
    if let Ok(promise) = promise()
        && let Ok(then) = Reflect::get(&promise, &"then".into())
        && let Ok(then) = then.dyn_into::<Function>()
    {
        let _ = then.call2(&promise, &finish, &fail);
    }
}
