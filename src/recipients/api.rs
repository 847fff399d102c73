//! Counting and finding, for the picker.
