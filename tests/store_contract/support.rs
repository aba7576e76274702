//! What this suite uses of what all share.

#[path = "../support/debian.rs"]
pub(crate) mod debian;
#[path = "../support/etcd.rs"]
pub(crate) mod etcd;
#[path = "../support/git_host.rs"]
pub(crate) mod git_host;
#[path = "../support/object_servers.rs"]
pub(crate) mod object_servers;
#[path = "../support/peer.rs"]
#[expect(dead_code, reason = "other suites use the rest")]
pub(crate) mod peer;
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "other suites use the rest")]
pub(crate) mod process;
#[path = "../support/program.rs"]
pub(crate) mod program;
