//! The broker over real HTTP: what it answers, what it refuses, who waits for what.
//!
//! The desk by itself, with time that does as it is told, is tested where it is (`src/relay/broker/desk/tests.rs`).
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange time and processes by themselves")]

mod answers;
mod client;
mod scene;
mod waiting;
mod wire;
