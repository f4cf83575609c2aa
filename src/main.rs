//! The `stemsync` program.
fn main() {}
