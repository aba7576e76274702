//! Real processes that are killed, stopped, sent signals and deprived of their disks and stores, at every step of the
//! protocol: what the next process finds, and how often the authority was asked in all.
#![cfg(target_os = "linux")]
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
mod authority;
mod clocks;
mod disks;
mod git_stores;
#[path = "../relay/launch.rs"]
#[expect(dead_code, reason = "the suite of the relay uses the rest")]
mod launch;
mod matrix;
mod mounts;
mod paused;
mod process;
mod release;
mod signals;
mod stores;
mod support;
mod table;
