//! The canary: secrets that are known go through every verb, in success and failure, and after each run everything
//! that the program said and every file that is there is searched for them, in every form in which they could hide.
//!
//! Where a secret belongs is written down in one place, `scene::belongs`.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

mod action;
mod arguments;
mod dotenv;
mod exchanges;
mod inputs;
mod masks;
mod policy;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/sandbox.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod sandbox;
#[path = "../support/scanner.rs"]
mod scanner;
mod scene;
mod store;
