//! The processes around a login: the command of `run` with its signals and its end, who uses a home, the home of one
//! run, and how the broker is started. Real processes, also at a terminal.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::exit,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

mod broker;
mod command;
mod process;
#[path = "../support/program.rs"]
mod program;
mod role;
mod signals;
mod terminal;
mod users;
