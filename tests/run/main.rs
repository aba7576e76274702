//! `run -- CMD` and its broker from outside: real processes, the strict authority over HTTP, and a client that asks the
//! broker as Codex does. What the job can see of secrets is searched, and everything in it is killed at least once.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

#[path = "../relay/arena.rs"]
#[expect(dead_code, reason = "the suite of the relay uses the rest")]
mod arena;
mod client;
mod codes;
mod handles;
mod homes;
mod job;
mod killed;
#[path = "../relay/launch.rs"]
#[expect(dead_code, reason = "the suite of the relay uses the rest")]
mod launch;
mod left;
mod others;
#[path = "../support/program.rs"]
mod program;
mod secrets;
mod stages;
mod stores;
#[path = "../faults/support.rs"]
mod support;
mod tokens;
