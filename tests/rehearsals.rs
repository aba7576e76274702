//! `rehearse --store`: the whole relay in stores that people have, as one tries a store out before trusting it.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files and processes by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

#[expect(dead_code, reason = "other tests use the rest of what the server can do")]
#[path = "support/bucket_server/mod.rs"]
mod bucket_server;
#[expect(dead_code, reason = "other tests use the rest of what the server can do")]
#[path = "support/cache_server/mod.rs"]
mod cache_server;
#[path = "support/debian.rs"]
mod debian;
#[expect(dead_code, reason = "shared with tests that need more of it")]
#[path = "support/etcd.rs"]
mod etcd;
#[expect(dead_code, reason = "shared with tests that need more of it")]
#[path = "support/peer.rs"]
mod peer;
#[expect(dead_code, reason = "shared with tests that need more of it")]
#[path = "support/process.rs"]
mod process;
#[expect(dead_code, reason = "shared with tests that need more of it")]
#[path = "support/sandbox.rs"]
mod sandbox;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bucket_server::BucketServer;
use cache_server::{CacheServer, Speaks, environment, on_main};
use etcd::Etcd;
use process::run;
use sandbox::Sandbox;

const LIMIT: Duration = Duration::from_secs(120);

/// Rehearses in a store, with variables that only this store reads.
#[track_caller]
fn holds(sandbox: &Sandbox, store: &str, variables: &[(&str, &str)]) {
    let mut command = sandbox.command(Path::new(env!("CARGO_BIN_EXE_authbaton")));
    command.args(["rehearse", "--store", store]).envs(variables.iter().copied());
    let outcome = run(&mut command, b"", LIMIT).unwrap().exited(0);
    assert!(outcome.stdout.contains("10 of 10 points hold"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("left behind: slot `rehearse-"), "{}", outcome.stdout);
    for (_, value) in variables.iter().filter(|(name, _)| name.contains("TOKEN") || name.contains("SECRET")) {
        assert!(!outcome.stdout.contains(value) && !outcome.stderr.contains(value), "{value} was said");
    }
}

#[test]
fn the_relay_holds_in_a_git_repository() {
    let sandbox = Sandbox::new();
    let repository = sandbox.path("batons.git");
    let made = Command::new("git").args(["init", "--quiet", "--bare"]).arg(&repository).status().unwrap();
    assert!(made.success());
    holds(&sandbox, &format!("git:{}", repository.display()), &[]);
}

#[test]
fn the_relay_holds_in_an_object_store() {
    let server = BucketServer::start();
    let credentials = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret-canary")];
    holds(&Sandbox::new(), &server.store("s3", "ci/authbaton"), &credentials);
}

#[test]
fn the_relay_holds_in_the_cache_of_github_actions() {
    let server = CacheServer::start();
    let variables = environment(server.url(), Speaks::V2, &on_main());
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    holds(&Sandbox::new(), "actions-cache:", &variables);
}

#[test]
fn the_relay_holds_behind_a_helper() {
    let etcd = Etcd::start();
    let helper = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/exec/etcd");
    holds(&Sandbox::new(), &format!("exec:{helper}"), &[("ETCD_ENDPOINT", &etcd.endpoint())]);
}
