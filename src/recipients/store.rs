//! Counting, naming and freezing an audience.
