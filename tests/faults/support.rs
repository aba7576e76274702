//! What this suite uses of what all share.

#[expect(dead_code, reason = "the contract of stores uses the rest")]
#[path = "../support/git_host.rs"]
pub(crate) mod git_host;
#[expect(dead_code, reason = "other crates need more of it")]
#[path = "../support/sandbox.rs"]
pub(crate) mod sandbox;
