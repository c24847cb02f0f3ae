//! halo-bench.
fn main() {}
