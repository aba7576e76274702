//! What these tests need of `tests/support` beside what all peers share.

#[expect(dead_code, reason = "other tests use the rest of what the server can do")]
#[path = "../../support/bucket_server/mod.rs"]
pub(crate) mod bucket_server;
#[path = "../../support/debian.rs"]
pub(crate) mod debian;
#[expect(dead_code, reason = "other tests use the rest of what the host can do")]
#[path = "../../support/git_host.rs"]
pub(crate) mod git_host;
#[path = "../../support/program.rs"]
pub(crate) mod program;
#[path = "../../support/scanner.rs"]
pub(crate) mod scanner;

pub(crate) use crate::{
    shared_table as table,
    support::{codex, model, npm, peer, process},
};
