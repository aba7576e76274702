//! authbaton and the real clients in the same homes: what one leaves, the other must be able to use.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

mod cache_client;
#[expect(dead_code, reason = "other tests use the rest of what the server can do")]
#[path = "../support/cache_server/mod.rs"]
mod cache_server;
mod codex_alone;
mod doctor;
mod enforce;
#[cfg(target_os = "linux")]
mod gitlab;
mod job;
mod locks;
mod login;
mod managed;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod other_user;
mod race;
mod restore;
mod run;
mod scene;
#[path = "../support/table.rs"]
mod shared_table;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod worlds;
