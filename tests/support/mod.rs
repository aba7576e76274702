//! What integration tests share. A crate that needs all of it declares `#[path = "../support/mod.rs"] mod support;`,
//! one that needs less declares a module `support` with the files that it uses, so that nothing in it is dead code.

pub(crate) mod codex;
pub(crate) mod fixtures;
pub(crate) mod model;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod sandbox;
