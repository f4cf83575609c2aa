//! Komet.
