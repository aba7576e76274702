//! The file of `tests/support` that is needed here.

#[expect(dead_code, reason = "other crates need more of it")]
#[path = "../support/sandbox.rs"]
pub(crate) mod sandbox;
