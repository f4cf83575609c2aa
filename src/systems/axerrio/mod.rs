//! Axerrio.
