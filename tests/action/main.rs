//! The action on a runner: real Node.js, our real program, a strict cache server and a strict authority.
//! `cargo test --test action -- --nocapture` prints a table of what each scenario cost.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

mod cache;
mod for_benches;
mod harness;
mod runner;
mod scenarios;
mod search;
mod support;
mod table;
mod trigger;
mod world;
