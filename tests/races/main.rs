//! Races: many processes, few homes, one login, in many ways of sharing. One exchange per due token, and nobody is left
//! without its result. Small by default; with `AUTHBATON_TEST_SIZE=full` at the size that is promised.
//!
//! What came of it is a table, on standard output (`--nocapture`) and in `races.md` of the target directory.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

#[expect(dead_code, reason = "the tests of the relay need more of it")]
#[path = "../relay/arena.rs"]
mod arena;
mod cells;
#[expect(dead_code, reason = "the tests of the relay need more of it")]
#[path = "../relay/launch.rs"]
mod launch;
mod race;
#[path = "../relay/support.rs"]
mod support;
mod table;
