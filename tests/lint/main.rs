//! What GitHub runs of ours: the workflows, `action.yml` and the examples, read by two linters of others and by rules of
//! our own; the examples for GitLab; and the pages that describe them.
//!
//! Each linter is shown to find something before it is believed to have found nothing.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

mod actionlint;
mod gitlab;
#[path = "../support/npm.rs"]
mod npm;
mod page;
#[path = "../support/peer.rs"]
mod peer;
mod pins;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/pypi.rs"]
mod pypi;
mod release;
mod workflows;
mod zizmor;
