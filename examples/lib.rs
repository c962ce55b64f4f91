//! Programs that show bulk-sync at work: each file beside this one is an
//! example, to be run with `cargo run --example` and its name.
