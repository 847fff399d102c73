//! Bringing in a file of customers.
