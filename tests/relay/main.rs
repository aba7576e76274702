//! The relay from outside: real files, real locks, the strict authority over HTTP, and the program as processes. Where
//! time or a store must misbehave, the same code is called as a library (`lab`).
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

mod answers;
mod arena;
#[expect(dead_code, reason = "other tests use the rest of what the server can do")]
#[path = "../support/bucket_server/mod.rs"]
mod bucket_server;
#[path = "../support/counting_git.rs"]
mod counting_git;
mod crashes;
mod descent;
mod doctor;
mod git;
#[expect(dead_code, reason = "other tests use the rest of what the host can do")]
#[path = "../support/git_host.rs"]
mod git_host;
mod holder;
mod keys;
mod lab;
mod late;
mod launch;
mod leases;
mod objects;
mod obstacles;
#[path = "../support/program.rs"]
mod program;
mod refresh;
mod rescue;
mod seeds;
mod support;
mod trust;
mod unstored;
