//! The files of `tests/support` that are needed here.

#[path = "../support/scanner.rs"]
pub(crate) mod scanner;
