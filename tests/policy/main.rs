//! The policy from outside: its files in every wrong form, changed at every moment, narrowed by our options, explained.
//! Whether the verdict is the client's own, cell by cell, is `tests/managed_config`.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

#[path = "../relay/arena.rs"]
#[expect(dead_code, reason = "the suite of the relay uses the rest")]
mod arena;
mod changes;
mod cloud;
mod environment;
mod evil;
mod explain;
mod files;
#[path = "../support/fixtures.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod fixtures;
#[path = "../relay/launch.rs"]
#[expect(dead_code, reason = "the suite of the relay uses the rest")]
mod launch;
mod links;
mod llmx;
mod narrow;
mod scene;
#[path = "../relay/support.rs"]
mod support;
