//! The broker over real HTTP: what it answers, what it refuses, who waits for what.
//!
//! The desk by itself, with time that does as it is told, is tested where it is (`src/relay/broker/desk/tests.rs`).
#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

mod answers;
mod client;
mod scene;
mod waiting;
mod wire;
