//! Small parts that pages are made of. They take plain values.

mod safe_text_area;

pub use safe_text_area::SafeTextArea;
