//! The files of `tests/support` that are needed here.

#[expect(dead_code, reason = "other crates need more of it")]
#[path = "../support/cache_server/mod.rs"]
pub(crate) mod cache_server;
#[expect(dead_code, reason = "other crates need more of it")]
#[path = "../support/codex.rs"]
pub(crate) mod codex;
#[expect(dead_code, reason = "other crates need more of it")]
#[path = "../support/model.rs"]
pub(crate) mod model;
#[path = "../support/npm.rs"]
pub(crate) mod npm;
#[path = "../support/peer.rs"]
pub(crate) mod peer;
#[expect(dead_code, reason = "other crates need more of it")]
#[path = "../support/process.rs"]
pub(crate) mod process;
#[path = "../support/scanner.rs"]
pub(crate) mod scanner;
#[path = "../support/table.rs"]
pub(crate) mod table;
